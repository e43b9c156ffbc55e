"""Convolutions by img2col and one matrix product per group; products accumulate in float32."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import cast

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node
from runtime.operator_engine.window import (
    Window,
    channels_back,
    channels_first,
    is_channels_last,
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
_CACHED = 1 << 18
"""How many elements are gathered before they are used: they shall still be in a cache."""


def img2col(x: Array, win: Window) -> Array:
    """x [N, C, *spatial] as columns [N, C, kernel positions, output positions]."""
    batch, channels = x.shape[:2]
    if win.is_pointwise:
        return x.reshape(batch, channels, 1, prod(win.output))
    columns = np.ascontiguousarray(win.views(win.padded(x, 0)))
    return columns.reshape(batch, channels, prod(win.kernel), prod(win.output))


def grouped_product(filters: Array, columns: Array, groups: int, out: Array | None = None) -> Array:
    """Filters [M, C / groups, *kernel] times columns [N, C, kernel positions, output positions]."""
    batch, channels, taps, positions = columns.shape
    left = filters.reshape(groups, filters.shape[0] // groups, -1)
    right = columns.reshape(batch, groups, channels // groups * taps, positions)
    target = None if out is None else out.reshape(batch, groups, -1, positions)
    return np.matmul(left, right, out=target).reshape(batch, filters.shape[0], positions)


def _depthwise_product(x: Array, filters: Array, win: Window, bias: Array) -> Array:
    """One channel in, one out: the filters times what they see, some channels at a time.

    The bias is the weight of one tap more, which sees ones.
    """
    padded = np.ascontiguousarray(win.padded(x, 0))
    seen, sizes = _seen_by_depthwise(padded, win)
    batch, channels, taps = *x.shape[:2], prod(win.kernel)
    y = np.empty((batch, channels, 1, prod(sizes)), x.dtype)
    positions = prod(seen.shape[2 + len(win.kernel) :])
    weights = np.hstack([filters.reshape(channels, taps), bias.reshape(channels, 1)])
    count = max(1, min(channels, _CACHED // (taps * positions)))
    columns = np.empty((count, taps + 1, positions), x.dtype)
    columns[:, taps] = 1
    for image, first in product(range(batch), range(0, channels, count)):
        some = slice(first, min(first + count, channels))
        right = columns[: some.stop - first]
        np.copyto(right[:, :taps].reshape(-1, *seen.shape[2:]), seen[image, some])
        np.matmul(weights[some, np.newaxis], right, out=y[image, some, :, :positions])
    return y.reshape(batch, channels, *sizes)[:, :, *map(slice, win.output)]


def _seen_by_depthwise(padded: Array, win: Window) -> tuple[Array, tuple[int, ...]]:
    """What each tap sees, [N, C, *kernel, *positions], and the sizes its results lie in.

    With strides of 1, all that a tap sees lies in one piece of the flat padded image: one long
    copy. Between the rows of the result is then what windows over the edge see; nobody reads it.
    """
    if set(win.strides) != {1}:
        return win.views(padded), win.output
    shape, sizes, steps = padded.shape[:2], padded.shape[2:], padded.strides
    reach = sum((n - 1) * step for n, step in zip(win.output, steps[2:], strict=True))
    taps = [step * dilation for step, dilation in zip(steps[2:], win.dilations, strict=True)]
    strides = (*steps[:2], *taps, padded.itemsize)
    positions = reach // padded.itemsize + 1
    seen = np.ndarray((*shape, *win.kernel, positions), padded.dtype, padded.data, 0, strides)
    return seen, sizes


def stored_filter(node: Node, filters: Array) -> Array:
    """The filter [out channels, in channels, *kernel], whatever format the model stores it in."""
    layout = node.inputs[1].format if len(node.inputs) > 1 else "NCHW"
    axes = _FILTER_AXES.get(layout)
    return filters.transpose(axes) if axes and len(axes) == filters.ndim else filters


def convolve(
    node: Node,
    x: Array,
    filters: Array,
    groups: int,
    data_format: str,
    *,
    bias: Array | None = None,
    out: Array | None = None,
) -> Array:
    """x [N, C, …] convolved by filters, in the element type of both, as the attributes say.

    `out` is memory that the result may be made in; it need not be.
    """
    if x.shape[1] != filters.shape[1] * groups or filters.shape[0] % groups:
        raise node.error(
            f"filter {filters.shape} in {groups} groups does not fit an input with "
            f"{x.shape[1]} channels"
        )
    win = _window(node, x.shape[2:], filters.shape[2:], data_format)
    if groups == x.shape[1] == filters.shape[0] and groups > 1:
        bias = np.zeros(groups, x.dtype) if bias is None else bias
        return _depthwise_product(x, filters, win, bias)
    y = grouped_product(filters, img2col(x, win), groups, out)
    y = y.reshape(*y.shape[:2], *win.output)
    return y if bias is None else np.add(y, bias.reshape(-1, *[1] * len(win.output)), out=y)


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
    bias = cube_operand(inputs["bias"]) if "bias" in inputs else None
    y = convolve(node, wide, filters, node.integer("groups", 1), data_format, bias=bias)
    return [channels_back(fixpipe(y, node.result_dtype(x.dtype)), data_format)]


def convolution_into(node: Node, inputs: Inputs, out: Array) -> None:
    """The same on float32 with channels first, straight into the result."""
    x, filters = inputs["x"], stored_filter(node, inputs["filter"])
    groups, data_format = node.integer("groups", 1), node.text("data_format")
    y = convolve(node, x, filters, groups, data_format, bias=inputs.get("bias"), out=out)
    if y.shape != out.shape:
        raise node.error(f"the result is {list(y.shape)}, the model says {list(out.shape)}")
    if not np.may_share_memory(y, out):
        np.copyto(out, y)


def goes_into(node: Node) -> bool:
    """Whether convolution_into can compute the node."""
    descs = (*node.inputs, *node.outputs)
    return (
        node.type in KERNELS
        and all(desc.dtype == np.float32 for desc in descs)
        and not is_channels_last(node.text("data_format", "NHWC"))
        and not node.integer("offset_x", 0)
    )


KERNELS: KernelTable = {"Conv2D": convolution, "Conv3D": convolution}
