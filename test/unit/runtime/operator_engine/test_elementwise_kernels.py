"""Element-wise kernels, casts and clipping against ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
from onnx import TensorProto

from runtime.operator_engine import KERNELS, Node, OperatorError, run
from runtime.operator_engine.broadcast import KERNELS as BROADCAST
from runtime.operator_engine.dtypes import to_ge
from runtime.operator_engine.elementwise import KERNELS as ELEMENTWISE

Array = npt.NDArray[Any]
Oracle = Callable[..., list[Array]]


def floats(*shape: int, dtype: Any = np.float32) -> Array:
    """Values on both sides of zero, zero among them."""
    values = np.random.default_rng(len(shape)).uniform(-3, 3, shape).astype(dtype)
    values.reshape(-1)[0] = 0
    return values


# GE type: (ONNX type, ONNX attributes, GE attributes, range of x)
ANY, POSITIVE, UNIT = (-3.0, 3.0), (0.1, 5.0), (-0.9, 0.9)
UNARY: dict[str, tuple[str, dict[str, Any], dict[str, Any], tuple[float, float]]] = {
    "Abs": ("Abs", {}, {}, ANY),
    "Acos": ("Acos", {}, {}, UNIT),
    "Acosh": ("Acosh", {}, {}, (1.1, 5.0)),
    "Asin": ("Asin", {}, {}, UNIT),
    "Asinh": ("Asinh", {}, {}, ANY),
    "Atan": ("Atan", {}, {}, ANY),
    "Atanh": ("Atanh", {}, {}, UNIT),
    "Ceil": ("Ceil", {}, {}, ANY),
    "Celu": ("Celu", {"alpha": 2.0}, {"alpha1": 2.0, "alpha2": 2.0, "alpha3": 1.0}, ANY),
    "Cos": ("Cos", {}, {}, ANY),
    "Cosh": ("Cosh", {}, {}, ANY),
    "Elu": ("Elu", {"alpha": 1.5}, {"alpha": 1.5}, ANY),
    "Erf": ("Erf", {}, {}, ANY),
    "Exp": ("Exp", {}, {}, ANY),
    "Floor": ("Floor", {}, {}, ANY),
    "GeluV2": ("Gelu", {"approximate": "none"}, {"approximate": "none"}, ANY),
    "Gelu": ("Gelu", {"approximate": "tanh"}, {}, ANY),
    "HardSigmoid": ("HardSigmoid", {}, {"alpha": 0.2, "beta": 0.5}, ANY),
    "HardSwish": ("HardSwish", {}, {}, (-5.0, 5.0)),
    "LeakyRelu": ("LeakyRelu", {"alpha": 0.1}, {"negative_slope": 0.1}, ANY),
    "Log": ("Log", {}, {}, POSITIVE),
    "Mish": ("Mish", {}, {}, ANY),
    "Neg": ("Neg", {}, {}, ANY),
    "Reciprocal": ("Reciprocal", {}, {}, POSITIVE),
    "Relu": ("Relu", {}, {}, ANY),
    "Round": ("Round", {}, {}, ANY),
    "Selu": ("Selu", {}, {}, ANY),
    "Shrink": ("Shrink", {"lambd": 0.6, "bias": 0.2}, {"lambd": 0.6, "bias": 0.2}, ANY),
    "Sigmoid": ("Sigmoid", {}, {}, ANY),
    "Sign": ("Sign", {}, {}, ANY),
    "Sin": ("Sin", {}, {}, ANY),
    "Sinh": ("Sinh", {}, {}, ANY),
    "Softplus": ("Softplus", {}, {}, ANY),
    "Softsign": ("Softsign", {}, {}, ANY),
    "Sqrt": ("Sqrt", {}, {}, POSITIVE),
    "Tan": ("Tan", {}, {}, UNIT),
    "Tanh": ("Tanh", {}, {}, ANY),
}


@pytest.mark.parametrize("ge_type", UNARY)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_unary(ge_type: str, dtype: Any, onnx_result: Oracle) -> None:
    onnx_type, onnx_attributes, attributes, (low, high) = UNARY[ge_type]
    x = np.linspace(low, high, 61).astype(dtype)
    (expected,) = onnx_result(onnx_type, [x.astype(np.float32)], onnx_attributes)
    (y,) = run(Node("n", ge_type, attributes), {"x": x})
    assert y.dtype == dtype
    rounding = np.finfo(dtype).eps
    np.testing.assert_allclose(y, expected, rtol=8 * float(rounding), atol=2e-6)


CLOSED_FORMS: dict[str, tuple[dict[str, Any], Callable[[Array], Array]]] = {
    "Adds": ({"value": 2.5}, lambda x: x + 2.5),
    "FastGelu": ({}, lambda x: x / (1 + np.exp(-1.702 * x))),
    "Muls": ({"value": -2}, lambda x: x * -2),
    "Power": ({"power": 2.0, "scale": 0.5, "shift": 1.0}, lambda x: (0.5 * x + 1) ** 2),
    "Relu6": ({}, lambda x: np.clip(x, 0, 6)),
    "Rsqrt": ({}, lambda x: x**-0.5),
    "Square": ({}, lambda x: x * x),
    "Swish": ({"scale": 2.0}, lambda x: x / (1 + np.exp(-2 * x))),
    "Threshold": ({"threshold": 1.0}, lambda x: (x > 1).astype(x.dtype)),
    "Exp": ({"base": 2.0, "scale": 3.0, "shift": 1.0}, lambda x: 2 ** (3 * x + 1)),
    "Log": ({"base": 10.0, "scale": 3.0, "shift": 1.0}, lambda x: np.log10(3 * x + 1)),
    "IsInf": ({}, np.isinf),
    "IsNan": ({}, np.isnan),
    "LogicalNot": ({}, lambda x: x == 0),
}


@pytest.mark.parametrize("ge_type", CLOSED_FORMS)
def test_unary_without_onnx_counterpart(ge_type: str) -> None:
    attributes, function = CLOSED_FORMS[ge_type]
    x = np.linspace(0.1, 7, 30).astype(np.float32)
    (y,) = run(Node("n", ge_type, attributes), {"x": x})
    expected = function(x)
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y, expected, rtol=1e-5)


def test_every_unary_kernel_is_compared() -> None:
    assert set(ELEMENTWISE) - {"Invert"} == set(UNARY) | set(CLOSED_FORMS)


BINARY = {
    "Add": "Add",
    "Mul": "Mul",
    "Pow": "Pow",
    "RealDiv": "Div",
    "Sub": "Sub",
    "Maximum": "Max",
    "Minimum": "Min",
    "Equal": "Equal",
    "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual",
    "Less": "Less",
    "LessEqual": "LessOrEqual",
}


@pytest.mark.parametrize("ge_type", BINARY)
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int32])
def test_binary_broadcasts(ge_type: str, dtype: Any, onnx_result: Oracle) -> None:
    a = (floats(2, 1, 5) * 3 + 10).astype(dtype)
    b = (np.abs(floats(4, 1)) + 1).astype(dtype)
    (expected,) = onnx_result(BINARY[ge_type], [a, b])
    (y,) = run(Node("n", ge_type), {"x1": a, "x2": b})
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y, expected, rtol=2e-3)


INTEGER: dict[str, tuple[str, dict[str, Any]]] = {
    "BitwiseAnd": ("BitwiseAnd", {}),
    "BitwiseOr": ("BitwiseOr", {}),
    "BitwiseXor": ("BitwiseXor", {}),
    "Div": ("Div", {}),
    "FloorMod": ("Mod", {"fmod": 0}),
    "Mod": ("Mod", {"fmod": 1}),
    "RealDiv": ("Div", {}),
}


@pytest.mark.parametrize("ge_type", INTEGER)
def test_integer_arithmetic(ge_type: str, onnx_result: Oracle) -> None:
    a = np.array([7, -7, 7, -7, 0, 6], np.int32)
    b = np.array([2, 2, -2, -2, 5, 3], np.int32)
    (y,) = run(Node("n", ge_type), {"x1": a, "x2": b})
    if ge_type in ("Div", "RealDiv"):
        # Towards zero; ONNX's reference evaluator rounds down instead.
        assert y.tolist() == [3, -3, -3, 3, 0, 2]
    else:
        onnx_type, attributes = INTEGER[ge_type]
        assert y.tolist() == onnx_result(onnx_type, [a, b], attributes)[0].tolist()


def test_other_binary_forms() -> None:
    a, b = np.array([5, -5, 3], np.int32), np.array([3, 3, 1], np.int32)
    closed: dict[str, list[Any]] = {
        "FloorDiv": [1, -2, 3],
        "SquaredDifference": [4, 64, 4],
        "LeftShift": [40, -40, 6],
        "RightShift": [0, -1, 1],
        "NotEqual": [True, True, True],
        "LogicalAnd": [True, True, True],
        "LogicalOr": [True, True, True],
    }
    for ge_type, expected in closed.items():
        assert run(Node("n", ge_type), {"x1": a, "x2": b})[0].tolist() == expected
    yes, no = np.array([True]), np.array([False])
    assert run(Node("n", "LogicalAnd"), {"x1": yes, "x2": no})[0].tolist() == [False]
    assert run(Node("n", "LogicalOr"), {"x1": no, "x2": no})[0].tolist() == [False]
    assert run(Node("n", "Invert"), {"x": a})[0].tolist() == [-6, 4, -4]
    rest = {"AccumulateNV2", "BiasAdd", "ClipByValue", "PRelu", "SelectV2"}
    assert set(BROADCAST) == set(BINARY) | set(INTEGER) | set(closed) | rest


def test_accumulation_of_many(onnx_result: Oracle) -> None:
    parts = [floats(3, 4), floats(3, 4) + 1, floats(3, 4) * 2]
    (expected,) = onnx_result("Sum", parts)
    inputs = {f"x{i}": part for i, part in enumerate(parts)}
    (y,) = run(Node("n", "AccumulateNV2", {"N": 3}), inputs)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)


def test_clip_prelu_select(onnx_result: Oracle) -> None:
    x, low, high = floats(2, 3, 4), np.array(-1, np.float32), np.array(1.5, np.float32)
    clip = {"x": x, "clip_value_min": low, "clip_value_max": high}
    assert_same(run(Node("n", "ClipByValue"), clip), onnx_result("Clip", [x, low, high]))
    slope = np.array([[0.1], [0.2], [0.3]], np.float32)
    assert_same(
        run(Node("n", "PRelu"), {"x": x, "weight": slope}), onnx_result("PRelu", [x, slope])
    )
    by_channel = run(Node("n", "PRelu"), {"x": x, "weight": slope.reshape(3)})
    assert_same(by_channel, onnx_result("PRelu", [x, slope]))
    condition, other = x > 0, floats(4)
    chosen = run(Node("n", "SelectV2"), {"condition": condition, "then": x, "else": other})
    assert_same(chosen, onnx_result("Where", [condition, x, other]))


def assert_same(results: Any, expected: list[Array]) -> None:
    """One output, equal up to rounding."""
    (y,), (e,) = results, expected
    assert y.dtype == e.dtype
    np.testing.assert_allclose(y, e, rtol=1e-6)


@pytest.mark.parametrize(("data_format", "shape"), [("NCHW", (2, 3, 2, 2)), ("NHWC", (2, 2, 2, 3))])
def test_bias_goes_along_the_channels(data_format: str, shape: tuple[int, ...]) -> None:
    bias = np.array([1, 2, 3], np.float32)
    inputs = {"x": np.zeros(shape, np.float32), "bias": bias}
    (y,) = run(Node("n", "BiasAdd", {"data_format": data_format}), inputs)
    channels_last = y.transpose(0, 2, 3, 1) if data_format == "NCHW" else y
    assert (channels_last == bias).all()


CASTS: list[tuple[Any, Any]] = [
    (np.float32, np.float16),
    (np.float16, np.float32),
    (np.float32, ml_dtypes.bfloat16),
    (np.float32, np.int32),
    (np.float32, np.int8),
    (np.int32, np.float32),
    (np.int64, np.int32),
    (np.float32, np.bool_),
    (np.bool_, np.float32),
    (ml_dtypes.bfloat16, np.int32),
]


@pytest.mark.parametrize(("source", "target"), CASTS)
def test_cast(source: Any, target: Any) -> None:
    x = np.array([0, 1.7, -1.7, 100, -100, 0.4], np.float32).astype(source)
    number = to_ge(np.dtype(target)).cpp
    (y,) = run(Node("n", "Cast", {"dst_type": number}), {"x": x})
    assert y.dtype == target
    assert y.tolist() == x.astype(target).tolist()


def test_casts_to_integers_saturate() -> None:
    x = np.array([1e30, -1e30, np.nan, np.inf, 2.0**63], np.float32)
    for dtype in (np.int8, np.uint8, np.int32, np.int64):
        (y,) = run(Node("n", "Cast", {"dst_type": to_ge(np.dtype(dtype)).cpp}), {"x": x})
        limits = np.iinfo(dtype)
        assert y.tolist() == [limits.max, limits.min, 0, limits.max, limits.max]


@pytest.mark.parametrize("saturate", [0, 1])
@pytest.mark.parametrize("name", ["FLOAT8E4M3FN", "FLOAT8E5M2"])
def test_casts_to_8_bit_floats(name: str, saturate: int, onnx_result: Oracle) -> None:
    x = np.array([0.1, -3.7, 1e6, -1e6, np.inf, -np.inf, np.nan], np.float32)
    number = int(getattr(TensorProto, name))
    (expected,) = onnx_result("Cast", [x], {"to": number, "saturate": saturate})
    to = to_ge(expected.dtype).cpp
    (y,) = run(Node("n", "Cast", {"dst_type": to, "saturate": saturate}), {"x": x})
    np.testing.assert_array_equal(y.astype(np.float32), expected.astype(np.float32))


def test_overflow_is_silent() -> None:
    x = np.array([60000], np.float16)
    (y,) = run(Node("n", "Add"), {"x1": x, "x2": x})
    assert np.isinf(y).all()


def test_errors_name_the_node() -> None:
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(OperatorError, match=r"node 'a/b' \(Nothing\): there is no kernel"):
        run(Node("a/b", "Nothing"), {"x": x})
    with pytest.raises(OperatorError, match=r"node 'a/b' \(Add\):.*x2: float32\[4\]"):
        run(Node("a/b", "Add"), {"x1": x, "x2": np.zeros(4, np.float32)})
    with pytest.raises(OperatorError, match="input 'clip_value_min' is not connected"):
        run(Node("a/b", "ClipByValue"), {"x": x})
    with pytest.raises(OperatorError, match="attribute 'value' is missing; it must be a number"):
        run(Node("a/b", "Muls"), {"x": x})
    with pytest.raises(OperatorError, match="attribute 'value' must be a number, not 'two'"):
        run(Node("a/b", "Muls", {"value": "two"}), {"x": x})


def test_kernels_are_known_operator_types() -> None:
    from dialects.ge.catalogue import catalogue

    # Types of GraphEngine's that the catalogue has no prototype of.
    beyond = {"FloorDiv", "FloorMod", "Gather", "GroupNormV2", "NotEqual", "Relu6", "Square"}
    beyond |= {"SquaredDifference", "ReduceAll", "ReduceAny", "AvgPool"}
    beyond |= {"ScatterNdAdd", "ScatterNdMax", "ScatterNdMin"}
    beyond |= {f"Reduce{kind}D" for kind in ("All", "Any", "LogSumExp", "Max", "Min", "Prod")}
    named = {kind for kind in KERNELS if not kind.startswith("Onnx")}
    assert named - set(catalogue()) <= beyond
