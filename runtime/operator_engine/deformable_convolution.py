"""Convolutions whose taps read between pixels, each where an offset moves it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from runtime.operator_engine.convolution import grouped_product
from runtime.operator_engine.node import Array, Inputs, KernelTable, Node
from runtime.operator_engine.window import pairs, spatial
from runtime.precision import cube_operand, fixpipe, widen


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
    product = grouped_product(
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


KERNELS: KernelTable = {"DeformableConv2D": deformable_convolution}
