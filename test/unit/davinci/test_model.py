"""A whole model on the kernel engine, node after node, against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnxruntime import InferenceSession
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import SSAValue
from xdsl.passes import PassPipeline

from compiler.constants import weight_of
from compiler.frontends.onnx import import_model
from compiler.pipelines import KERNELS, PROVE
from compiler.universe import UNIVERSE
from compiler.weights import numpy_dtype
from dialects.davinci import KernelOp
from dialects.ge import ConstOp, DataOp, GraphOp, NetOutputOp, NodeOp
from dialects.types import element_name, tensor_of
from runtime.kernel_engine import run_kernel

EXAMPLE = Path(__file__).parents[3] / "examples" / "digits"
CLEAN_UP = ("convert-onnx-to-ge", "ge-remove-identity", "ge-fold-constants", "ge-assign-precision")
PASSES = ",".join((*CLEAN_UP, *KERNELS, *PROVE))


def _compile(path: Path) -> ModuleOp:
    module = import_model(str(path))
    PassPipeline.parse_spec(UNIVERSE.all_passes, PASSES).apply(Context(), module)
    return module


def _empty(value: SSAValue) -> Any:
    type = tensor_of(value)
    name = element_name(type.element_type)
    assert name is not None
    return np.full(type.get_shape(), np.nan, numpy_dtype(name))


def _constant(node: ConstOp) -> Any:
    data = b"".join(bytes(chunk) for chunk in weight_of(node.value).chunks())
    empty = _empty(node.results[0])
    return np.frombuffer(data, empty.dtype).reshape(empty.shape)


def _result(node: NodeOp, inputs: list[Any], kernels: dict[str, KernelOp]) -> Any:
    name = node.attributes.get("_kernelname")
    output = _empty(node.results[0])
    if isinstance(name, StringAttr):
        run_kernel(kernels[name.data], [*inputs, output])
        return output
    assert "_no_task" in node.attributes, f"{node.label} has no kernel"
    return inputs[0].reshape(output.shape)


def _run(module: ModuleOp, image: Any) -> Any:
    """What the graph's one output is for its one input."""
    kernels = {op.label: op for op in module.body.block.ops if isinstance(op, KernelOp)}
    graph = next(op for op in module.body.block.ops if isinstance(op, GraphOp))
    values: dict[SSAValue, Any] = {}
    for node in graph.nodes:
        match node:
            case NetOutputOp():
                return values[node.operands[0]]
            case DataOp():
                values[node.results[0]] = image
            case ConstOp():
                values[node.results[0]] = _constant(node)
            case _:
                inputs = [values[operand] for operand in node.operands]
                values[node.results[0]] = _result(node, inputs, kernels)
    raise AssertionError("the graph has no output")


@pytest.fixture(scope="module")
def digits() -> ModuleOp:
    """The example's model, scheduled."""
    return _compile(EXAMPLE / "model.onnx")


def test_digits(digits: ModuleOp) -> None:
    session: Any = InferenceSession(EXAMPLE / "model.onnx")
    (port,) = session.get_inputs()
    random: Any = np.random.default_rng(3)
    image = random.uniform(0, 1, port.shape).astype(np.float32)
    (expected,) = session.run(None, {port.name: image})
    np.testing.assert_allclose(_run(digits, image), expected, atol=5e-3)
