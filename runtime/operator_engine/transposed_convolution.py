"""Windows that are added up: transposed convolutions, and images from columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.operator_engine.convolution import stored_filter
from runtime.operator_engine.node import Array, Inputs, KernelTable, Node, listed
from runtime.operator_engine.window import Window, channels_back, channels_first, pairs, spatial
from runtime.precision import cube_operand, fixpipe, widen


def transposed_convolution(node: Node, inputs: Inputs) -> Sequence[Array]:
    """Conv2DTranspose and Conv3DTranspose: input_size, x, filter, bias? → y.

    The filter is [in channels, out channels / groups, *kernel]. `output_shape` and `auto_pad` are
    ONNX's, GraphEngine's prototypes have neither.
    """
    x = inputs["x"]
    data_format = node.text("data_format", "NHWC" if x.ndim == 4 else "NDHWC")
    wide = channels_first(cube_operand(x), data_format) - node.integer("offset_x", 0)
    filters = cube_operand(stored_filter(node, inputs["filter"]))
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


KERNELS: KernelTable = {
    "Col2ImV2": columns_to_image,
    "Conv2DTranspose": transposed_convolution,
    "Conv3DTranspose": transposed_convolution,
}
