"""Conversions and comparisons of any element types, by those that the vector unit has."""

from __future__ import annotations

from collections.abc import Callable
from typing import overload

from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, f32, i1, i8, i16, i32, i64
from xdsl.ir import Attribute

from compiler.conversion.ge_to_davinci.expression import (
    Operand,
    Value,
    binary,
    cast,
    compare,
    in_order,
    maximum,
    minimum,
    scalar,
    where,
)
from compiler.conversion.ge_to_davinci.operator import UnsupportedError

UI8 = IntegerType(8, Signedness.UNSIGNED)
FLOATS = (f16, f32, bf16)
_BYTES = (i1, i8, UI8)
_LIMITS: dict[Attribute, tuple[float, float]] = {i8: (-128.0, 127.0), UI8: (0.0, 255.0)}


def converted(x: Value, element: Attribute) -> Value:
    """x in another type as ONNX's Cast has it: floats to integers towards zero."""
    if x.element == element:
        return x
    if element == i1:
        return truth(comparison("ne", cast(x, f32) if x.element == i64 else x, 0.0))
    if x.element in _LIMITS and element in _LIMITS:
        return _low_byte(cast(cast(x, f16), i32, "trunc"), element)
    if x.element in _BYTES:
        return converted(cast(x, f16), element)
    if x.element in FLOATS:
        return _from_float(x, element)
    return _from_integer(x, element)


def truth(mask: Value) -> Value:
    """A mask as a tensor of i1."""
    return cast(where(mask, 1.0, 0.0), i1)


def _from_float(x: Value, element: Attribute) -> Value:
    if element in FLOATS:
        return cast(cast(x, f32), element)
    if element in (i32, i64):
        whole = x if x.element == f32 or (x.element == f16 and element == i32) else cast(x, f32)
        return cast(whole, element, "trunc")
    if element in _LIMITS:
        low, high = _LIMITS[element]
        whole = minimum(maximum(cast(cast(x, f32), f32, "trunc"), low), high)
        return cast(cast(whole, f16), element)
    if element == i16:
        return cast(cast(x, f32), i16, "trunc")
    raise _no_conversion(x, element)


def _from_integer(x: Value, element: Attribute) -> Value:
    if x.element == i64 and element != f32:
        return _from_wide(x, element)
    if element in FLOATS:
        return cast(cast(x, f32), element)
    if x.element == i16 and element in (*_LIMITS, i32, i64):
        whole = cast(cast(x, f32), i32, "trunc")
        return whole if element == i32 else converted(whole, element)
    if x.element == i32 and element in (i16, i64):
        return cast(x, element)
    if x.element == i32 and element in _LIMITS:
        return _low_byte(x, element)
    raise _no_conversion(x, element)


def _from_wide(x: Value, element: Attribute) -> Value:
    """Of i64 integers the low half, to other integers; the rest by way of f32."""
    if element in FLOATS:
        return cast(cast(x, f32), element)
    return converted(cast(x, i32), element)


def _low_byte(x: Value, element: Attribute) -> Value:
    """The low byte of i32, with its sign or without."""
    byte = cast(scalar("shr", scalar("shl", x, 24), 24), f32)
    if element == UI8:
        byte = where(compare("lt", byte, 0.0), byte + 256.0, byte)
    return cast(cast(byte, f16), element)


def _no_conversion(x: Value, element: Attribute) -> UnsupportedError:
    return UnsupportedError(f"the vector unit does not convert {x.element} to {element}")


_EXACT = ("relu", "max", "maxs", "min", "mins")
"""Instructions that do not round."""

_ORDERS: dict[str, tuple[str, str]] = {
    "le": ("min", "eq"),
    "gt": ("min", "ne"),
    "ge": ("max", "eq"),
    "lt": ("max", "ne"),
}
"""x ≤ y where the lesser of the two is x, and so on: integers are compared for equality only."""


def comparison(kind: str, left: Value, right: Operand) -> Value:
    """A mask of left kind right for any element type."""
    if left.element == i64:
        return _wide_comparison(kind, left, right)
    left, right = comparable(left), comparable(right) if isinstance(right, Value) else right
    if left.element != i32 or kind not in _ORDERS:
        return compare(kind, left, right)
    between, equality = _ORDERS[kind]
    if isinstance(right, Value):
        return compare(equality, binary(between, left, right), left)
    return compare(equality, scalar(f"{between}s", left, right), left)


def _wide_comparison(kind: str, left: Value, right: Operand) -> Value:
    """i64 by its halves: the high ones decide, or if they are equal the low ones without a sign."""
    high, low = _halves(left)
    other_high, other_low = _halves(right) if isinstance(right, Value) else _half_numbers(right)
    equal = comparison("eq", high, other_high)
    below = where(comparison(kind, low, other_low), 1.0, 0.0)
    if kind in ("eq", "ne"):
        return compare("ne", where(equal, below, 0.0 if kind == "eq" else 1.0), 0.0)
    above = where(comparison(kind, high, other_high), 1.0, 0.0)
    return compare("ne", where(equal, below, above), 0.0)


def _halves(x: Value) -> tuple[Value, Value]:
    """The high half, and the low half less 2³¹: signed numbers in the order of unsigned ones."""
    return cast(x, i32, "high"), scalar("adds", cast(x, i32), -(2.0**31))


def _half_numbers(number: float) -> tuple[float, float]:
    whole = int(number)
    return float(whole >> 32), float((whole & 0xFFFFFFFF) - 2**31)


def comparable(x: Value) -> Value:
    """x in a type that comparisons take, with the same order."""
    if x.element in (f16, f32, i32):
        return x
    if x.element in (i16, bf16):
        return cast(x, f32)
    if x.element in _BYTES:
        return cast(x, f16)
    raise UnsupportedError(f"the vector unit does not compare elements of {x.element}")


@overload
def computed(function: Callable[[Value], Value], x: Value, /) -> Value: ...
@overload
def computed(function: Callable[[Value, Value], Value], x: Value, y: Value, /) -> Value: ...
@overload
def computed(function: Callable[..., Value], *values: Value) -> Value: ...
def computed(function: Callable[..., Value], *values: Value) -> Value:
    """A function of floats in f32, or in their own type where that is one instruction."""
    elements = {value.element for value in values}
    if len(elements) != 1 or not elements <= set(FLOATS):
        names = " and ".join(sorted(map(str, elements)))
        raise UnsupportedError(f"the vector unit computes with f16 and f32, not {names}")
    (element,) = elements
    if element != bf16:
        own = function(*values)
        steps = [value for value in in_order(own) if value.family != "input"]
        if element == f32 or len(steps) == 1 or all(value.kind in _EXACT for value in steps):
            return own
    return cast(function(*(cast(value, f32) for value in values)), element)
