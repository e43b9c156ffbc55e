"""Convolutions by img2col and one matrix product per group; products accumulate in float32."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node
from runtime.operator_engine.window import Window, channels_back, channels_first, window
from runtime.precision import cube_operand, fixpipe

# How to bring a filter stored in a format to [out channels, in channels, *kernel].
_FILTER_AXES = {
    "HWCN": (3, 2, 0, 1),
    "NHWC": (0, 3, 1, 2),
    "DHWCN": (4, 3, 0, 1, 2),
    "NDHWC": (0, 4, 1, 2, 3),
}


def img2col(x: Array, win: Window) -> Array:
    """x [N, C, *spatial] as columns [N, C, kernel positions, output positions]."""
    batch, channels = x.shape[:2]
    if win.is_pointwise:
        return x.reshape(batch, channels, 1, -1)
    columns = np.empty((batch, channels, prod(win.kernel), *win.output), x.dtype)
    for place, (_, seen) in enumerate(win.taps(win.padded(x, 0))):
        columns[:, :, place] = seen
    return columns.reshape(batch, channels, prod(win.kernel), -1)


def _grouped_product(filters: Array, columns: Array, groups: int) -> Array:
    batch, channels, taps, positions = columns.shape
    left = filters.reshape(groups, filters.shape[0] // groups, -1)
    right = columns.reshape(batch, groups, channels // groups * taps, positions)
    return np.matmul(left, right).reshape(batch, filters.shape[0], positions)


def _depthwise_product(x: Array, filters: Array, win: Window) -> Array:
    y = np.zeros((*x.shape[:2], *win.output), x.dtype)
    trailing = (1,) * len(win.output)
    for tap, seen in win.taps(win.padded(x, 0)):
        y += filters[:, 0, *tap].reshape(-1, *trailing) * seen
    return y


def _filter(node: Node, filters: Array) -> Array:
    layout = node.inputs[1].format if len(node.inputs) > 1 else "NCHW"
    axes = _FILTER_AXES.get(layout)
    return filters.transpose(axes) if axes and len(axes) == filters.ndim else filters


def _convolve(node: Node, x: Array, filters: Array, groups: int, data_format: str) -> Array:
    if x.shape[1] != filters.shape[1] * groups or filters.shape[0] % groups:
        raise node.error(
            f"filter {filters.shape} in {groups} groups does not fit an input with "
            f"{x.shape[1]} channels"
        )
    win = window(node, x.shape[2:], filters.shape[2:], data_format=data_format)
    if groups == x.shape[1] == filters.shape[0] and groups > 1:
        return _depthwise_product(x, filters, win)
    product = _grouped_product(filters, img2col(x, win), groups)
    return product.reshape(*product.shape[:2], *win.output)


def convolution(node: Node, inputs: Inputs) -> Sequence[Array]:
    """Conv2D and Conv3D: x, filter, bias? → y."""
    x = inputs["x"]
    data_format = node.text("data_format", "NHWC" if x.ndim == 4 else "NDHWC")
    wide = channels_first(cube_operand(x), data_format) - node.integer("offset_x", 0)
    filters = cube_operand(_filter(node, inputs["filter"]))
    y = _convolve(node, wide, filters, node.integer("groups", 1), data_format)
    if "bias" in inputs:
        y = y + cube_operand(inputs["bias"]).reshape(-1, *[1] * (y.ndim - 2))
    return [channels_back(fixpipe(y, node.result_dtype(x.dtype)), data_format)]


KERNELS: KernelTable = {
    "Conv2D": convolution,
    "Conv3D": convolution,
}
