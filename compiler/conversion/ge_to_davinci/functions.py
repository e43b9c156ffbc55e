"""Functions of one variable as expressions of vector instructions, in f32."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects.builtin import f32

from compiler.conversion.ge_to_davinci.expression import (
    Value,
    cast,
    compare,
    maximum,
    minimum,
    scalar,
    unary,
    where,
)
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.erf import ERF_P, ERF_Q

# -ln(Φ(x) / (1 - Φ(x))) ≈ x · P(x²) of the normal
# distribution: within 7e-4 for |x| ≤ 2.5, within 2e-3 up to 5.
_LOGIT = (
    -1.750349580512565e-07,
    5.368834202843342e-09,
    8.358952860839018e-04,
    -7.494572115957393e-02,
    -1.5938581772122837,
)
_SIN = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(6))[::-1]
"""Taylor's: the error on |x| ≤ π/2 is below 6e-8."""
_PI = (3.140625, 9.67502593994140625e-4, 1.509957990978376432e-7)
"""π in parts of which a product with a small integer is exact in f32."""
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


def exp(x: Value) -> Value:
    """e^x."""
    return unary("exp", x)


def ln(x: Value) -> Value:
    """The natural logarithm."""
    return unary("ln", x)


def absolute(x: Value) -> Value:
    """|x|."""
    return unary("abs", x)


def reciprocal(x: Value) -> Value:
    """1 / x."""
    return unary("rec", x)


def polynomial(coefficients: Sequence[float], x: Value) -> Value:
    """By Horner's rule, coefficients by falling power."""
    first, second, *rest = coefficients
    y = x * first + second
    for coefficient in rest:
        y = y * x + coefficient
    return y


def sigmoid(x: Value) -> Value:
    """1 / (1 + e^-x)."""
    return reciprocal(exp(x * -1.0) + 1.0)


def tanh(x: Value) -> Value:
    """1 - 2 / (e^2x + 1)."""
    return reciprocal(exp(x * 2.0) + 1.0) * -2.0 + 1.0


def erf(x: Value) -> Value:
    """The error function."""
    bounded = maximum(minimum(x, 4.0), -4.0)
    return _odd_quotient(bounded, 1.0, 1.0)


def _odd_quotient(x: Value, inner: float, outer: float) -> Value:
    """outer · erf(inner · x): both factors are in the coefficients, the first one below is 1."""
    last = len(ERF_Q) - 1
    first = ERF_Q[0] * inner ** (2 * last)
    square = x * x
    below = square + ERF_Q[1] * inner ** (2 * last - 2) / first
    for place, coefficient in enumerate(ERF_Q[2:], 2):
        below = below * square + coefficient * inner ** (2 * (last - place)) / first
    powers = (2 * (len(ERF_P) - 1 - place) + 1 for place in range(len(ERF_P)))
    above = [c * outer * inner**power / first for c, power in zip(ERF_P, powers, strict=True)]
    return polynomial(above, square) * x / below


def gelu(x: Value) -> Value:
    """x/2 · (1 + erf(x/√2))."""
    limit = 4 * math.sqrt(2)
    bounded = maximum(minimum(x, limit), -limit)
    return x * (_odd_quotient(bounded, math.sqrt(0.5), 0.5) + 0.5)


def gelu_of_half(x: Value) -> Value:
    """The same as x · sigmoid(odd polynomial): as exact as 16 bits are, in half the time."""
    square = minimum(x * x, 25.0)
    return x / (exp(polynomial(_LOGIT, square) * x) + 1.0)


def gelu_tanh(x: Value) -> Value:
    """The same with tanh, which is x · sigmoid: x / (1 + e^(-2 √(2/π) (x + 0.044715 x³)))."""
    power = (x * x * 0.044715 + 1.0) * x * (-2 * math.sqrt(2 / math.pi))
    return x / (exp(power) + 1.0)


def expm1(x: Value) -> Value:
    """e^x - 1 for x ≤ 0, exact for small x: (u - 1) · x / ln u where u = e^x is not 1 (Kahan)."""
    u = exp(x)
    y = where(compare("gt", u, 0.0), (u - 1.0) * x / ln(u), -1.0)
    return where(compare("eq", u, 1.0), x, y)


def log1p(x: Value) -> Value:
    """ln(1 + x), exact for small x too."""
    u = x + 1.0
    return where(compare("eq", u, 1.0), x, ln(u) * x / (u - 1.0))


def softplus(x: Value) -> Value:
    """ln(1 + e^x), without overflow."""
    return maximum(x, 0.0) + log1p(exp(absolute(x) * -1.0))


def mish(x: Value) -> Value:
    """x · tanh(ln(1 + e^x)): of powers of e^x, whose quotient is 1 from 20 on."""
    power = exp(minimum(x, 20.0))
    square = (power + 2.0) * power
    return x * (square / (square + 2.0))


def sign(x: Value) -> Value:
    """-1, 0 or 1."""
    return where(compare("gt", x, 0.0), 1.0, where(compare("lt", x, 0.0), -1.0, x))


def rounded(mode: str) -> Callable[[Value], Value]:
    """To an integer: rint, floor, ceil, trunc."""
    return lambda x: cast(x, x.element, mode)


def sin(x: Value) -> Value:
    """Of the distance to the nearest multiple of π, whose parity is the sign."""
    return _sine(x, cast(x * (1 / math.pi), x.element, "rint"))


def cos(x: Value) -> Value:
    """sin(x + π/2), of the distance to the nearest multiple of π."""
    count = cast(x * (1 / math.pi) + 0.5, x.element, "rint")
    return _sine(x, count - 0.5, count)


def _sine(x: Value, turns: Value, count: Value | None = None) -> Value:
    rest = x
    for part in _PI:
        rest = rest - turns * part
    count = turns if count is None else count
    odd = count - cast(count * 0.5, count.element, "floor") * 2.0
    return polynomial(_SIN, rest * rest) * rest * (odd * -2.0 + 1.0)


def _elu(x: Value, alpha: float, scale: float = 1.0, inner: float = 1.0) -> Value:
    below = expm1(minimum(x, 0.0) * inner) * alpha
    return where(compare("gt", x, 0.0), x, below) * scale


def _hard_sigmoid(x: Value, alpha: float, beta: float) -> Value:
    return maximum(minimum(x * alpha + beta, 1.0), 0.0)


def _celu(operator: Operator, x: Value) -> Value:
    inner = 1.0 / operator.float("alpha2", 1.0)
    below = expm1(minimum(x, 0.0) * inner) * operator.float("alpha1", 1.0)
    return maximum(x, 0.0) * operator.float("alpha3", 1.0) + minimum(below, 0.0)


def _exp_of(operator: Operator, x: Value) -> Value:
    power, base = _affine(operator, x), operator.float("base", -1.0)
    return exp(power if base == -1 else power * math.log(base))


def _log_of(operator: Operator, x: Value) -> Value:
    y, base = ln(_affine(operator, x)), operator.float("base", -1.0)
    return y if base == -1 else y * (1 / math.log(base))


def _affine(operator: Operator, x: Value) -> Value:
    scale, shift = operator.float("scale", 1.0), operator.float("shift", 0.0)
    x = x if scale == 1 else x * scale
    return x if shift == 0 else x + shift


def _gelu_v2(operator: Operator, x: Value) -> Value:
    form = operator.text("approximate", "none")
    if form not in ("none", "tanh"):
        raise UnsupportedError(f"there is no approximation '{form}'")
    if form == "tanh":
        return gelu_tanh(x)
    return gelu(x) if operator.outputs[0].element == f32 else gelu_of_half(x)


def _round(operator: Operator, x: Value) -> Value:
    if operator.int("decimals", 0):
        raise UnsupportedError("only to whole numbers")
    return cast(x, x.element, "rint")


def _shrink(operator: Operator, x: Value) -> Value:
    limit, bias = operator.float("lambd", 0.5), operator.float("bias", 0.0)
    above = where(compare("gt", x, limit), x - bias, 0.0)
    return where(compare("lt", x, -limit), x + bias, above)


PLAIN: Mapping[str, Callable[[Value], Value]] = {
    "Abs": absolute,
    "Ceil": rounded("ceil"),
    "Cos": cos,
    "Erf": erf,
    "FastGelu": lambda x: x * sigmoid(x * 1.702),
    "Floor": rounded("floor"),
    "Gelu": gelu_tanh,
    "HardSwish": lambda x: x * _hard_sigmoid(x, 1 / 6, 0.5),
    "Mish": mish,
    "Neg": lambda x: x * -1.0,
    "Reciprocal": reciprocal,
    "Relu": lambda x: unary("relu", x),
    "Relu6": lambda x: minimum(unary("relu", x), 6.0),
    "Rsqrt": lambda x: unary("rsqrt", x),
    "Sigmoid": sigmoid,
    "Sign": sign,
    "Sin": sin,
    "Softplus": softplus,
    "Softsign": lambda x: x / (absolute(x) + 1.0),
    "Sqrt": lambda x: unary("sqrt", x),
    "Square": lambda x: x * x,
    "Tanh": tanh,
}
"""Functions without attributes."""


WITH_ATTRIBUTES: Mapping[str, Callable[[Operator, Value], Value]] = {
    "Adds": lambda operator, x: x + operator.float("value", 0.0),
    "Celu": _celu,
    "Elu": lambda operator, x: _elu(
        x,
        operator.float("alpha", 1.0),
        operator.float("scale", 1.0),
        operator.float("input_scale", 1.0),
    ),
    "Exp": _exp_of,
    "GeluV2": _gelu_v2,
    "HardSigmoid": lambda operator, x: _hard_sigmoid(
        x, operator.float("alpha", 1 / 6), operator.float("beta", 0.5)
    ),
    "LeakyRelu": lambda operator, x: scalar("lrelu", x, operator.float("negative_slope", 0.0)),
    "Log": _log_of,
    "Muls": lambda operator, x: x * operator.float("value", 0.0),
    "Round": _round,
    "Selu": lambda operator, x: _elu(
        x, operator.float("alpha", _SELU_ALPHA), operator.float("gamma", _SELU_SCALE)
    ),
    "Shrink": _shrink,
    "Swish": lambda operator, x: x * sigmoid(x * operator.float("scale", 1.0)),
}
"""Functions that attributes of the operator complete."""
