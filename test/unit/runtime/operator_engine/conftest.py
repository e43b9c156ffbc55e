"""The oracles the kernels are compared with: ONNX's reference evaluator and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

Array = npt.NDArray[Any]
Oracle = Callable[..., list[Array]]


def _model(
    op_type: str,
    inputs: Sequence[Array | None],
    attributes: Mapping[str, Any] | None,
    outputs: int,
    opset: int,
    element: int = onnx.TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model of one operator, its inputs constants; an input that is None is left out."""
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op_type, names, results, **(attributes or {}))
    graph = helper.make_graph(
        [node],
        "g",
        [],
        [helper.make_tensor_value_info(name, element, None) for name in results],
        [numpy_helper.from_array(x, f"x{i}") for i, x in enumerate(inputs) if x is not None],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 10
    return model


def _evaluate(
    op_type: str,
    inputs: Sequence[Array | None],
    attributes: Mapping[str, Any] | None = None,
    *,
    outputs: int = 1,
    opset: int = 20,
) -> list[Array]:
    evaluator: Any = ReferenceEvaluator(_model(op_type, inputs, attributes, outputs, opset))
    with np.errstate(all="ignore"):
        return [np.asarray(y) for y in evaluator.run(None, {})]


def _run(
    op_type: str,
    inputs: Sequence[Array | None],
    attributes: Mapping[str, Any] | None = None,
    *,
    outputs: int = 1,
    opset: int = 20,
    element: int = onnx.TensorProto.FLOAT,
) -> list[Array]:
    model = _model(op_type, inputs, attributes, outputs, opset, element).SerializeToString()
    session: Any = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return [np.asarray(y) for y in session.run(None, {})]


@pytest.fixture
def onnx_result() -> Oracle:
    """Evaluates one operator by ONNX's reference: `onnx_result("Relu", [x], {…}, outputs=1)`."""
    return _evaluate


@pytest.fixture
def ort_result() -> Oracle:
    """Runs one operator by ONNX Runtime, for those that ONNX's reference gets wrong or refuses."""
    return _run
