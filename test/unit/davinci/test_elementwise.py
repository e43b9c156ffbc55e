"""Elementwise kernels against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compiler.conversion.ge_to_davinci.operator import UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import fitting_strides

UNARY: dict[str, Callable[[Any], Any]] = {
    "Relu": lambda x: np.maximum(x, 0),
    "Abs": np.abs,
    "Neg": np.negative,
    "Exp": np.exp,
    "Tanh": np.tanh,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Log": lambda x: np.log(np.abs(x)),
    "Sqrt": lambda x: np.sqrt(np.abs(x)),
    "Rsqrt": lambda x: 1 / np.sqrt(np.abs(x)),
    "Reciprocal": lambda x: 1 / np.abs(x),
}
POSITIVE = {"Log", "Sqrt", "Rsqrt", "Reciprocal"}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
}
SCALAR: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "Muls": ("value", lambda x: x * 0.5),
    "Adds": ("value", lambda x: x + 0.5),
    "LeakyRelu": ("negative_slope", lambda x: np.maximum(x, x * 0.5)),
}
TOLERANCE: dict[Any, Any] = {
    np.float16: {"rtol": 2e-3, "atol": 1e-3},
    np.float32: {"rtol": 4e-6, "atol": 1e-6},
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("op_type", UNARY)
def test_unary(op_type: str, dtype: Any, execute: Any, random: Any) -> None:
    x = random.uniform(-3, 3, (7, 1111)).astype(dtype)
    if op_type in POSITIVE:
        x = np.abs(x) + dtype(0.125)
    result = execute(op_type, {"x": x}, x.shape)
    np.testing.assert_allclose(result, UNARY[op_type](x.astype(np.float64)), **TOLERANCE[dtype])


@pytest.mark.parametrize("shape", [(1,), (15,), (3, 5, 1001), (200_003,)])
def test_every_tail_is_written(shape: tuple[int, ...], execute: Any) -> None:
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) - 5
    np.testing.assert_array_equal(execute("Relu", {"x": x}, shape), np.maximum(x, 0))


@pytest.mark.parametrize("op_type", SCALAR)
def test_an_attribute_is_the_scalar(op_type: str, execute: Any, random: Any) -> None:
    attribute, expected = SCALAR[op_type]
    x = random.standard_normal((5, 333)).astype(np.float16)
    result = execute(op_type, {"x": x}, x.shape, {attribute: 0.5})
    np.testing.assert_array_equal(result, expected(x).astype(np.float16))


@pytest.mark.parametrize("op_type", BINARY)
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3, 40, 77), (3, 40, 77)),
        ((3, 40, 77), (77,)),
        ((3, 40, 77), (40, 1)),
        ((3, 40, 77), (3, 1, 77)),
        ((3, 1, 1), (3, 40, 77)),
        ((1, 40, 1), (3, 1, 77)),
        ((3, 40, 77), (1,)),
    ],
)
def test_broadcasting_is_numpys(
    op_type: str, left: Any, right: Any, execute: Any, random: Any
) -> None:
    x1, x2 = (random.uniform(0.5, 3, shape).astype(np.float32) for shape in (left, right))
    shape = np.broadcast_shapes(left, right)
    result = execute(op_type, {"x1": x1, "x2": x2}, shape)
    np.testing.assert_array_equal(result, BINARY[op_type](x1, x2))


def test_f16_is_rounded_by_each_instruction(execute: Any, random: Any) -> None:
    x1, x2 = (random.standard_normal((9, 500)).astype(np.float16) for _ in range(2))
    np.testing.assert_array_equal(execute("Add", {"x1": x1, "x2": x2}, x1.shape), x1 + x2)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_accumulate(count: int, execute: Any, random: Any) -> None:
    inputs = {f"x{i}": random.standard_normal((7, 900)).astype(np.float32) for i in range(count)}
    result = execute("AccumulateNV2", inputs, (7, 900), {"N": count})
    np.testing.assert_allclose(result, sum(inputs.values()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("source", "target"), [("f2", "f4"), ("f4", "f2"), ("f4", "f4")])
def test_cast(source: str, target: str, execute: Any, random: Any) -> None:
    x = random.standard_normal((5, 777)).astype(source)
    result = execute("Cast", {"x": x}, x.shape, {"dst_type": 0}, dtype=target)
    np.testing.assert_array_equal(result, x.astype(target))


def test_assign_copies_its_value(execute: Any, random: Any) -> None:
    ref, value = (random.standard_normal((33, 65)).astype(np.float16) for _ in range(2))
    np.testing.assert_array_equal(execute("Assign", {"ref": ref, "value": value}, ref.shape), value)


def test_shapes_that_do_not_fit_have_no_kernel() -> None:
    with pytest.raises(
        UnsupportedError, match=r"\[1, 32, 64\] cannot be broadcast to \[2, 128, 64\]"
    ):
        fitting_strides((1, 32, 64), (2, 128, 64))
