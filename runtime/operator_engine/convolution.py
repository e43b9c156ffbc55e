"""Convolutions by img2col and one matrix product per group; products accumulate in float32."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node, listed
from runtime.operator_engine.window import (
    Window,
    channels_back,
    channels_first,
    pairs,
    spatial,
    window,
)
from runtime.precision import cube_operand, fixpipe, widen

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


def _filter(node: Node, filters: Array) -> Array:
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
    product = _grouped_product(filters, img2col(x, win), groups)
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
    filters = cube_operand(_filter(node, inputs["filter"]))
    y = convolve(node, wide, filters, node.integer("groups", 1), data_format)
    if "bias" in inputs:
        y += cube_operand(inputs["bias"]).reshape(-1, *[1] * (y.ndim - 2))
    return [channels_back(fixpipe(y, node.result_dtype(x.dtype)), data_format)]


def transposed_convolution(node: Node, inputs: Inputs) -> Sequence[Array]:
    """Conv2DTranspose and Conv3DTranspose: input_size, x, filter, bias? → y.

    The filter is [in channels, out channels / groups, *kernel]. `output_shape` and `auto_pad` are
    ONNX's, GraphEngine's prototypes have neither.
    """
    x = inputs["x"]
    data_format = node.text("data_format", "NHWC" if x.ndim == 4 else "NDHWC")
    wide = channels_first(cube_operand(x), data_format) - node.integer("offset_x", 0)
    filters = cube_operand(_filter(node, inputs["filter"]))
    y = _spread(node, wide, filters, data_format)
    if "bias" in inputs:
        y = y + cube_operand(inputs["bias"]).reshape(-1, *[1] * (y.ndim - 2))
    return [channels_back(fixpipe(y, node.result_dtype(x.dtype)), data_format)]


def _spread(node: Node, x: Array, filters: Array, data_format: str) -> Array:
    """Every input times the filter, added up where its window lies, then cut to the result."""
    groups, ones = node.integer("groups", 1), [1] * x.ndim
    batch, channels, *sizes = x.shape
    if filters.shape[0] != channels or channels % groups:
        raise node.error(f"filter {filters.shape} does not fit an input with {channels} channels")
    outputs, kernel = filters.shape[1], filters.shape[2:]
    strides = spatial(node.integers("strides", ones), data_format)
    dilations = spatial(node.integers("dilations", ones), data_format)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    reach = [(n - 1) * s + span for n, s, span in zip(sizes, strides, spans, strict=True)]
    begins, result = _crop(node, sizes, strides, reach, data_format)
    left = filters.reshape(groups, channels // groups, -1).swapaxes(1, 2)
    product = np.matmul(left, x.reshape(batch, groups, channels // groups, -1))
    product = product.reshape(batch, groups * outputs, *kernel, *sizes)
    room = [
        max(*pair) for pair in zip(reach, map(sum, zip(begins, result, strict=True)), strict=True)
    ]
    full = np.zeros((batch, groups * outputs, *room), x.dtype)
    sliding = Window(kernel, strides, dilations, ((0, 0),) * len(kernel), tuple(sizes))
    for tap, seen in sliding.taps(full):
        np.add(seen, product[:, :, *tap], out=seen)
    where = [slice(begin, begin + size) for begin, size in zip(begins, result, strict=True)]
    return full[:, :, *where]


def _crop(
    node: Node, sizes: Sequence[int], strides: Sequence[int], reach: Sequence[int], data_format: str
) -> tuple[list[int], list[int]]:
    """Where the result begins in what the windows reach, and how large it is."""
    rank = len(sizes) + 2
    more = spatial(node.integers("output_padding", [0] * rank), data_format)
    mode = node.text("auto_pad", "NOTSET")
    wanted = node.integers("output_shape", []) or [
        n * s for n, s in zip(sizes, strides, strict=True)
    ]
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        totals = [r + m - w for r, m, w in zip(reach, more, wanted, strict=True)]
        halves = [total // 2 if mode == "SAME_UPPER" else total - total // 2 for total in totals]
        return [max(half, 0) for half in halves], list(wanted)
    pads = pairs(node.integers("pads", [0] * (2 * len(sizes)))) if mode != "VALID" else None
    pads = pads or ((0, 0),) * len(sizes)
    result = [r + m - sum(pad) for r, m, pad in zip(reach, more, pads, strict=True)]
    return [begin for begin, _ in pads], result


def columns_to_image(node: Node, inputs: Inputs) -> Sequence[Array]:
    """Col2ImV2: x [N, C * kernel positions, windows] → the image that sums all windows."""
    x, size, kernel = inputs["x"], listed(inputs["output_size"]), listed(inputs["kernel_size"])
    steps, dilations = node.integers("stride"), node.integers("dilation")
    pads = node.integers("padding")
    padded = [n + 2 * pad for n, pad in zip(size, pads, strict=True)]
    counts = [
        (n - (k - 1) * dilation - 1) // step + 1
        for n, k, dilation, step in zip(padded, kernel, dilations, steps, strict=True)
    ]
    columns = widen(x).reshape(x.shape[0], -1, *kernel, *counts)
    full = np.zeros((*columns.shape[:2], *padded), columns.dtype)
    no_pads = ((0, 0),) * len(kernel)
    sliding = Window(tuple(kernel), tuple(steps), tuple(dilations), no_pads, tuple(counts))
    for tap, seen in sliding.taps(full):
        np.add(seen, columns[:, :, *tap], out=seen)
    where = [slice(pad, pad + n) for n, pad in zip(size, pads, strict=True)]
    return [full[:, :, *where].astype(x.dtype, copy=False)]


def deformable_convolution(node: Node, inputs: Inputs) -> Sequence[Array]:
    """DeformableConv2D: x, filter, offsets, bias? → y.

    offsets [N, groups * taps * 2 (y, x), rows, columns] as ONNX has them; when modulated, masks
    [N, groups * taps, rows, columns] follow along the channels.
    """
    x, filters = inputs["x"], cube_operand(inputs["filter"])
    groups, taps = node.integer("deformable_groups", 1), prod(filters.shape[2:])
    offsets = widen(inputs["offsets"])
    batch, _, *output = offsets.shape
    places = offsets[:, : 2 * groups * taps].reshape(batch, groups, taps, 2, *output)
    start = _tap_places(node, filters.shape[2:], output)
    rows, columns = places[:, :, :, 0] + start[0], places[:, :, :, 1] + start[1]
    seen = _between_pixels(cube_operand(x), rows, columns)
    if node.flag("modulated", True):
        masks = offsets[:, 2 * groups * taps :].reshape(batch, groups, 1, taps, *output)
        seen = seen * masks
    product = _grouped_product(
        filters, seen.reshape(batch, x.shape[1], taps, -1), node.integer("groups", 1)
    )
    y = product.reshape(batch, -1, *output)
    if "bias" in inputs:
        y = y + cube_operand(inputs["bias"]).reshape(-1, 1, 1)
    return [fixpipe(y, node.result_dtype(x.dtype))]


def _tap_places(node: Node, kernel: Sequence[int], output: Sequence[int]) -> list[Array]:
    """The row and the column [taps, rows, columns] that each tap of each window begins from."""
    ones = [1] * 4
    strides, dilations = (
        spatial(node.integers(name, ones), "NCHW") for name in ("strides", "dilations")
    )
    pads = pairs(node.integers("pads"))
    lines = [
        np.arange(k)[:, np.newaxis] * dilation + np.arange(n) * stride - before
        for k, n, stride, dilation, (before, _) in zip(
            kernel, output, strides, dilations, pads, strict=True
        )
    ]
    shape = (*kernel, *output)
    rows = np.broadcast_to(lines[0][:, np.newaxis, :, np.newaxis], shape)
    columns = np.broadcast_to(lines[1][np.newaxis, :, np.newaxis, :], shape)
    return [place.reshape(-1, *output).astype(np.float32) for place in (rows, columns)]


def _between_pixels(x: Array, rows: Array, columns: Array) -> Array:
    """x [N, C, H, W] at places [N, groups, taps, …] of each group of channels; outside it is 0."""
    batch, groups = rows.shape[:2]
    images = x.reshape(batch, groups, -1, *x.shape[2:])
    top, left = np.floor(rows), np.floor(columns)
    total: Array = np.zeros((batch, groups, images.shape[2], *rows.shape[2:]), x.dtype)
    behind = tuple(range(2, rows.ndim))
    index = np.expand_dims(np.asarray(range(batch)), (1, *behind))
    group = np.expand_dims(np.asarray(range(groups)), (0, *behind))
    for down, across in np.ndindex(2, 2):
        i, j = (top + down).astype(np.int64), (left + across).astype(np.int64)
        weight = (1 - np.abs(rows - i)) * (1 - np.abs(columns - j))
        weight *= (i >= 0) & (i < x.shape[2]) & (j >= 0) & (j < x.shape[3])
        i, j = np.clip(i, 0, x.shape[2] - 1), np.clip(j, 0, x.shape[3] - 1)
        total += np.moveaxis(images[index, group, :, i, j] * weight[..., np.newaxis], -1, 2)
    return total


KERNELS: KernelTable = {
    "Col2ImV2": columns_to_image,
    "Conv2D": convolution,
    "Conv2DTranspose": transposed_convolution,
    "Conv3D": convolution,
    "Conv3DTranspose": transposed_convolution,
    "DeformableConv2D": deformable_convolution,
}
