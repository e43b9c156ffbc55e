"""The models that inference is timed on: ONNX's light models with full weights, transformers."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper, version_converter

from examples.models.weights import fill

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
EXPORTED = Path(__file__).parent / "models"
OPSET = 17
"""The light models are of opset 9, which not every peer reads."""


def names() -> list[str]:
    """Every model."""
    light = [path.stem.removeprefix("light_") for path in sorted(LIGHT.glob("*.onnx"))]
    return light + [path.stem.removesuffix("_dynamo") for path in sorted(EXPORTED.glob("*.onnx"))]


def make(name: str, folder: Path) -> Path:
    """Write a model with all its weights to a folder."""
    exported = EXPORTED / f"{name}_dynamo.onnx"
    if exported.exists():
        return fill(exported, folder)
    path = folder / f"{name}.onnx"
    onnx.save(_with_weights(onnx.load(LIGHT / f"light_{name}.onnx")), path)
    return path


def _with_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A light model whose generated weights are initializers with random values.

    Its graph makes them with ConstantOfShape, all of one value.
    """
    shapes = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    made = [node for node in model.graph.node if node.op_type == "ConstantOfShape"]
    ports = {name: place for node in model.graph.node for place, name in enumerate(node.input)}
    owners = {name: node.op_type for node in model.graph.node for name in node.input}
    rng = np.random.default_rng(0)
    for node in made:
        name, shape = node.output[0], tuple(int(size) for size in shapes[node.input[0]])
        value = _weight(owners[name], ports[name], shape, rng)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
        model.graph.node.remove(node)
    used = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    weights = {tensor.name for tensor in kept}
    inputs = [x for x in model.graph.input if x.name in used - weights]
    for field, values in (("initializer", kept), ("input", inputs)):
        model.graph.ClearField(field)
        getattr(model.graph, field).extend(values)
    model.ir_version = 8
    return version_converter.convert_version(model, OPSET)


def _weight(
    operator: str, port: int, shape: tuple[int, ...], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Weights that keep a signal's size: He-scaled products, variances around one."""
    if operator == "BatchNormalization" and port in (1, 4):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    scale = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.01
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def inputs(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """Random numbers, or token numbers, for every input."""
    model = onnx.load(path, load_external_data=False)
    weights = {tensor.name for tensor in model.graph.initializer}
    rng = np.random.default_rng(1)
    found: dict[str, npt.NDArray[np.generic]] = {}
    for value in model.graph.input:
        if value.name in weights:
            continue
        tensor = value.type.tensor_type
        shape = [dim.dim_value for dim in tensor.shape.dim]
        is_image = tensor.elem_type == onnx.TensorProto.FLOAT
        found[value.name] = (
            rng.standard_normal(shape, np.float32) if is_image else rng.integers(0, 1000, shape)
        )
    return found
