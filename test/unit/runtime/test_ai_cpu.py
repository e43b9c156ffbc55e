"""Operators in ONNX's own form on the AI CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime.operator_engine import Node, OperatorError, TensorDesc, run
from runtime.operator_engine.ai_cpu import parse_type

FLOAT = TensorDesc(np.dtype(np.float32), (2,))


def onnx_node(operator: str, outputs: int = 1, **attributes: Any) -> Node:
    attributes = {"onnx_domain": "ai.onnx", "onnx_opset": 21, **attributes}
    return Node("odd", f"Onnx{operator}", attributes, (), (FLOAT,) * outputs)


def test_inputs_go_by_the_names_of_the_schema():
    x = np.array([[3.0, 1.0], [2.0, 5.0]], np.float32)
    [y] = run(onnx_node("Hardmax", axis=0), {"input": x})
    np.testing.assert_array_equal(y, [[1, 0], [0, 1]])


def test_an_input_may_be_left_out():
    x = np.array([1.0, 5.0], np.float32)
    [y] = run(onnx_node("Clip"), {"input": x, "max": np.array(3, np.float32)})
    np.testing.assert_array_equal(y, [1, 3])


def test_variadic_inputs_are_numbered():
    x = np.array([1.0, 5.0], np.float32)
    [y] = run(onnx_node("Sum"), {f"data_0{i}": x for i in range(11)})
    np.testing.assert_array_equal(y, 11 * x)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_grid_sample_of_the_first_opset(mode: str):
    image = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    centre = np.zeros((1, 1, 1, 2), np.float32)
    [y] = run(onnx_node("GridSample", onnx_opset=16, mode=mode), {"X": image, "grid": centre})
    np.testing.assert_allclose(y.reshape(-1), [7.5], rtol=1e-6)


@pytest.mark.parametrize("opset", [10, 13, 19])
def test_versions_that_the_reference_leaves_out(opset: int):
    inputs = {"x": np.array([1, 5], np.int8), "x_scale": np.array(0.5, np.float32)}
    inputs["x_zero_point"] = np.array(3, np.int8)
    [y] = run(onnx_node("DequantizeLinear", onnx_opset=opset), inputs)
    np.testing.assert_array_equal(y, np.array([-1, 1], np.float32))


def test_outputs_may_be_left_out():
    x = np.array([2.0, 1.0, 2.0], np.float32)
    node = onnx_node("Unique", 2, onnx_outputs=[0, 3])
    values, counts = run(node, {"X": x})
    np.testing.assert_array_equal(values, [1, 2])
    np.testing.assert_array_equal(counts, [1, 2])


def test_tensor_attributes_are_ports():
    node = onnx_node("ConstantOfShape")
    [y] = run(node, {"input": np.array([3]), "value": np.array([7], np.int32)})
    np.testing.assert_array_equal(y, np.full(3, 7, np.int32))


def test_sequences_are_lists():
    items: Any = [np.zeros(2, np.float32), np.ones(3, np.float32)]
    [y] = run(onnx_node("SequenceAt"), {"input_sequence": items, "position": np.array(1)})
    np.testing.assert_array_equal(y, items[1])


def test_what_onnx_refuses_names_the_node():
    with pytest.raises(OperatorError, match=r"'odd' \(OnnxHardmax\)"):
        run(onnx_node("Hardmax", axis=7), {"input": np.zeros(2, np.float32)})


def test_types_are_read_from_onnxs_spelling():
    spelled = parse_type("optional(seq(tensor(int64)))")
    inner = spelled.optional_type.elem_type.sequence_type.elem_type
    assert inner.tensor_type.elem_type == 7
