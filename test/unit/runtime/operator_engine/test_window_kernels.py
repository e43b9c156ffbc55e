"""Convolution and pooling against ONNX."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

from runtime.operator_engine import Node, OperatorError, TensorDesc, run, run_convolution

Array = npt.NDArray[Any]
Oracle = Callable[..., list[Array]]


def _random(*shape: int, dtype: Any = np.float32) -> Array:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def _interleaved(pads: list[int]) -> list[int]:
    half = len(pads) // 2
    return [pad for pair in zip(pads[:half], pads[half:], strict=True) for pad in pair]


CONVOLUTIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "1x1": ((2, 8, 5, 7), (16, 8, 1, 1), {}),
    "1x1 strided": ((1, 8, 7, 7), (4, 8, 1, 1), {"strides": [2, 2]}),
    "3x3 padded": ((1, 3, 9, 8), (5, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "7x7 stride 2": ((1, 3, 20, 20), (4, 3, 7, 7), {"pads": [3, 3, 3, 3], "strides": [2, 2]}),
    "lopsided pads": ((1, 2, 6, 6), (3, 2, 3, 2), {"pads": [0, 1, 2, 3]}),
    "dilated": ((1, 2, 11, 12), (3, 2, 3, 3), {"dilations": [2, 3], "pads": [2, 3, 2, 3]}),
    "two groups": ((2, 6, 8, 8), (4, 3, 3, 3), {"group": 2}),
    "depthwise": ((1, 6, 8, 9), (6, 1, 3, 3), {"group": 6, "pads": [1, 1, 1, 1]}),
    "depthwise, dilated": ((2, 3, 9, 8), (3, 1, 3, 2), {"group": 3, "dilations": [2, 3]}),
    "depthwise, strided": ((1, 4, 9, 8), (4, 1, 3, 3), {"group": 4, "strides": [2, 1]}),
    "3d": ((1, 2, 5, 6, 7), (3, 2, 2, 3, 2), {"pads": [0, 1, 1, 0, 1, 0]}),
}


def _conv_node(x: Array, attributes: dict[str, Any], dtype: Any = np.float32) -> Node:
    rank = x.ndim - 2
    return Node(
        "conv",
        "Conv2D",
        {
            "strides": [1, 1, *attributes.get("strides", [1] * rank)],
            "dilations": [1, 1, *attributes.get("dilations", [1] * rank)],
            "pads": _interleaved(attributes.get("pads", [0] * (2 * rank))),
            "groups": attributes.get("group", 1),
            "data_format": "NCHW" if rank == 2 else "NCDHW",
        },
        outputs=(TensorDesc(np.dtype(dtype), (-2,)),),
    )


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_convolution_of_no_images_has_none(kernel: int):
    x, weights = np.zeros((0, 2, 5, 5), np.float32), np.ones((3, 2, kernel, kernel), np.float32)
    [y] = run(_conv_node(x, {}), {"x": x, "filter": weights})
    assert y.shape == (0, 3, 6 - kernel, 6 - kernel)


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution(case: str, onnx_result: Oracle) -> None:
    x_shape, w_shape, attributes = CONVOLUTIONS[case]
    x, w, b = _random(*x_shape), _random(*w_shape), _random(w_shape[0])
    (expected,) = onnx_result("Conv", [x, w, b], attributes)
    (y,) = run(_conv_node(x, attributes), {"x": x, "filter": w, "bias": b})
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_a_convolution_goes_into_its_result(case: str, bias: bool) -> None:
    x_shape, w_shape, attributes = CONVOLUTIONS[case]
    x, w, b = _random(*x_shape), _random(*w_shape), _random(w_shape[0])
    node, inputs = _conv_node(x, attributes), {"x": x, "filter": w} | ({"bias": b} if bias else {})
    (expected,) = run(node, inputs)
    y = np.full_like(expected, np.nan)
    run_convolution(node, inputs, y)
    np.testing.assert_array_equal(y, expected)


def test_a_convolution_does_not_go_into_another_shape() -> None:
    x, w = _random(1, 4, 5, 7), _random(4, 1, 3, 3)
    node = _conv_node(x, {"group": 4})
    with pytest.raises(OperatorError, match=r"'conv'.*\[1, 4, 3, 5\], the model says"):
        run_convolution(node, {"x": x, "filter": w}, np.empty((1, 4, 5, 3), np.float32))


@pytest.mark.parametrize("strides", [[1, 1], [1, 2], [2, 1]])
@pytest.mark.parametrize("pads", list(product((0, 1, 2), repeat=4)))
def test_pointwise_convolution(strides: list[int], pads: list[int], onnx_result: Oracle) -> None:
    # Strides and pads may give the output the size of the input, and yet other elements.
    x, w = _random(1, 2, 4, 4), _random(3, 2, 1, 1)
    attributes = {"strides": strides, "pads": list(pads)}
    (expected,) = onnx_result("Conv", [x, w], attributes)
    (y,) = run(_conv_node(x, attributes), {"x": x, "filter": w})
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_convolution_accumulates_in_float32(dtype: Any) -> None:
    # In the element type itself the sum would stop growing long before the end.
    x, w = np.full((1, 4096, 1, 1), 1, dtype), np.full((1, 4096, 1, 1), 1, dtype)
    (y,) = run(_conv_node(x, {}, dtype), {"x": x, "filter": w})
    assert y.dtype == dtype
    assert float(y.reshape(())) == 4096


def test_int8_convolution_is_exact() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (1, 64, 3, 3)).astype(np.int8)
    w = rng.integers(-128, 128, (2, 64, 3, 3)).astype(np.int8)
    (y,) = run(_conv_node(x, {}, np.int32), {"x": x, "filter": w})
    expected = (x.astype(np.int64) * w).sum(axis=(1, 2, 3))
    assert y.dtype == np.int32
    assert y.reshape(-1).tolist() == expected.tolist()


def test_channels_last_convolution_equals_channels_first() -> None:
    x, w = _random(1, 3, 6, 6), _random(4, 3, 3, 3)
    (expected,) = run(_conv_node(x, {}), {"x": x, "filter": w})
    desc = TensorDesc(np.dtype(np.float32), (-2,), "NHWC")
    hwcn = TensorDesc(np.dtype(np.float32), (-2,), "HWCN")
    node = Node(
        "conv", "Conv2D", {"strides": [1, 1, 1, 1], "pads": [0, 0, 0, 0]}, (desc, hwcn), (desc,)
    )
    (y,) = run(node, {"x": x.transpose(0, 2, 3, 1), "filter": w.transpose(2, 3, 1, 0)})
    np.testing.assert_allclose(y.transpose(0, 3, 1, 2), expected, rtol=1e-5, atol=1e-5)


def test_convolution_names_the_node_whose_channels_do_not_fit() -> None:
    x, w = _random(1, 3, 6, 6), _random(4, 2, 3, 3)
    with pytest.raises(OperatorError, match=r"'conv' \(Conv2D\).*3 channels"):
        run(_conv_node(x, {}), {"x": x, "filter": w})


POOLS: dict[str, dict[str, Any]] = {
    "plain": {"kernel_shape": [2, 2], "strides": [2, 2]},
    "padded": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    "lopsided": {"kernel_shape": [3, 2], "strides": [1, 2], "pads": [1, 0, 2, 1]},
    "ceil": {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    "ceil padded": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4, "ceil_mode": 1},
    "ceil drop": {"kernel_shape": [1, 1], "strides": [3, 3], "pads": [0] * 4, "ceil_mode": 1},
}


def _pool_node(op_type: str, attributes: dict[str, Any], **more: Any) -> Node:
    return Node(
        "pool",
        op_type,
        {
            "ksize": [1, 1, *attributes["kernel_shape"]],
            "strides": [1, 1, *attributes["strides"]],
            "pads": _interleaved(attributes.get("pads", [0, 0, 0, 0])),
            "ceil_mode": bool(attributes.get("ceil_mode", 0)),
            **more,
        },
    )


@pytest.mark.parametrize("case", POOLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_max_pool(case: str, dtype: Any, onnx_result: Oracle) -> None:
    x = _random(2, 3, 10, 9, dtype=dtype) - 5
    (expected,) = onnx_result("MaxPool", [x], POOLS[case])
    (y,) = run(_pool_node("MaxPoolV3", POOLS[case]), {"x": x})
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("case", POOLS)
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_max_pool_tells_where(case: str, order: int, dtype: Any, onnx_result: Oracle) -> None:
    x = np.random.default_rng(0).integers(0, 3, (2, 3, 10, 9)).astype(dtype)
    attributes = {**POOLS[case], "storage_order": order}
    expected = onnx_result("MaxPool", [x], attributes, outputs=2)
    descs = tuple(TensorDesc(y.dtype, y.shape) for y in expected)
    found = run(Node("pool", "OnnxMaxPool", attributes, outputs=descs), {"X": x})
    for y, wanted in zip(found, expected, strict=True):
        assert y.dtype == wanted.dtype
        np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("case", POOLS)
@pytest.mark.parametrize("include", [0, 1])
def test_average_pool(case: str, include: int, onnx_result: Oracle) -> None:
    x = _random(2, 3, 10, 9)
    attributes = {**POOLS[case], "count_include_pad": include}
    (expected,) = onnx_result("AveragePool", [x], attributes)
    node = _pool_node("AvgPoolV2", POOLS[case], exclusive=not include)
    np.testing.assert_allclose(run(node, {"x": x})[0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("mode", "auto_pad"), [("SAME", "SAME_UPPER"), ("VALID", "VALID")])
def test_padding_modes(mode: str, auto_pad: str, onnx_result: Oracle) -> None:
    x = _random(1, 2, 10, 9)
    sizes = {"kernel_shape": [3, 3], "strides": [2, 2]}
    (expected,) = onnx_result("MaxPool", [x], {**sizes, "auto_pad": auto_pad})
    (y,) = run(_pool_node("MaxPoolV3", sizes, padding_mode=mode), {"x": x})
    np.testing.assert_array_equal(y, expected)


def test_global_pooling_ignores_the_window() -> None:
    x = _random(1, 2, 5, 4)
    attributes = {"kernel_shape": [1, 1], "strides": [1, 1]}
    (y,) = run(_pool_node("AvgPoolV2", attributes, global_pooling=True), {"x": x})
    np.testing.assert_allclose(y, x.mean((2, 3), keepdims=True), rtol=1e-5)
    (y,) = run(Node("pool", "GlobalAveragePool"), {"x": x})
    np.testing.assert_allclose(y, x.mean((2, 3), keepdims=True), rtol=1e-5)
