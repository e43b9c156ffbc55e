"""Elementwise kernels of every type against the operator engine."""

from __future__ import annotations

from itertools import product
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from runtime.operator_engine.dtypes import to_ge

FLOATS: dict[Any, tuple[float, float]] = {
    np.float16: (1e-3, 1e-4),
    np.float32: (4e-6, 1e-6),
    ml_dtypes.bfloat16: (8e-3, 1e-3),
}
"""Tolerances: a step of the type, or of f32 a few of its roundings."""
FUNCTIONS: dict[str, dict[str, Any]] = {
    "Abs": {},
    "Ceil": {},
    "Celu": {"alpha1": 0.7, "alpha2": 0.7, "alpha3": 1.0},
    "Cos": {},
    "Elu": {"alpha": 0.7},
    "Erf": {},
    "Exp": {"base": 2.0, "scale": 0.5, "shift": 0.25},
    "FastGelu": {},
    "Floor": {},
    "Gelu": {},
    "GeluV2": {},
    "HardSigmoid": {"alpha": 0.3, "beta": 0.4},
    "HardSwish": {},
    "Mish": {},
    "Neg": {},
    "Relu": {},
    "Relu6": {},
    "Round": {},
    "Selu": {},
    "Shrink": {"lambd": 0.4, "bias": 0.1},
    "Sigmoid": {},
    "Sign": {},
    "Sin": {},
    "Softplus": {},
    "Softsign": {},
    "Square": {},
    "Swish": {"scale": 1.5},
    "Tanh": {},
}
NORMAL = (4e-6, 2.5e-6)
"""Of GeluV2 in f32: x · Φ(x) is known within 1.4e-6 to both engines, by the same approximation."""
NUMBERS: tuple[Any, ...] = (np.int8, np.uint8, np.int16, np.int32)
CASTS: tuple[Any, ...] = (*FLOATS, *NUMBERS, np.int64, np.bool_)


def drawn(random: Any, dtype: Any, shape: Any) -> Any:
    """Numbers of a type, small enough that half of its pairs are in order."""
    if np.dtype(dtype) == np.bool_:
        return random.integers(0, 2, shape).astype(np.bool_)
    if np.dtype(dtype).kind in "iu":
        low = 0 if np.dtype(dtype).kind == "u" else -7
        return random.integers(low, 7, shape).astype(dtype)
    return (random.standard_normal(shape) * 3).astype(np.float32).astype(dtype)


def to(dtype: Any) -> dict[str, int]:
    """The attribute of a cast to a type."""
    return {"dst_type": to_ge(np.dtype(dtype)).cpp}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("op_type", FUNCTIONS)
def test_functions(op_type: str, dtype: Any, agrees: Any, random: Any) -> None:
    x = drawn(random, dtype, (7, 1111))
    port = "input_x" if op_type in ("HardSigmoid", "Shrink") else "x"
    close = NORMAL if (op_type, dtype) == ("GeluV2", np.float32) else FLOATS[dtype]
    agrees(op_type, {port: x}, FUNCTIONS[op_type], tolerance=close)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_angles_of_long_sequences(dtype: Any, agrees: Any, random: Any) -> None:
    x = random.uniform(-5000, 5000, 3000).astype(dtype)
    for op_type in ("Sin", "Cos"):
        agrees(op_type, {"x": x}, tolerance=(1e-3, 1e-3) if dtype == np.float16 else (1e-5, 1e-5))


@pytest.mark.parametrize(
    ("source", "target"), [pair for pair in product(CASTS, CASTS) if pair[0] != pair[1]]
)
def test_casts(source: Any, target: Any, agrees: Any, random: Any) -> None:
    x = drawn(random, source, (3, 700))
    agrees("Cast", {"x": x}, to(target))


@pytest.mark.parametrize("target", [np.int8, np.uint8, np.int32, np.bool_])
@pytest.mark.parametrize("source", [np.float16, np.float32])
def test_casts_of_what_does_not_fit(source: Any, target: Any, agrees: Any) -> None:
    x = np.array([300, -300, 127.6, -128.6, np.nan, np.inf, -np.inf, 0.999, -0.5, 6e4], source)
    agrees("Cast", {"x": x}, to(target))


def test_integers_keep_their_low_bits(agrees: Any, random: Any) -> None:
    x = random.integers(-(2**62), 2**62, 500)
    for target in (np.int32, np.int16, np.int8, np.uint8):
        agrees("Cast", {"x": x}, to(target))


SHAPES = [((3, 40, 77), (3, 40, 77)), ((3, 40, 77), (40, 1)), ((3, 1, 1), (3, 40, 77))]


@pytest.mark.parametrize("dtype", [np.float16, np.int32])
@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul", "Maximum", "Minimum"])
@pytest.mark.parametrize(("left", "right"), [*SHAPES, ((1,), (3, 40, 77))])
def test_arithmetic(
    op_type: str, left: Any, right: Any, dtype: Any, agrees: Any, random: Any
) -> None:
    agrees(op_type, {"x1": drawn(random, dtype, left), "x2": drawn(random, dtype, right)})


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint8, np.int16, np.int32, np.bool_])
@pytest.mark.parametrize(
    "op_type", ["Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"]
)
@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_comparisons(
    op_type: str, left: Any, right: Any, dtype: Any, agrees: Any, random: Any
) -> None:
    agrees(op_type, {"x1": drawn(random, dtype, left), "x2": drawn(random, dtype, right)})


@pytest.mark.parametrize(
    "op_type", ["Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"]
)
def test_comparisons_of_64_bits(op_type: str, agrees: Any, random: Any) -> None:
    edges = [0, 1, -1, 2**31, -(2**31), 2**32, 2**32 - 1, -(2**32), 2**62, 2**63 - 1, -(2**63)]
    x, y = (grid.ravel() for grid in np.meshgrid(np.array(edges), np.array(edges)))
    agrees(op_type, {"x1": x, "x2": y})
    agrees(op_type, {"x1": x.reshape(1, -1), "x2": np.array(edges).reshape(-1, 1)})
    for number in (0, -1, 7, 2**40, 2**63 - 1):
        agrees(op_type, {"x1": x, "x2": np.array(number)}, constants=["x2"])


@pytest.mark.parametrize(
    "op_type",
    ["Add", "Sub", "Mul", "RealDiv", "Maximum", "Pow", "Equal", "Less", "LessEqual", "Greater"],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_constant_number_is_an_immediate(
    op_type: str, dtype: Any, agrees: Any, random: Any
) -> None:
    x = drawn(random, dtype, (7, 500))
    for number in (3.0, 0.25):
        if op_type == "Pow" and number < 1:
            x = np.abs(x)
        inputs = {"x1": x, "x2": np.array(number, dtype)}
        agrees(op_type, inputs, constants=["x2"], tolerance=(1e-3, 1e-4))
    if op_type != "Pow":
        inputs = {"x1": np.array(1.5, dtype), "x2": x}
        agrees(op_type, inputs, constants=["x1"], tolerance=(1e-3, 1e-4))


@pytest.mark.parametrize("op_type", ["LogicalAnd", "LogicalOr"])
@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_logic(op_type: str, left: Any, right: Any, agrees: Any, random: Any) -> None:
    agrees(op_type, {"x1": drawn(random, np.bool_, left), "x2": drawn(random, np.bool_, right)})


def test_logical_not(agrees: Any, random: Any) -> None:
    agrees("LogicalNot", {"x": drawn(random, np.bool_, (5, 77))})


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ml_dtypes.bfloat16])
def test_predicates(dtype: Any, agrees: Any) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0, 1, -1] * 20, dtype)
    agrees("IsNan", {"x": x})
    for positive, negative in product((0, 1), (0, 1)):
        agrees("IsInf", {"x": x}, {"detect_positive": positive, "detect_negative": negative})


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ml_dtypes.bfloat16, np.int32, np.bool_])
@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 40, 77), (3, 40, 77), (3, 40, 77)),
        ((3, 1, 77), (3, 40, 77), (1,)),
        ((3, 40, 1), (77,), (3, 40, 77)),
        ((40, 77), (3, 1, 1), (3, 1, 77)),
    ],
)
def test_select(shapes: Any, dtype: Any, agrees: Any, random: Any) -> None:
    condition, chosen, other = shapes
    inputs = {
        "condition": drawn(random, np.bool_, condition),
        "then": drawn(random, dtype, chosen),
        "else": drawn(random, dtype, other),
    }
    agrees("SelectV2", inputs)


def test_select_of_constant_numbers(agrees: Any, random: Any) -> None:
    mask = drawn(random, np.bool_, (8, 300))
    zero, low = np.array(0, np.float16), np.array([-np.inf], np.float16)
    x = drawn(random, np.float16, (8, 300))
    agrees("SelectV2", {"condition": mask, "then": zero, "else": low}, constants=["then", "else"])
    agrees("SelectV2", {"condition": mask, "then": low, "else": x}, constants=["then"])
    agrees("SelectV2", {"condition": mask, "then": x, "else": low}, constants=["else"])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int32])
@pytest.mark.parametrize("constants", [("clip_value_min", "clip_value_max"), ()])
def test_clip(dtype: Any, constants: Any, agrees: Any, random: Any) -> None:
    inputs = {
        "x": drawn(random, dtype, (5, 901)),
        "clip_value_min": np.array(-1, dtype),
        "clip_value_max": np.array(2, dtype),
    }
    agrees("ClipByValue", inputs, constants=constants)


def test_pow_of_any_sign(agrees: Any) -> None:
    x, y = np.meshgrid([-2.0, -0.5, 0.0, 1.5], [-2.0, 0.0, 0.5, 1.0, 3.0, 2.5])
    inputs = {"x1": x.astype(np.float32).ravel(), "x2": y.astype(np.float32).ravel()}
    agrees("Pow", inputs, tolerance=(1e-5, 1e-7))


def test_prelu(agrees: Any, random: Any) -> None:
    x, weight = drawn(random, np.float16, (2, 37, 9, 11)), drawn(random, np.float16, (37, 1, 1))
    agrees("PRelu", {"x": x, "weight": weight}, tolerance=(1e-3, 1e-3))
