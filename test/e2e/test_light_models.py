# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""Real vision models, whole: compiled, simulated, run on the device, compared with ONNX Runtime.

The graphs are those that the onnx package ships, whose weights are all one number. For the
numbers to say something they get random weights here. (onnx and its runtime leave types open.)
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from compiler.cli import main
from runtime.device import Memory
from runtime.model_registry import Models

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NAMES = [path.stem.removeprefix("light_") for path in sorted(LIGHT.glob("light_*.onnx"))]
TOLERANCE = {"must_keep_origin_dtype": 1e-3, "force_fp16": 2e-2}

Floats = npt.NDArray[np.float32]


def compile_model(model: Path, output: Path, precision: str = "force_fp16") -> Path:
    arguments = ["-p", f"offline{{precision={precision}}}", "-t", f'om{{output="{output}"}}']
    assert main([str(model), *arguments]) == 0
    return output.with_name(f"{output.name}.om")


def image(session: onnxruntime.InferenceSession) -> dict[str, Floats]:
    [needed] = [x for x in session.get_inputs() if len(x.shape) == 4]
    rng = np.random.default_rng(0)
    return {needed.name: rng.standard_normal(needed.shape, dtype=np.float32)}


def expected(model: Path) -> tuple[Floats, Floats]:
    """An input, and what ONNX Runtime makes of it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    feed = image(session)
    return next(iter(feed.values())), np.asarray(session.run(None, feed)[0])


def on_device(model: Path, x: Floats) -> Floats:
    models = Models(Memory())
    [result] = models[models.load(str(model))].run([x])
    models.clear()
    return result


def relative_error(got: Floats, reference: Floats) -> float:
    worst = np.abs(got.reshape(reference.shape).astype(np.float64) - reference).max()
    return float(worst / np.abs(reference).max())


def random_weight(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Weights as a trained model has them: He-scaled, statistics around one, small shifts."""
    if kind == "scale":
        return rng.uniform(0.2, 0.5, shape).astype(np.float32)
    if kind == "variance":
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if kind == "weight" and len(shape) > 1:
        scale = np.sqrt(2 / np.prod(shape[1:]))
        return (rng.standard_normal(shape) * scale).astype(np.float32)
    return (rng.standard_normal(shape) * 0.1).astype(np.float32)


@cache
def with_random_weights(name: str, folder: Path) -> Path:
    """The graph of a light model with its generated and its given weights made random."""
    model = onnx.load(LIGHT / f"light_{name}.onnx")
    rng = np.random.default_rng(0)
    kinds = {
        tensor: kind
        for node in model.graph.node
        if node.op_type == "BatchNormalization"
        for kind, tensor in zip(("scale", "shift", "mean", "variance"), node.input[1:], strict=True)
    }
    given = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    shapes = {
        node.output[0]: tuple(int(size) for size in given[node.input[0]])
        for node in model.graph.node
        if node.op_type == "ConstantOfShape"
    }
    shapes |= {name: given[name].shape for name in kinds if name in given}
    kept = [tensor for tensor in model.graph.initializer if tensor.name not in shapes]
    made = [
        numpy_helper.from_array(random_weight(kinds.get(name, "weight"), shape, rng), name)
        for name, shape in shapes.items()
    ]
    nodes = [node for node in model.graph.node if node.op_type != "ConstantOfShape"]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend([*kept, *made])
    model.graph.node.extend(nodes)
    model.ir_version = 8
    onnx.save(model, folder / f"{name}.onnx")
    return folder / f"{name}.onnx"


def without_softmax(path: Path, folder: Path) -> Path:
    """The model up to its last Softmax.

    Weights that are all one number make 1000 equal logits, 10^9 and more: how the last bit of each
    is rounded, which differs from one processor to the next, would decide all of the answer.
    """
    model = onnx.load(path)
    [last] = [node for node in model.graph.node if node.op_type == "Softmax"]
    model.graph.node.remove(last)
    model.graph.output[0].name = last.input[0]
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, folder / path.name)
    return folder / path.name


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("light")


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("name", ["squeezenet", "resnet50", "inception_v1", "inception_v2"])
def test_agrees_with_onnx_runtime(name: str, precision: str, folder: Path):
    model = with_random_weights(name, folder)
    x, reference = expected(model)
    compiled = compile_model(model, folder / f"{name}_{precision}", precision)
    assert relative_error(on_device(compiled, x), reference) <= TOLERANCE[precision]


@pytest.mark.parametrize("name", ["squeezenet", "resnet50", "inception_v1"])
def test_agrees_as_shipped(name: str, tmp_path: Path):
    model = without_softmax(LIGHT / f"light_{name}.onnx", tmp_path)
    x, reference = expected(model)
    precision = "must_keep_origin_dtype"
    compiled = compile_model(model, tmp_path / name, precision)
    assert relative_error(on_device(compiled, x), reference) <= TOLERANCE[precision]


@pytest.mark.parametrize("name", ["squeezenet", "resnet50", "inception_v1"])
def test_saturates_as_shipped(name: str, tmp_path: Path):
    """No logit fits float16: they end at its largest number together, and stay equal."""
    model = LIGHT / f"light_{name}.onnx"
    x, reference = expected(model)
    compiled = compile_model(model, tmp_path / name, "force_fp16")
    assert relative_error(on_device(compiled, x), reference) <= TOLERANCE["force_fp16"]


@pytest.mark.parametrize("name", NAMES)
def test_has_a_schedule(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    compiled = compile_model(LIGHT / f"light_{name}.onnx", tmp_path / name)
    capsys.readouterr()
    assert main([str(compiled), "-t", f'schedule{{output="{tmp_path}/schedule"}}']) == 0
    assert "µs" in capsys.readouterr().out
    trace = json.loads((tmp_path / "schedule" / "trace.json").read_text())
    tasks = [event for event in trace["traceEvents"] if event.get("pid") == "streams"]
    assert len([event for event in tasks if event["ph"] == "X"]) > 10


def test_there_are_nine_light_models():
    assert len(NAMES) == 9
