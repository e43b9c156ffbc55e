"""Products of quantised integers in ONNX's own form: exact, and through BLAS."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.operator_engine.convolution import convolve
from runtime.operator_engine.node import Array, Inputs, KernelTable, Node
from runtime.operator_engine.window import with_window


def _centred(inputs: Inputs, name: str, zero_point: str, axis: int | None = None) -> Array:
    """Integers less their zero point, one for all or one for each place on an axis, as float64.

    float64 holds any sum of products of 8-bit integers exactly, and BLAS multiplies it fast.
    """
    x = inputs[name].astype(np.float64)
    if zero_point not in inputs:
        return x
    return x - _along(inputs[zero_point].astype(np.float64), x.ndim, axis)


def _along(values: Array, rank: int, axis: int | None) -> Array:
    """A scale or zero point, shaped so that it broadcasts along an axis."""
    if values.size == 1:
        return values.reshape(())
    if axis is None or values.ndim > 1:
        return values
    return values.reshape(-1, *[1] * (rank - 1 - axis % rank))


def _convolved(node: Node, x: Array, filters: Array) -> Array:
    conv = with_window(node, x.ndim)
    return convolve(conv, x, filters, node.integer("group", 1), "NCDHW" if x.ndim == 5 else "NCHW")


def _conv_integer(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = _centred(inputs, "x", "x_zero_point")
    filters = _centred(inputs, "w", "w_zero_point", 0)
    return [_convolved(node, x, filters).astype(np.int32)]


def _matmul_integer(node: Node, inputs: Inputs) -> Sequence[Array]:
    a = _centred(inputs, "A", "a_zero_point", -2)
    b = _centred(inputs, "B", "b_zero_point", -1)
    return [np.asarray(a @ b).astype(np.int32)]


def _requantised(sums: Array, scale: Array, y_scale: Array, zero_point: Array) -> Array:
    """Sums times their scale in the quantisation of the result, halves to even, saturated."""
    limits = np.iinfo(zero_point.dtype)
    numbers = np.rint(sums * (scale / y_scale)) + zero_point
    return np.clip(numbers, limits.min, limits.max).astype(zero_point.dtype)


def _qlinear_conv(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = _centred(inputs, "x", "x_zero_point")
    filters = _centred(inputs, "w", "w_zero_point", 0)
    sums = _convolved(node, x, filters)
    channels = (-1, *[1] * (x.ndim - 2))
    if "B" in inputs:
        sums = sums + inputs["B"].reshape(channels)
    scale = inputs["x_scale"] * inputs["w_scale"]
    scale = scale.reshape(channels) if scale.size > 1 else scale.reshape(())
    return [_requantised(sums, scale, inputs["y_scale"], inputs["y_zero_point"])]


def _qlinear_matmul(node: Node, inputs: Inputs) -> Sequence[Array]:
    a = _centred(inputs, "a", "a_zero_point", -2)
    b = _centred(inputs, "b", "b_zero_point", -1)
    sums = np.asarray(a @ b)
    scale = _along(inputs["a_scale"], a.ndim, -2) * _along(inputs["b_scale"], b.ndim, -1)
    return [_requantised(sums, scale, inputs["y_scale"], inputs["y_zero_point"])]


KERNELS: KernelTable = {
    "OnnxConvInteger": _conv_integer,
    "OnnxMatMulInteger": _matmul_integer,
    "OnnxQLinearConv": _qlinear_conv,
    "OnnxQLinearMatMul": _qlinear_matmul,
}
