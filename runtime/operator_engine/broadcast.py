"""Element-wise operators of several inputs, which broadcast as in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np

from runtime.operator_engine.node import Array, Inputs, Kernel, KernelTable, Node
from runtime.precision import is_float, widen

Binary = Callable[[Array, Array], Array]


def truncated_quotient(a: Array, b: Array) -> Array:
    """The quotient; of integers rounded towards zero, as C has it."""
    if is_float(a.dtype):
        return a / b
    down = np.floor_divide(a, b)
    return down + ((down < 0) & (down * b != a))


_ARITHMETIC: dict[str, Binary] = {
    "Add": np.add,
    "BitwiseAnd": np.bitwise_and,
    "BitwiseOr": np.bitwise_or,
    "BitwiseXor": np.bitwise_xor,
    "Div": truncated_quotient,
    "FloorDiv": np.floor_divide,
    "FloorMod": np.mod,
    "LeftShift": np.left_shift,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Mul": np.multiply,
    "Pow": np.power,
    "RealDiv": truncated_quotient,
    "RightShift": np.right_shift,
    "SquaredDifference": lambda a, b: np.square(a - b),
    "Sub": np.subtract,
}

_COMPARISONS: dict[str, Binary] = {
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Less": np.less,
    "LessEqual": np.less_equal,
    "LogicalAnd": np.logical_and,
    "LogicalOr": np.logical_or,
    "NotEqual": np.not_equal,
}


def _arithmetic(function: Binary) -> Kernel:
    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        a, b = inputs.values()
        return [function(widen(a), widen(b)).astype(a.dtype, copy=False)]

    return kernel


def _comparison(function: Binary) -> Kernel:
    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        a, b = inputs.values()
        return [function(widen(a), widen(b))]

    return kernel


def _mod(node: Node, inputs: Inputs) -> Sequence[Array]:
    """x1, x2 → the remainder, with the sign of x1. `fmod`=0, ONNX's, is for that of x2.

    `one_hot_indices` is ours: what ONNX's OneHot does not count stays outside.
    """
    a, b = widen(inputs["x1"]), widen(inputs["x2"])
    y = (np.fmod if node.integer("fmod", 1) else np.mod)(a, b)
    if node.flag("one_hot_indices", False):
        y = np.where((a >= 0) & (a < 2 * b), y, -1)
    return [y.astype(inputs["x1"].dtype, copy=False)]


def _accumulate(node: Node, inputs: Inputs) -> Sequence[Array]:
    first, *rest = inputs.values()
    total = reduce(lambda total, x: total + widen(x), rest, widen(first))
    return [total.astype(first.dtype, copy=False)]


def along_channels(vector: Array, x: Array, data_format: str) -> Array:
    """A vector over the channels of x, shaped so that it broadcasts against x.

    What has an entry for each element of an image does so already.
    """
    if 1 < vector.ndim == x.ndim - 1:
        return vector
    if x.ndim < 3 or data_format.endswith("C"):
        return vector.reshape(-1)
    return vector.reshape(-1, *[1] * (x.ndim - 2))


def _bias_add(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, bias = inputs["x"], inputs["bias"]
    shaped = along_channels(bias, x, node.text("data_format", "NHWC"))
    return [(widen(x) + widen(shaped)).astype(x.dtype, copy=False)]


def _clip(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, low, high = inputs["x"], inputs["clip_value_min"], inputs["clip_value_max"]
    return [np.minimum(np.maximum(widen(x), widen(low)), widen(high)).astype(x.dtype, copy=False)]


def _prelu(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, weight = inputs["x"], inputs["weight"]
    if weight.ndim == 1 and x.ndim > 2:
        weight = along_channels(weight, x, "NCHW")
    wide = widen(x)
    return [np.where(wide > 0, wide, wide * widen(weight)).astype(x.dtype, copy=False)]


def _select(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [np.where(inputs["condition"] != 0, inputs["then"], inputs["else"])]


KERNELS: KernelTable = {
    **{name: _arithmetic(function) for name, function in _ARITHMETIC.items()},
    **{name: _comparison(function) for name, function in _COMPARISONS.items()},
    "AccumulateNV2": _accumulate,
    "BiasAdd": _bias_add,
    "ClipByValue": _clip,
    "Mod": _mod,
    "PRelu": _prelu,
    "SelectV2": _select,
}
