"""Convolution kernels against ONNX Runtime in f32."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnxruntime import InferenceSession

TOLERANCE: dict[Any, Any] = {"f2": {"rtol": 1e-3, "atol": 4e-3}, "f4": {"rtol": 1e-4, "atol": 1e-4}}


def onnx_conv(x: Any, w: Any, b: Any, **attributes: Any) -> Any:
    """What ONNX Runtime computes."""
    names = ["x", "w", "b"]
    node = helper.make_node("Conv", names, ["y"], **attributes)
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "conv", inputs, [output])
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    feed = {name: value.astype(np.float32) for name, value in zip(names, (x, w, b), strict=True)}
    session: Any = InferenceSession(model.SerializeToString())
    return session.run(None, feed)[0]


CASES: dict[str, Any] = {
    "one_tile": ((1, 3, 10, 10), (8, 3, 3, 3), (1, 1), (1, 1, 1, 1), 1, 1),
    "uneven": ((2, 20, 17, 23), (40, 20, 3, 5), (2, 1), (1, 0, 2, 1), 1, 1),
    "dilated": ((1, 32, 14, 14), (32, 32, 3, 3), (1, 1), (2, 2, 2, 2), 2, 1),
    "depthwise": ((1, 24, 9, 14), (24, 1, 3, 3), (1, 1), (1, 1, 1, 1), 1, 24),
    "groups": ((1, 12, 14, 14), (36, 4, 3, 3), (1, 1), (1, 1, 1, 1), 1, 3),
    "first_layer": ((1, 3, 24, 224), (64, 3, 7, 7), (2, 2), (3, 3, 3, 3), 1, 1),
    "pointwise": ((1, 256, 14, 14), (512, 256, 1, 1), (2, 2), (0, 0, 0, 0), 1, 1),
    "pointwise_padded": ((1, 16, 4, 4), (8, 16, 1, 1), (1, 2), (0, 0, 1, 2), 1, 1),
    "packets": ((1, 600, 5, 6), (33, 600, 3, 3), (1, 1), (1, 1, 1, 1), 1, 1),
}


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("case", CASES)
def test_conv(case: str, dtype: str, execute: Any, random: Any) -> None:
    image, kernel, stride, (top, bottom, left, right), dilation, groups = CASES[case]
    x = random.standard_normal(image).astype(dtype)
    w = (random.standard_normal(kernel) / math.sqrt(math.prod(kernel[1:]))).astype(dtype)
    b = random.standard_normal(kernel[0]).astype(dtype)
    expected = onnx_conv(
        x,
        w,
        b,
        strides=stride,
        pads=[top, left, bottom, right],
        dilations=[dilation] * 2,
        group=groups,
    )
    attributes = {
        "strides": (1, 1, *stride),
        "pads": (top, bottom, left, right),
        "dilations": (1, 1, dilation, dilation),
        "groups": groups,
        "data_format": "NCHW",
    }
    result = execute("Conv2D", {"x": x, "filter": w, "bias": b}, expected.shape, attributes)
    np.testing.assert_allclose(result, expected, **TOLERANCE[dtype])


def test_without_bias(execute: Any, random: Any) -> None:
    x, w = (random.standard_normal(s).astype(np.float32) for s in ((1, 5, 6, 7), (4, 5, 1, 1)))
    attributes = {"strides": (1, 1, 1, 1), "pads": (0, 0, 0, 0), "data_format": "NCHW"}
    result = execute("Conv2D", {"x": x, "filter": w}, (1, 4, 6, 7), attributes)
    expected = np.einsum("nchw,oc->nohw", x, w[:, :, 0, 0])
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
