"""Maximum and average pooling over any number of spatial axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, cast

import numpy as np

from runtime.operator_engine.ai_cpu import kept
from runtime.operator_engine.node import Array, Inputs, Kernel, KernelTable, Node
from runtime.operator_engine.window import (
    Window,
    channels_back,
    channels_first,
    spatial,
    window,
    with_window,
)
from runtime.precision import is_float, widen


def _lowest(dtype: np.dtype[Any]) -> float:
    return -np.inf if is_float(dtype) else int(np.iinfo(dtype).min)


def _known_window(node: Node, x: Array, data_format: str, mode_name: str) -> Window:
    """The window of a node, which is the same in every run of a static model."""
    found = node.known.get(x.shape)
    if found is None:
        found = node.known[x.shape] = _window(node, x, data_format, mode_name)
    return cast("Window", found)


def _window(node: Node, x: Array, data_format: str, mode_name: str) -> Window:
    sizes = x.shape[2:]
    if node.flag("global_pooling", False):
        ones, none = (1,) * len(sizes), ((0, 0),) * len(sizes)
        return Window(sizes, ones, ones, none, ones)
    return window(
        node,
        sizes,
        spatial(node.integers("ksize"), data_format),
        data_format=data_format,
        mode=node.text(mode_name, "CALCULATED"),
        ceil=node.flag("ceil_mode", False),
    )


def _max(x: Array, win: Window) -> Array:
    win = win.trimmed(x.shape[2:])
    return win.reduced(win.padded(x, _lowest(x.dtype)), np.maximum)


def _onnx_max_pool(node: Node, inputs: Inputs) -> Sequence[Array]:
    """ONNX's own form: each maximum, and where in x the first of its kind stands."""
    x = inputs["X"]
    sizes = x.shape[2:]
    win = window(
        with_window(node, x.ndim),
        sizes,
        node.integers("kernel_shape"),
        data_format="NCHW",
        mode=node.text("auto_pad", "NOTSET"),
        ceil=bool(node.integer("ceil_mode", 0)),
    ).trimmed(sizes)
    order = "F" if node.integer("storage_order", 0) else "C"
    numbers = np.arange(prod(sizes)).reshape((1, 1, *sizes), order=order)
    wide = widen(x)
    y = np.full((*x.shape[:2], *win.output), _lowest(x.dtype), wide.dtype)
    places = np.full(y.shape, -1)
    seen = zip(win.taps(win.padded(wide, 0)), win.taps(win.padded(numbers, -1)), strict=True)
    for (_, values), (_, at) in seen:
        better = (at >= 0) & ((values > y) | (places < 0))
        np.copyto(y, values, where=better)
        np.copyto(places, at, where=better)
    places += prod(sizes) * np.arange(prod(x.shape[:2])).reshape(*x.shape[:2], *[1] * len(sizes))
    return kept(node, [y.astype(x.dtype, copy=False), places])


def _sum(x: Array, win: Window) -> Array:
    win = win.trimmed(x.shape[2:])
    return win.reduced(win.padded(x, 0), np.add)


def _elements(node: Node, x: Array, win: Window, exclusive: bool) -> Array | int:
    """How many elements each output averages: those of the input, or those of the padded input."""
    override = node.integer("divisor_override", 0)
    if override or (not any(map(any, win.pads)) and _fits(win, x.shape[2:])):
        return override or prod(win.kernel)
    inside = np.ones((1, 1, *x.shape[2:]), x.dtype)
    if exclusive:
        return _sum(inside, win)
    padded = np.pad(inside, [(0, 0), (0, 0), *win.pads], constant_values=1)
    unpadded = Window(win.kernel, win.strides, win.dilations, ((0, 0),) * len(win.pads), win.output)
    return _sum(padded, unpadded)


def _fits(win: Window, sizes: Sequence[int]) -> bool:
    return all(win.reach(axis) <= size for axis, size in enumerate(sizes))


def _max_pool(data_format: str, mode: str) -> Kernel:
    """x → y; the format and the name of the padding attribute differ between versions."""

    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        layout = node.text("data_format", data_format)
        x = channels_first(inputs["x"], layout)
        y = _max(widen(x), _known_window(node, x, layout, mode)).astype(x.dtype, copy=False)
        return [channels_back(y, layout)]

    return kernel


def _exclusive(node: Node) -> bool:
    """Whether padding is left out of the average; AvgPool3D says it the other way round."""
    if node.type == "AvgPool3D":
        return not node.flag("count_include_pad", True)
    return node.flag("exclusive", True)


def _avg_pool(data_format: str, mode: str) -> Kernel:
    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        layout = node.text("data_format", data_format)
        x = channels_first(inputs["x"], layout)
        win = _known_window(node, x, layout, mode)
        wide = widen(x)
        known = node.known.get(("elements", x.shape))
        if known is None:
            known = node.known["elements", x.shape] = _elements(node, wide, win, _exclusive(node))
        y = (_sum(wide, win) / cast("Array | int", known)).astype(x.dtype, copy=False)
        return [channels_back(y, layout)]

    return kernel


def _global_average(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["x"]
    y = widen(x).mean(axis=tuple(range(2, x.ndim)), keepdims=True)
    return [y.astype(x.dtype, copy=False)]


def _global_lp(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, order = inputs["x"], node.number("p", 2.0)
    powers = np.abs(widen(x)) ** order
    total = powers.sum(axis=tuple(range(2, x.ndim)), keepdims=True)
    return [(total ** (1 / order)).astype(x.dtype, copy=False)]


def _roi_pool(node: Node, inputs: Inputs) -> Sequence[Array]:
    """x [N, C, H, W], rois [R, 5] of (image, x1, y1, x2, y2) → [R, C, pooled_h, pooled_w].

    Corners are rounded and belong to the region; a bin without pixels is 0.
    """
    x, rois = inputs["x"], inputs["rois"].astype(np.float32)
    scales = [np.float32(node.number(f"spatial_scale_{axis}")) for axis in "hw"]
    shape = node.integer("pooled_h"), node.integer("pooled_w")
    y = np.zeros((len(rois), x.shape[1], *shape), x.dtype)
    for result, (image, corners) in zip(y, zip(rois[:, 0], rois[:, 1:], strict=True), strict=True):
        rows = _bins(corners[1::2] * scales[0], shape[0], x.shape[2])
        columns = _bins(corners[0::2] * scales[1], shape[1], x.shape[3])
        for (i, down), (j, across) in product(enumerate(rows), enumerate(columns)):
            if down.start < down.stop and across.start < across.stop:
                result[:, i, j] = x[int(image), :, down, across].max(axis=(1, 2))
    return [y]


def _bins(edges: Array, count: int, size: int) -> list[slice]:
    """The pixels of each bin along one axis of a region, from its first and last pixel."""
    start, end = (math.floor(edge + 0.5) for edge in edges.tolist())
    step = max(end - start + 1, 1) / count
    pairs = [
        (math.floor(i * step) + start, math.ceil((i + 1) * step) + start) for i in range(count)
    ]
    return [slice(*(min(max(edge, 0), size) for edge in pair)) for pair in pairs]


KERNELS: KernelTable = {
    "AvgPool": _avg_pool("NHWC", "padding"),
    "AvgPool3D": _avg_pool("NDHWC", "padding_mode"),
    "AvgPoolV2": _avg_pool("NCHW", "padding_mode"),
    "GlobalAveragePool": _global_average,
    "GlobalLpPool": _global_lp,
    "MaxPool": _max_pool("NHWC", "padding"),
    "MaxPool3D": _max_pool("NDHWC", "padding"),
    "MaxPoolV3": _max_pool("NCHW", "padding_mode"),
    "OnnxMaxPool": _onnx_max_pool,
    "ROIPooling": _roi_pool,
}
