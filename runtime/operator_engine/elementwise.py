"""Element-wise operators of one input: activations, roots, exponentials, rounding."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from compiler.erf import ERF_P, ERF_Q
from runtime.operator_engine.node import Array, Inputs, Kernel, KernelTable, Node
from runtime.precision import widen

BLOCK = 1 << 14
"""Elements that are computed at a time where there are many terms."""

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    y = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        y *= x
        y += coefficient
    return y


def erf(x: Array) -> Array:
    """The error function of float32 elements; float64 ones are computed exactly, one by one."""
    if x.dtype == np.float64:
        return np.vectorize(math.erf, otypes=[np.float64])(x)
    flat = np.ascontiguousarray(x, np.float32).reshape(-1)
    y = np.empty_like(flat)
    for start in range(0, flat.size, BLOCK):  # what all the terms need stays in the cache
        bounded = np.clip(flat[start : start + BLOCK], -4, 4)
        square = bounded * bounded
        bounded *= _polynomial(ERF_P, square)
        np.divide(bounded, _polynomial(ERF_Q, square), out=y[start : start + BLOCK])
    return y.reshape(x.shape)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x)."""
    return 1 / (1 + np.exp(-x))


def softplus(x: Array) -> Array:
    """log(1 + e^x), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _gelu(x: Array) -> Array:
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


def _gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def _elu(x: Array, alpha: float, scale: float, input_scale: float) -> Array:
    below = alpha * np.expm1(np.minimum(x, 0) * input_scale)
    return scale * np.where(x > 0, x, below)


def _exp(node: Node, x: Array) -> Array:
    power = node.number("scale", 1.0) * x + node.number("shift", 0.0)
    base = node.number("base", -1.0)
    return np.exp(power if base == -1 else power * math.log(base))


def _log(node: Node, x: Array) -> Array:
    y = np.log(node.number("scale", 1.0) * x + node.number("shift", 0.0))
    base = node.number("base", -1.0)
    return y if base == -1 else y / math.log(base)


def _power(node: Node, x: Array) -> Array:
    inner = node.number("scale", 1.0) * x + node.number("shift", 0.0)
    return np.power(inner, node.number("power", 1.0))


def _hard_sigmoid(node: Node, x: Array) -> Array:
    alpha, beta = node.number("alpha", 1 / 6), node.number("beta", 0.5)
    return np.clip(alpha * x + beta, 0, 1)


def _celu(node: Node, x: Array) -> Array:
    inner = node.number("alpha2", 1.0)
    below = node.number("alpha1", 1.0) * np.expm1(np.minimum(x, 0) / inner)
    return node.number("alpha3", 1.0) * np.maximum(x, 0) + np.minimum(below, 0)


def _gelu_v2(node: Node, x: Array) -> Array:
    return _gelu_tanh(x) if node.text("approximate", "none") == "tanh" else _gelu(x)


def _selu(node: Node, x: Array) -> Array:
    """`alpha` and `gamma` are ONNX's, GraphEngine's are built in."""
    return _elu(x, node.number("alpha", _SELU_ALPHA), node.number("gamma", _SELU_SCALE), 1.0)


def _shrink(node: Node, x: Array) -> Array:
    limit, bias = node.number("lambd", 0.5), node.number("bias", 0.0)
    return np.where(x < -limit, x + bias, np.where(x > limit, x - bias, np.zeros_like(x)))


_PLAIN: dict[str, Callable[[Array], Array]] = {
    "Abs": np.abs,
    "Acos": np.arccos,
    "Acosh": np.arccosh,
    "Asin": np.arcsin,
    "Asinh": np.arcsinh,
    "Atan": np.arctan,
    "Atanh": np.arctanh,
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Cosh": np.cosh,
    "Erf": erf,
    "Floor": np.floor,
    "FastGelu": lambda x: x * sigmoid(1.702 * x),
    "Gelu": _gelu_tanh,
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Mish": lambda x: x * np.tanh(softplus(x)),
    "Neg": np.negative,
    "Reciprocal": lambda x: 1 / x,
    "Relu": lambda x: np.maximum(x, 0),
    "Relu6": lambda x: np.clip(x, 0, 6),
    "Rsqrt": lambda x: 1 / np.sqrt(x),
    "Sigmoid": sigmoid,
    "Sign": np.sign,
    "Sin": np.sin,
    "Sinh": np.sinh,
    "Softplus": softplus,
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Sqrt": np.sqrt,
    "Square": np.square,
    "Tan": np.tan,
    "Tanh": np.tanh,
}

_WITH_ATTRIBUTES: dict[str, Callable[[Node, Array], Array]] = {
    "Adds": lambda node, x: x + node.number("value"),
    "Celu": _celu,
    "Elu": lambda node, x: _elu(
        x, node.number("alpha", 1.0), node.number("scale", 1.0), node.number("input_scale", 1.0)
    ),
    "Exp": _exp,
    "GeluV2": _gelu_v2,
    "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": lambda node, x: np.where(x > 0, x, x * node.number("negative_slope", 0.0)),
    "Log": _log,
    "Muls": lambda node, x: x * node.number("value"),
    "Power": _power,
    "Round": lambda node, x: np.round(x, node.integer("decimals", 0)),
    "Selu": _selu,
    "Shrink": _shrink,
    "Swish": lambda node, x: x * sigmoid(node.number("scale", 1.0) * x),
    "Threshold": lambda node, x: x > node.number("threshold", 0.0),
}

_PREDICATES: dict[str, Callable[[Array], Array]] = {
    "IsNan": np.isnan,
    "LogicalNot": np.logical_not,
}


def _only(inputs: Inputs) -> Array:
    return next(iter(inputs.values()))


def _unary(function: Callable[[Node, Array], Array]) -> Kernel:
    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        x = _only(inputs)
        return [function(node, widen(x)).astype(x.dtype, copy=False)]

    return kernel


def _plain(function: Callable[[Array], Array]) -> Kernel:
    return _unary(lambda _, x: function(x))


def _predicate(function: Callable[[Array], Array]) -> Kernel:
    return lambda node, inputs: [function(widen(_only(inputs)))]


def _is_inf(node: Node, inputs: Inputs) -> Sequence[Array]:
    """`detect_negative` and `detect_positive` are ONNX's, GraphEngine's detects both."""
    x = widen(_only(inputs))
    counts = (np.inf, "detect_positive"), (-np.inf, "detect_negative")
    found = [x == sign for sign, name in counts if node.integer(name, 1)]
    return [np.logical_or.reduce(found) if found else np.zeros(x.shape, np.bool_)]


def _invert(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [np.invert(_only(inputs))]


KERNELS: KernelTable = {
    **{name: _plain(function) for name, function in _PLAIN.items()},
    **{name: _unary(function) for name, function in _WITH_ATTRIBUTES.items()},
    **{name: _predicate(function) for name, function in _PREDICATES.items()},
    "Invert": _invert,
    "IsInf": _is_inf,
}
