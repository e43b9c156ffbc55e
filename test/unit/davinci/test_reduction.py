"""Kernels of reductions, softmax and normalisations against NumPy and ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnxruntime import InferenceSession

REDUCE: dict[str, Any] = {
    "ReduceSum": np.sum,
    "ReduceMean": np.mean,
    "ReduceMax": np.max,
    "ReduceMin": np.min,
}
TOLERANCE: dict[Any, Any] = {"f2": {"rtol": 2e-3, "atol": 2e-3}, "f4": {"rtol": 2e-5, "atol": 2e-5}}


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("op_type", REDUCE)
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((2, 64, 7, 7), (2, 3)),
        ((5, 30, 1001), (1,)),
        ((5, 30, 101), (-1,)),
        ((3, 4, 5, 6), (0, 2)),
        ((3, 4, 5, 6), (1, 3)),
        ((50_000,), (0,)),
        ((3, 4), (0, 1)),
        ((3, 1, 4), (1,)),
    ],
)
def test_reduce(op_type: str, shape: Any, axes: Any, dtype: str, execute: Any, random: Any) -> None:
    x = random.uniform(-1, 2, shape).astype(dtype)
    expected = REDUCE[op_type](x.astype(np.float64), axis=axes)
    inputs = {"x": x, "axes": np.array(axes, np.int64)}
    result = execute(op_type, inputs, expected.shape)
    np.testing.assert_allclose(result, expected, **TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize(
    ("shape", "axis"), [((3, 1000), -1), ((2, 30, 77), 1), ((500, 5), 1), ((3, 4, 5, 6), 0)]
)
def test_softmax(shape: Any, axis: int, dtype: str, execute: Any, random: Any) -> None:
    x = (random.standard_normal(shape) * 5).astype(dtype)
    powers = np.exp(x.astype(np.float64) - x.max(axis=axis, keepdims=True))
    result = execute("SoftmaxV2", {"x": x}, shape, {"axes": (axis,)})
    expected = powers / powers.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(result, expected, **TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("shape", [(2, 37, 9, 11), (50, 37), (1, 3, 200, 300)])
def test_bn_infer(shape: Any, dtype: str, execute: Any, random: Any) -> None:
    x = random.standard_normal(shape).astype(dtype)
    names = ("scale", "offset", "mean", "variance")
    parameters = {name: random.uniform(0.5, 2, shape[1]).astype(dtype) for name in names}
    wide = [p.astype(np.float64).reshape(-1, *(1,) * (len(shape) - 2)) for p in parameters.values()]
    scale, offset, mean, variance = wide
    expected = (x - mean) / np.sqrt(variance + 1e-3) * scale + offset
    result = execute("BNInfer", {"x": x, **parameters}, shape, {"epsilon": 1e-3})
    np.testing.assert_allclose(result, expected, **TOLERANCE[dtype])


@pytest.mark.parametrize(
    ("shape", "data_format", "axis"),
    [((2, 37, 9, 11), "NCHW", 1), ((50, 37), "NHWC", 1), ((2, 5, 6, 40), "NHWC", 3)],
)
def test_bias_add(shape: Any, data_format: str, axis: int, execute: Any, random: Any) -> None:
    x = random.standard_normal(shape).astype(np.float16)
    bias = random.standard_normal(shape[axis]).astype(np.float16)
    result = execute("BiasAdd", {"x": x, "bias": bias}, shape, {"data_format": data_format})
    expected = x + bias.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("size", [1, 5, 99])
def test_lrn(size: int, dtype: str, execute: Any, random: Any) -> None:
    x = random.standard_normal((2, 37, 9, 11)).astype(dtype)
    node = helper.make_node("LRN", ["x"], ["y"], size=size, alpha=0.3, beta=0.75, bias=2.0)
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n in ("x", "y")]
    graph = helper.make_graph([node], "lrn", value[:1], value[1:])
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    session: Any = InferenceSession(model.SerializeToString())
    expected = session.run(None, {"x": x.astype(np.float32)})[0]
    attributes = {"depth_radius": size // 2, "alpha": 0.3 / size, "beta": 0.75, "bias": 2.0}
    result = execute("LRN", {"x": x}, x.shape, attributes)
    np.testing.assert_allclose(result, expected, **TOLERANCE[dtype])


@pytest.mark.parametrize("op_type", ["ReduceAny", "ReduceAll"])
@pytest.mark.parametrize(
    ("shape", "axes"), [((5, 30, 101), (-1,)), ((5, 30, 101), (1,)), ((3, 4), (0, 1))]
)
def test_reductions_of_booleans(
    op_type: str, shape: Any, axes: Any, agrees: Any, random: Any
) -> None:
    x = random.integers(0, 9, shape) > (7 if op_type == "ReduceAny" else 0)
    agrees(op_type, {"x": x, "axes": np.array(axes, np.int64)}, constants=["axes"])


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize(
    ("shape", "axis"), [((3, 1000), -1), ((2, 30, 77), 1), ((2, 70_001), 1), ((9001, 5), 0)]
)
@pytest.mark.parametrize("op_type", ["SoftmaxV2", "LogSoftmaxV2"])
def test_softmax_of_any_length(
    op_type: str, shape: Any, axis: int, dtype: str, agrees: Any, random: Any
) -> None:
    x = (random.standard_normal(shape) * 5).astype(dtype)
    x[..., : shape[-1] // 2] -= 20
    port = "x" if op_type == "SoftmaxV2" else "logits"
    close = TOLERANCE[dtype]
    agrees(op_type, {port: x}, {"axes": (axis,)}, tolerance=(close["rtol"], close["atol"]))


def test_softmax_of_masked_chunks(agrees: Any) -> None:
    x = np.zeros((2, 70_000), np.float16)
    x[0, :40_000] = -np.inf
    agrees("SoftmaxV2", {"x": x}, {"axes": (1,)}, tolerance=(2e-3, 1e-6))
