# pyright: reportUnknownMemberType=false
"""The kernels in the file against the operators of the graph: two engines, the same numbers.

(onnx's load is not fully typed.)
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from onnx.helper import (
    make_graph,
    make_model,
    make_node,
    make_opsetid,
    make_tensor_value_info,
)

from compiler.cli import main
from runtime.device import Memory
from runtime.model_registry import Models
from runtime.precision import Overflow
from runtime.settings import Engine

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
LAYERS = ("conv1", "conv2", "fc1", "fc2")
REFRESH = ",".join(f'"{layer}.{kind}"' for layer in LAYERS for kind in ("weight", "bias"))
TOLERANCE = {"force_fp16": 5e-3, "must_keep_origin_dtype": 1e-5}

Array = npt.NDArray[Any]


def build(model: Path, output: Path, options: str) -> Path:
    assert main([str(model), "-p", f"offline{{{options}}}", "-t", f'om{{output="{output}"}}']) == 0
    return output.with_name(f"{output.name}.om")


def random_weights(source: Path, target: Path) -> Path:
    """The graph of a light model, whose weights are all one number, with weights that differ."""
    model = onnx.load(source)
    rng = np.random.default_rng(0)
    given = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in [node for node in model.graph.node if node.op_type == "ConstantOfShape"]:
        shape = [int(size) for size in given[node.input[0]]]
        values = rng.standard_normal(shape) * np.sqrt(2 / max(np.prod(shape[1:]), 1))
        tensor = numpy_helper.from_array(values.astype(np.float32), node.output[0])
        model.graph.initializer.append(tensor)
        model.graph.node.remove(node)
    onnx.save(model, target)
    return target


def classify_before_and_after(bundle: Path, engine: Engine) -> tuple[Array, Array]:
    """A batch of digits with the weights as compiled and with those of the better checkpoint."""
    with np.load(DIGITS / "heldout.npz") as held_out:
        images = held_out["images"][:36]
    better = onnx.load(DIGITS / "better.onnx").graph.initializer
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in better}
    models = Models(Memory(), engine)
    ids = models.bundle(models.load_bundle(str(bundle))).model_ids
    infer, init, update = (models[model_id] for model_id in ids)
    init.run([])
    before = infer.run([images])[0].copy()
    names = [re.sub(r"_Initializer_\d+_var_data$", "", i.name) for i in update.description.inputs]
    update.run([weights[name] for name in names])
    return before, infer.run([images])[0].copy()


@pytest.mark.parametrize("precision", TOLERANCE)
def test_engines_agree_on_the_digits_bundle(precision: str, tmp_path: Path):
    options = f"refresh={REFRESH} precision={precision}"
    bundle = build(DIGITS / "model.onnx", tmp_path / "bundle", options)
    by_operator, by_kernel = (classify_before_and_after(bundle, engine) for engine in Engine)
    assert np.abs(by_kernel[0] - by_kernel[1]).max() > 0.1
    for ours, reference in zip(by_kernel, by_operator, strict=True):
        np.testing.assert_allclose(ours, reference, atol=TOLERANCE[precision])


@pytest.mark.parametrize("precision", TOLERANCE)
def test_engines_agree_on_squeezenet(precision: str, tmp_path: Path):
    model = random_weights(LIGHT / "light_squeezenet.onnx", tmp_path / "squeezenet.onnx")
    compiled = build(model, tmp_path / "squeezenet", f"precision={precision}")
    image = np.random.default_rng(1).standard_normal((1, 3, 224, 224), np.float32)
    results: list[Array] = []
    for engine in Engine:
        models = Models(Memory(), engine)
        results += models[models.load(str(compiled))].run([image])
    by_operator, by_kernel = results
    assert by_operator.max() > 2 * by_operator.mean()
    np.testing.assert_allclose(by_kernel, by_operator, atol=TOLERANCE[precision])


def on_both(
    op_type: str, left: Array, right: Array, folder: Path, mode: Overflow = Overflow.INFNAN
) -> list[Array]:
    """A float16 operator on two square matrices, on each engine."""
    kind = TensorProto.FLOAT16
    given = [make_tensor_value_info(n, kind, x.shape) for n, x in (("a", left), ("b", right))]
    result = make_tensor_value_info("y", kind, left.shape)
    graph = make_graph([make_node(op_type, ["a", "b"], ["y"], "node")], "g", given, [result])
    onnx.save(make_model(graph, opset_imports=[make_opsetid("", 17)]), folder / "node.onnx")
    compiled = build(folder / "node.onnx", folder / "node", "precision=must_keep_origin_dtype")
    results: list[Array] = []
    for engine in Engine:
        models = Models(Memory(), engine)
        models.mode.overflow = mode
        results += models[models.load(str(compiled))].run([left, right])
    return results


def test_products_overflow_alike(tmp_path: Path):
    left, right = np.full((16, 16), 40000, np.float16), np.eye(16, dtype=np.float16)
    right[:, :3] = [[1, -1, np.inf]]
    right[3, 3] = np.nan
    by_operator, by_kernel = on_both("MatMul", left, right, tmp_path)
    np.testing.assert_array_equal(by_kernel, by_operator)
    largest = np.finfo(np.float16).max
    expected = [largest, -largest, largest, np.nan, 40000]
    np.testing.assert_array_equal(by_kernel[0, :5], np.array(expected, np.float16))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Overflow.INFNAN, [np.inf, -np.inf, np.inf, np.nan, 3]),
        (Overflow.SATURATION, [65504, -65504, 65504, 0, 3]),
    ],
)
def test_sums_overflow_alike(mode: Overflow, expected: list[float], tmp_path: Path):
    left, right = np.ones((16, 16), np.float16), np.full((16, 16), 2, np.float16)
    left[:, :4] = right[:, :4] = [[40000, -40000, np.inf, np.nan]]
    by_operator, by_kernel = on_both("Add", left, right, tmp_path, mode)
    np.testing.assert_array_equal(by_kernel, by_operator)
    np.testing.assert_array_equal(by_kernel[0, :5], np.array(expected, np.float16))


def test_a_program_runs_on_the_kernel_engine(tmp_path: Path):
    bundle = build(DIGITS / "model.onnx", tmp_path / "bundle", f"refresh={REFRESH}")
    command = [sys.executable, "-m", "runtime.acl", "--engine=kernel", str(DIGITS / "refresh.py")]
    done = subprocess.run([*command, str(bundle)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("equal predictions 360 of 360") == 2


def test_the_operator_engine_loads_no_xdsl(tmp_path: Path):
    compiled = build(DIGITS / "model.onnx", tmp_path / "m", "")
    code = (
        "import sys, numpy as np\n"
        "import runtime.acl.state\n"
        "from runtime.device import Memory\n"
        "from runtime.model_registry import Models\n"
        "models = Models(Memory())\n"
        f"models[models.load({str(compiled)!r})].run([np.zeros((36, 1, 8, 8), np.float32)])\n"
        "print('xdsl' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
