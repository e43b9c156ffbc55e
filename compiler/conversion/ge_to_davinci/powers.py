"""Powers as expressions: products and roots for the usual exponents, e^(y · ln x) for others."""

from __future__ import annotations

from math import nan

from compiler.conversion.ge_to_davinci.expression import (
    Operand,
    Value,
    cast,
    compare,
    constant,
    unary,
    where,
)

_MOST_FACTORS = 16


def power(x: Value, y: Operand) -> Value:
    """x to the y in f32."""
    if not isinstance(y, Value):
        known = _known(x, y)
        if known is not None:
            return known
        y = constant(y, x.element)
    return _general(x, y)


def _known(x: Value, y: float) -> Value | None:
    """A power by a constant exponent, of few instructions."""
    roots = {0.5: "sqrt", -0.5: "rsqrt", -1.0: "rec"}
    if y in roots:
        return unary(roots[y], x)
    if y == int(y) and 1 <= y <= _MOST_FACTORS:
        return _product(x, int(y))
    return None


def _product(x: Value, count: int) -> Value:
    """x to a positive whole power by squaring."""
    if count == 1:
        return x
    half = _product(x, count // 2)
    square = half * half
    return square * x if count % 2 else square


def _general(x: Value, y: Value) -> Value:
    """e^(y · ln |x|); below zero with the sign of odd y, and nothing for what is not whole."""
    size = unary("exp", unary("ln", unary("abs", x)) * y)
    whole = cast(y, y.element, "floor")
    odd = y - cast(y * 0.5, y.element, "floor") * 2.0
    negative = where(compare("eq", odd, 1.0), size * -1.0, size)
    negative = where(compare("eq", whole, y), negative, nan)
    signed = where(compare("lt", x, 0.0), negative, size)
    return where(compare("eq", y, 0.0), 1.0, signed)
