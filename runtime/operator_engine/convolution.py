"""Convolutions by img2col and one matrix product per group; products accumulate in float32."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node
from runtime.operator_engine.window import (
    Window,
    channels_back,
    channels_first,
    window,
)
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
        return x.reshape(batch, channels, 1, prod(win.output))
    columns = np.empty((batch, channels, prod(win.kernel), *win.output), x.dtype)
    for place, (_, seen) in enumerate(win.taps(win.padded(x, 0))):
        columns[:, :, place] = seen
    return columns.reshape(batch, channels, prod(win.kernel), prod(win.output))


def grouped_product(filters: Array, columns: Array, groups: int) -> Array:
    """Filters [M, C / groups, *kernel] times columns [N, C, kernel positions, output positions]."""
    batch, channels, taps, positions = columns.shape
    left = filters.reshape(groups, filters.shape[0] // groups, -1)
    right = columns.reshape(batch, groups, channels // groups * taps, positions)
    return np.matmul(left, right).reshape(batch, filters.shape[0], positions)


def _depthwise_product(x: Array, filters: Array, win: Window) -> Array:
    padded = win.padded(x, 0)
    if set(win.strides) == {1}:
        return _depthwise_rows(padded, filters, win)
    y = np.zeros((*x.shape[:2], *win.output), x.dtype)
    product = np.empty_like(y)
    trailing = (1,) * len(win.output)
    for tap, seen in win.taps(padded):
        np.multiply(filters[:, 0, *tap].reshape(-1, *trailing), seen, out=product)
        y += product
    return y


def _depthwise_rows(padded: Array, filters: Array, win: Window) -> Array:
    """With strides of 1, all that a tap sees lies in one piece of the flat padded image.

    Between the rows of the result is what windows over the edge see; nobody reads it.
    """
    batch, channels, *sizes = padded.shape
    steps = [prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    reach = sum((count - 1) * step for count, step in zip(win.output, steps, strict=True)) + 1
    flat = padded.reshape(batch, channels, -1)
    y = np.zeros_like(flat)
    product = np.empty((batch, channels, reach), padded.dtype)
    for tap in np.ndindex(*win.kernel):
        start = sum(
            place * dilation * step
            for place, dilation, step in zip(tap, win.dilations, steps, strict=True)
        )
        weights = filters[:, 0, *tap].reshape(-1, 1)
        np.multiply(weights, flat[:, :, start : start + reach], out=product)
        y[:, :, :reach] += product
    inside = [slice(count) for count in win.output]
    return y.reshape(padded.shape)[:, :, *inside]


def stored_filter(node: Node, filters: Array) -> Array:
    """The filter [out channels, in channels, *kernel], whatever format the model stores it in."""
    layout = node.inputs[1].format if len(node.inputs) > 1 else "NCHW"
    axes = _FILTER_AXES.get(layout)
    return filters.transpose(axes) if axes and len(axes) == filters.ndim else filters


def convolve(node: Node, x: Array, filters: Array, groups: int, data_format: str) -> Array:
    """x [N, C, …] convolved by filters, in the element type of both, as the attributes say."""
    if x.shape[1] != filters.shape[1] * groups or filters.shape[0] % groups:
        raise node.error(
            f"filter {filters.shape} in {groups} groups does not fit an input with "
            f"{x.shape[1]} channels"
        )
    win = _window(node, x.shape[2:], filters.shape[2:], data_format)
    if groups == x.shape[1] == filters.shape[0] and groups > 1:
        return _depthwise_product(x, filters, win)
    product = grouped_product(filters, img2col(x, win), groups)
    return product.reshape(*product.shape[:2], *win.output)


def _window(
    node: Node, sizes: tuple[int, ...], kernel: tuple[int, ...], data_format: str
) -> Window:
    """The window of a node, which is the same in every run of a static model."""
    found = node.known.get((sizes, kernel))
    if found is None:
        mode = node.text("auto_pad", "NOTSET")
        found = window(node, sizes, kernel, data_format=data_format, mode=mode)
        node.known[sizes, kernel] = found
    return cast("Window", found)


def convolution(node: Node, inputs: Inputs) -> Sequence[Array]:
    """Conv2D and Conv3D: x, filter, bias? → y."""
    x = inputs["x"]
    data_format = node.text("data_format", "NHWC" if x.ndim == 4 else "NDHWC")
    wide = channels_first(cube_operand(x), data_format)
    if offset := node.integer("offset_x", 0):
        wide = wide - offset
    filters = cube_operand(stored_filter(node, inputs["filter"]))
    y = convolve(node, wide, filters, node.integer("groups", 1), data_format)
    if "bias" in inputs:
        y += cube_operand(inputs["bias"]).reshape(-1, *[1] * (y.ndim - 2))
    return [channels_back(fixpipe(y, node.result_dtype(x.dtype)), data_format)]


KERNELS: KernelTable = {"Conv2D": convolution, "Conv3D": convolution}
