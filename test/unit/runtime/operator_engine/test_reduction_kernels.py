"""Matrix products, reductions, softmax and normalisation against ONNX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from runtime.operator_engine import Node, OperatorError, TensorDesc, run

Array = npt.NDArray[Any]
Oracle = Callable[..., list[Array]]


def floats(*shape: int, dtype: Any = np.float32) -> Array:
    """Reproducible values of a shape."""
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def close(results: Sequence[Array], expected: Sequence[Array], rtol: float = 1e-5) -> None:
    """All outputs agree in type and up to rounding."""
    for y, e in zip(results, expected, strict=True):
        assert y.dtype == e.dtype
        np.testing.assert_allclose(y, e, rtol=rtol, atol=rtol / 10)


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("right", [False, True])
def test_matmul_transposes(left: bool, right: bool, onnx_result: Oracle) -> None:
    a, b, c = (
        floats(*((5, 4) if left else (4, 5))),
        floats(*((6, 5) if right else (5, 6))),
        floats(6),
    )
    expected = onnx_result("Gemm", [a, b, c], {"transA": int(left), "transB": int(right)})
    node = Node("n", "MatMulV2", {"transpose_x1": left, "transpose_x2": right})
    close(run(node, {"x1": a, "x2": b, "bias": c}), expected)


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (3, 4, 5)), ((3, 4), (2, 4, 5))]
)
def test_batched_matmul_broadcasts(
    a: tuple[int, ...], b: tuple[int, ...], onnx_result: Oracle
) -> None:
    x1, x2 = floats(*a), floats(*b)
    close(run(Node("n", "BatchMatMulV2"), {"x1": x1, "x2": x2}), onnx_result("MatMul", [x1, x2]))
    adjoint = Node("n", "BatchMatMulV2", {"adj_x2": True})
    flipped = np.ascontiguousarray(np.swapaxes(x2, -1, -2))
    close(run(adjoint, {"x1": x1, "x2": flipped}), onnx_result("MatMul", [x1, x2]))


def test_matmul_of_halves_accumulates_in_float32() -> None:
    ones = np.ones((1, 4096), np.float16)
    (y,) = run(Node("n", "MatMulV2", {"transpose_x2": True}), {"x1": ones, "x2": ones})
    assert y.dtype == np.float16
    assert y.tolist() == [[4096]]
    single = (TensorDesc(np.dtype(np.float32), (1, 1)),)
    wide = Node("n", "MatMulV2", {"transpose_x2": True}, (), single)
    assert run(wide, {"x1": ones, "x2": ones})[0].dtype == np.float32


def test_matmul_says_what_does_not_fit() -> None:
    with pytest.raises(OperatorError, match=r"cannot multiply \(2, 3\) by \(4, 5\)"):
        run(Node("n", "MatMulV2"), {"x1": floats(2, 3), "x2": floats(4, 5)})


REDUCTIONS = ["Max", "Mean", "Min", "Prod", "Sum", "LogSumExp"]


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize("axes", [[1], [-1], [0, 2], [2, 3], []])
@pytest.mark.parametrize("keep", [0, 1])
def test_reductions(kind: str, axes: list[int], keep: int, onnx_result: Oracle) -> None:
    x, where = floats(2, 3, 4, 5), np.array(axes, np.int64)
    attributes = {"keepdims": keep, "noop_with_empty_axes": 0}
    expected = onnx_result(f"Reduce{kind}", [x, where], attributes)
    node = Node("n", f"Reduce{kind}", {"keep_dims": bool(keep), "noop_with_empty_axes": False})
    close(run(node, {"x": x, "axes": where.astype(np.int32)}), expected)
    by_attribute = Node("n", f"Reduce{kind}D", {"axes": axes, "keep_dims": bool(keep)})
    close(run(by_attribute, {"x": x}), expected)


def test_reduction_without_axes_may_do_nothing() -> None:
    x, none = floats(2, 3), np.array([], np.int32)
    (y,) = run(Node("n", "ReduceSum", {"noop_with_empty_axes": True}), {"x": x, "axes": none})
    np.testing.assert_array_equal(y, x)


def test_reduction_of_halves_is_done_in_float32() -> None:
    x = np.ones((1, 4096), np.float16)
    (y,) = run(Node("n", "ReduceSumD", {"axes": [1]}), {"x": x})
    assert (y.dtype, y.tolist()) == (np.float16, [4096])


def test_reduction_names_an_axis_that_is_not() -> None:
    with pytest.raises(OperatorError, match=r"axis 2 does not exist in an input of shape \(2, 3\)"):
        run(Node("n", "ReduceSumD", {"axes": [2]}), {"x": floats(2, 3)})


@pytest.mark.parametrize(("order", "onnx_type"), [(1.0, "ReduceL1"), (2.0, "ReduceL2")])
def test_norms(order: float, onnx_type: str, onnx_result: Oracle) -> None:
    x, axes = floats(2, 3, 4), np.array([1], np.int64)
    node = Node("n", "LpNormV2", {"p": order, "axes": [1], "keepdim": True})
    close(run(node, {"x": x}), onnx_result(onnx_type, [x, axes], {"keepdims": 1}))
    squares = Node("n", "SquareSumV1", {"axis": [1], "keep_dims": True})
    close(run(squares, {"x": x}), onnx_result("ReduceSumSquare", [x, axes], {"keepdims": 1}))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax(axis: int, onnx_result: Oracle, ort_result: Oracle) -> None:
    x = floats(3, 4, 5) * 50
    expected = onnx_result("Softmax", [x], {"axis": axis})
    close(run(Node("n", "SoftmaxV2", {"axes": [axis]}), {"x": x}), expected)
    expected = ort_result("LogSoftmax", [x], {"axis": axis})
    close(run(Node("n", "LogSoftmaxV2", {"axes": [axis]}), {"logits": x}), expected)


def test_softmax_of_halves_can_give_floats() -> None:
    x = floats(2, 8, dtype=np.float16)
    assert run(Node("n", "SoftmaxV2"), {"x": x})[0].dtype == np.float16
    assert run(Node("n", "SoftmaxV2", {"half_to_float": True}), {"x": x})[0].dtype == np.float32


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_running_sums(exclusive: int, reverse: int, onnx_result: Oracle) -> None:
    x, axis = floats(3, 4), np.array(1, np.int64)
    attributes = {"exclusive": exclusive, "reverse": reverse}
    node = Node("n", "Cumsum", {name: bool(value) for name, value in attributes.items()})
    close(run(node, {"x": x, "axis": axis}), onnx_result("CumSum", [x, axis], attributes))
    product = run(Node("n", "Cumprod"), {"x": x, "axis": axis})
    np.testing.assert_allclose(product[0], np.cumprod(x, 1), rtol=1e-5)


@pytest.mark.parametrize(("ge_type", "onnx_type"), [("ArgMaxV2", "ArgMax"), ("ArgMin", "ArgMin")])
def test_arguments_of_extremes(ge_type: str, onnx_type: str, onnx_result: Oracle) -> None:
    x = floats(3, 4, 5)
    expected = onnx_result(onnx_type, [x], {"axis": 1, "keepdims": 0})
    close(run(Node("n", ge_type), {"x": x, "dimension": np.array(1, np.int32)}), expected)


def test_batch_normalisation(onnx_result: Oracle) -> None:
    x = floats(2, 3, 4, 5)
    scale, offset, mean, variance = floats(3), floats(3) + 1, floats(3) - 1, np.abs(floats(3))
    expected = onnx_result(
        "BatchNormalization", [x, scale, offset, mean, variance], {"epsilon": 1e-3}
    )
    inputs = {"x": x, "scale": scale, "offset": offset, "mean": mean, "variance": variance}
    close(run(Node("n", "BNInfer", {"epsilon": 1e-3}), inputs), expected)
    attributes = {"epsilon": 1e-3, "data_format": "NCHW", "is_training": False}
    descs = (TensorDesc(x.dtype, x.shape), *[TensorDesc(mean.dtype, (3,))] * 5)
    y, given_mean, *rest = run(Node("n", "BatchNorm", attributes, (), descs), inputs)
    close([y], expected)
    assert given_mean is mean
    assert len(rest) == 4
    with pytest.raises(OperatorError, match="is_training must be false"):
        run(Node("n", "BatchNorm", {"is_training": True}), inputs)


def test_local_response_normalisation(ort_result: Oracle) -> None:
    x = floats(2, 8, 3, 3)
    attributes = {"size": 5, "alpha": 0.3, "beta": 0.75, "bias": 2.0}
    node = Node("n", "LRN", {"depth_radius": 2, "alpha": 0.3 / 5, "beta": 0.75, "bias": 2.0})
    close(run(node, {"x": x}), ort_result("LRN", [x], attributes))


@pytest.mark.parametrize("axis", [-1, 1])
def test_layer_normalisation(axis: int, onnx_result: Oracle) -> None:
    x = floats(2, 3, 4)
    gamma, beta = floats(*x.shape[axis:]), floats(*x.shape[axis:]) + 1
    expected = onnx_result("LayerNormalization", [x, gamma, beta], {"axis": axis}, outputs=3)
    descs = tuple(TensorDesc(y.dtype, y.shape) for y in expected)
    node = Node("n", "LayerNormV3", {"begin_norm_axis": axis, "epsilon": 1e-5}, (), descs)
    close(run(node, {"x": x, "gamma": gamma, "beta": beta}), expected)
    older = Node("n", "LayerNorm", {"begin_norm_axis": axis, "epsilon": 1e-5}, (), descs)
    _, _, variance = run(older, {"x": x, "gamma": gamma, "beta": beta})
    axes = tuple(range(axis % 3, 3))
    np.testing.assert_allclose(variance, x.var(axes, keepdims=True), rtol=1e-3)


def test_instance_and_group_normalisation(onnx_result: Oracle) -> None:
    x, gamma, beta = floats(2, 4, 3, 3), floats(4), floats(4) + 1
    inputs = {"x": x, "gamma": gamma, "beta": beta}
    expected = onnx_result("InstanceNormalization", [x, gamma, beta], {"epsilon": 1e-6})
    close(run(Node("n", "InstanceNorm"), inputs)[:1], expected)
    attributes = {"num_groups": 2, "epsilon": 1e-5}
    expected = onnx_result("GroupNormalization", [x, gamma, beta], attributes, opset=21)
    close(run(Node("n", "GroupNormV2", {"num_groups": 2}), inputs)[:1], expected)
    with pytest.raises(OperatorError, match="4 channels do not divide into 3 groups"):
        run(Node("n", "GroupNormV2", {"num_groups": 3}), inputs)


def test_other_normalisations(onnx_result: Oracle) -> None:
    x, gamma = floats(2, 3, 4, 5), floats(5)
    y, _ = run(Node("n", "RmsNorm"), {"x": x, "gamma": gamma})
    expected = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * gamma
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    expected = onnx_result("MeanVarianceNormalization", [x])
    close(run(Node("n", "MVNV2"), {"x": x}), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int32, np.uint8, np.bool_])
@pytest.mark.parametrize("kind", ["ReduceMax", "ReduceMin"])
def test_extremes_of_nothing(kind: str, dtype: Any, onnx_result: Oracle) -> None:
    x, axes = np.zeros((2, 0, 3), dtype), np.array([1])
    expected = onnx_result(kind, [x, axes], {"keepdims": 0})
    node = Node("n", kind, {"keep_dims": False})
    close(run(node, {"x": x, "axes": axes}), expected)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4)])
def test_determinant(shape: tuple[int, ...], onnx_result: Oracle) -> None:
    x = floats(*shape)
    close(run(Node("n", "MatrixDeterminant"), {"x": x}), onnx_result("Det", [x]))
