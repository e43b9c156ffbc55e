"""Pooling kernels against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnxruntime import InferenceSession

CASES: dict[str, Any] = {
    "padded": ((2, 3, 13, 17), (3, 3), (2, 2), (1, 1, 1, 1), False),
    "rows": ((1, 3, 112, 112), (3, 3), (2, 2), (1, 1, 1, 1), False),
    "planes": ((1, 70, 14, 14), (2, 2), (2, 2), (0, 0, 0, 0), False),
    "ceil": ((1, 5, 15, 15), (3, 2), (2, 2), (0, 0, 0, 0), True),
    "uneven_pads": ((2, 3, 13, 18), (3, 3), (2, 1), (1, 0, 0, 1), False),
    "ceil_padded": ((1, 4, 10, 10), (3, 3), (2, 2), (1, 1, 1, 1), True),
}


def onnx_pool(op_type: str, x: Any, **attributes: Any) -> Any:
    """What ONNX Runtime computes, in f32."""
    node = helper.make_node(op_type, ["x"], ["y"], **attributes)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "pool", inputs, [output])
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    session: Any = InferenceSession(model.SerializeToString())
    return session.run(None, {"x": x.astype(np.float32)})[0]


def attributes_of(case: str) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The image's shape, ONNX's attributes, GraphEngine's."""
    shape, kernel, stride, (top, bottom, left, right), ceil = CASES[case]
    onnx = {
        "kernel_shape": kernel,
        "strides": stride,
        "pads": [top, left, bottom, right],
        "ceil_mode": int(ceil),
    }
    ge = {
        "ksize": (1, 1, *kernel),
        "strides": (1, 1, *stride),
        "pads": (top, bottom, left, right),
        "ceil_mode": ceil,
    }
    return shape, onnx, ge


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("case", CASES)
def test_maximum(case: str, dtype: str, execute: Any, random: Any) -> None:
    shape, onnx, ge = attributes_of(case)
    x = random.standard_normal(shape).astype(dtype)
    expected = onnx_pool("MaxPool", x, **onnx)
    np.testing.assert_array_equal(execute("MaxPoolV3", {"x": x}, expected.shape, ge), expected)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("case", CASES)
def test_average(case: str, dtype: str, exclusive: bool, execute: Any, random: Any) -> None:
    shape, onnx, ge = attributes_of(case)
    x = random.standard_normal(shape).astype(dtype)
    expected = onnx_pool("AveragePool", x, count_include_pad=int(not exclusive), **onnx)
    result = execute("AvgPoolV2", {"x": x}, expected.shape, {**ge, "exclusive": exclusive})
    tolerance = 1e-3 if dtype == "f2" else 1e-6
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("mode", "auto_pad"), [("SAME", "SAME_UPPER"), ("VALID", "VALID")])
def test_padding_modes(mode: str, auto_pad: str, execute: Any, random: Any) -> None:
    x = random.standard_normal((1, 6, 12, 15)).astype(np.float32)
    expected = onnx_pool("MaxPool", x, kernel_shape=[3, 4], strides=[2, 2], auto_pad=auto_pad)
    ge = {"ksize": (1, 1, 3, 4), "strides": (1, 1, 2, 2), "padding_mode": mode}
    np.testing.assert_array_equal(execute("MaxPoolV3", {"x": x}, expected.shape, ge), expected)


def test_global_average(execute: Any, random: Any) -> None:
    x = random.standard_normal((2, 9, 7, 5)).astype(np.float32)
    ge = {"ksize": (1, 1, 1, 1), "strides": (1, 1, 1, 1), "global_pooling": True}
    result = execute("AvgPoolV2", {"x": x}, (2, 9, 1, 1), ge)
    np.testing.assert_allclose(result, x.mean((2, 3), keepdims=True), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("op_type", ["MaxPoolV3", "AvgPoolV2"])
@pytest.mark.parametrize("left", [16, 17, 40])
def test_pads_beyond_a_block(op_type: str, left: int, agrees: Any, random: Any) -> None:
    attributes = {
        "ksize": (1, 1, 3, 50),
        "strides": (1, 1, 1, 7),
        "pads": (0, 1, left, 35),
        "padding_mode": "CALCULATED",
        "data_format": "NCHW",
    }
    x = random.standard_normal((2, 3, 9, 31)).astype(np.float16)
    agrees(op_type, {"x": x}, attributes, tolerance=(2e-3, 1e-3))
