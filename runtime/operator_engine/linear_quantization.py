"""QuantizeLinear and its relatives in ONNX's own form: one scale, one for each place of an axis, or
one for each block of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from runtime.operator_engine.ai_cpu import run_onnx
from runtime.operator_engine.node import Array, Inputs, KernelTable, Node
from runtime.packing import BITS

UINT8 = np.dtype(np.uint8)


def _limits(dtype: np.dtype[Any]) -> tuple[int, int] | None:
    """The least and the greatest integer of a type, those of less than a byte included."""
    if dtype.name.startswith(("int", "uint")):
        bits = BITS.get(dtype, 8 * dtype.itemsize)
        return (-(1 << bits - 1), (1 << bits - 1) - 1) if dtype.name[0] == "i" else (0, 2**bits - 1)
    return None


def _spread(node: Node, values: Array, shape: tuple[int, ...]) -> Array:
    """Scales or zero points, shaped so that they broadcast to a tensor."""
    if values.size == 1:
        return values.reshape(())
    axis, block = node.integer("axis", 1), node.integer("block_size", 0)
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"axis {axis} is not one of a tensor of rank {len(shape)}")
    axis %= len(shape)
    if not block:
        return values.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    spread = np.repeat(values, block, axis)[(*[slice(None)] * axis, slice(shape[axis]))]
    if spread.shape != shape:
        raise ValueError(f"blocks of {block} of {list(values.shape)} do not cover {list(shape)}")
    return spread


def _quantize(node: Node, inputs: Inputs) -> Sequence[Array]:
    """x / y_scale + y_zero_point, halves to even, saturated; NaN becomes the least number."""
    dtype = node.result_dtype(UINT8)
    limits = _limits(dtype)
    if limits is None or node.integer("precision", 0):
        return run_onnx(node, inputs)
    x = inputs["x"]
    numbers = np.rint(x / _spread(node, inputs["y_scale"], x.shape))
    if "y_zero_point" in inputs:
        zero = inputs["y_zero_point"].astype(np.float32)
        numbers = numbers.astype(np.float32) + _spread(node, zero, x.shape)
    return [np.fmin(np.fmax(numbers, limits[0]), limits[1]).astype(dtype)]


def _dequantize(node: Node, inputs: Inputs) -> Sequence[Array]:
    """(x - x_zero_point) · x_scale, in float32; 8-bit floats have no zero point but 0."""
    x, scale = inputs["x"], inputs["x_scale"]
    y = x.astype(np.float32)
    if "x_zero_point" in inputs and _limits(x.dtype) is not None:
        y -= _spread(node, inputs["x_zero_point"].astype(np.float32), x.shape)
    y = y * _spread(node, scale, x.shape)
    return [y.astype(node.result_dtype(scale.dtype), copy=False)]


def _dynamic(node: Node, inputs: Inputs) -> Sequence[Array]:
    """x in uint8, its scale and its zero point, so that 0 and all of x fit."""
    x = inputs["x"]
    high, low = (f(x, initial=np.float32(0)) for f in (np.max, np.min))
    scale = np.float32((high - low) / np.float32(255)) or np.float32(1 / 255)
    zero = np.rint(np.clip(-low / scale, 0, 255))
    y = np.clip(np.rint(x / scale) + zero, 0, 255)
    return [y.astype(np.uint8), np.asarray(scale), np.asarray(zero).astype(np.uint8)]


KERNELS: KernelTable = {
    "OnnxDequantizeLinear": _dequantize,
    "OnnxDynamicQuantizeLinear": _dynamic,
    "OnnxQuantizeLinear": _quantize,
}
