"""Reading images between their pixels: along a grid, within regions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node, listed
from runtime.precision import widen

CUBIC_COEFFICIENT = -0.75
"""What ONNX's GridSample interpolates cubically with."""


def _linear_weights(t: Array) -> list[Array]:
    return [1 - t, t]


def _cubic_weights(t: Array) -> list[Array]:
    """Of the pixels at -1, 0, 1 and 2 from the one on the left."""
    a = CUBIC_COEFFICIENT

    def near(d: Array) -> Array:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Array) -> Array:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


Weights = Callable[[Array], list[Array]]
TAPS: Mapping[str, tuple[int, Weights]] = {
    "bicubic": (-1, _cubic_weights),
    "bilinear": (0, _linear_weights),
    "cubic": (-1, _cubic_weights),
    "linear": (0, _linear_weights),
}
"""The first pixel that counts, from the one on the left, and the weights of it and the next."""


def _reflected(at: Array, low: float, high: float) -> Array:
    """Places folded back into [low, high] at its ends."""
    width = high - low
    if width <= 0:
        return np.full_like(at, low)
    along = np.abs(at - low) % (2 * width)
    return low + np.minimum(along, 2 * width - along)


def _read(x: Array, places: Sequence[Array], padding: str, aligned: bool) -> Array:
    """x [N, C, *spatial] at integer places [N, *points] per axis → [N, C, *points]."""
    inside: Array = np.ones(places[0].shape, np.bool_)
    bounded: list[Array] = []
    for axis, place in enumerate(places):
        size, reached = x.shape[2 + axis], place
        if padding == "zeros":
            inside &= (place >= 0) & (place < size)
        elif padding == "reflection":
            low, high = (0.0, size - 1.0) if aligned else (-0.5, size - 0.5)
            reached = _reflected(place, low, high)
        bounded.append(np.clip(reached, 0, size - 1).astype(np.int64))
    batch = np.expand_dims(np.asarray(range(x.shape[0])), tuple(range(1, places[0].ndim)))
    seen = np.moveaxis(x[batch, :, *bounded], -1, 1)
    return seen * inside[:, np.newaxis] if padding == "zeros" else seen


def _grid_sample(node: Node, inputs: Inputs) -> Sequence[Array]:
    """x [N, C, *spatial], grid [N, *points, axes] of places from -1 to 1 → y [N, C, *points]."""
    x, aligned = inputs["x"], node.flag("align_corners", False)
    grid = widen(inputs["grid"])[..., ::-1]  # its last axis is x, y, z
    padding, mode = node.text("padding_mode", "zeros"), node.text("interpolation_mode", "bilinear")
    sizes = x.shape[2:]
    at: list[Array] = []
    for axis, size in enumerate(sizes):
        scaled = grid[..., axis] + 1
        place = scaled / 2 * (size - 1) if aligned else (scaled * size - 1) / 2
        # A cubic curve goes on outside, only the pixels it reads are those of the padding.
        cubic = mode in ("bicubic", "cubic")
        at.append(place if cubic else _outside_folded(place, size, padding, aligned))
    wide = widen(x)
    if mode == "nearest":
        y = _read(wide, [np.rint(place) for place in at], padding, aligned)
    else:
        y = _interpolated(wide, at, mode, padding, aligned)
    return [y.astype(x.dtype, copy=False)]


def _outside_folded(place: Array, size: int, padding: str, aligned: bool) -> Array:
    """Places outside moved to the border or folded back, as far as the padding says so."""
    if padding == "border":
        return np.clip(place, 0, size - 1)
    if padding == "reflection":
        return _reflected(place, *((0, size - 1) if aligned else (-0.5, size - 0.5)))
    return place


def _interpolated(x: Array, at: Sequence[Array], mode: str, padding: str, aligned: bool) -> Array:
    first, weights_of = TAPS[mode]
    lefts = [np.floor(place) for place in at]
    weights = [weights_of(place - left) for place, left in zip(at, lefts, strict=True)]
    y = np.zeros((x.shape[0], x.shape[1], *at[0].shape[1:]), x.dtype)
    for tap in product(range(len(weights[0])), repeat=len(at)):
        weight = math.prod(weights[axis][k] for axis, k in enumerate(tap))
        places = [left + first + k for left, k in zip(lefts, tap, strict=True)]
        y += np.asarray(weight)[:, np.newaxis] * _read(x, places, padding, aligned)
    return y


def _affine_grid(node: Node, inputs: Inputs) -> Sequence[Array]:
    """theta [N, axes, axes + 1], output_size (N, C, *spatial) → grid [N, *spatial, axes]."""
    theta, (_, _, *sizes) = inputs["theta"], listed(inputs["output_size"])
    lines: list[Array] = []
    for size in sizes:
        steps = np.arange(size, dtype=np.float64)
        aligned = node.flag("align_corners", False)
        lines.append(2 * steps / max(size - 1, 1) - 1 if aligned else (2 * steps + 1) / size - 1)
    points = np.stack([*np.meshgrid(*lines, indexing="ij")[::-1], np.ones(sizes)], axis=-1)
    flat = points.reshape(-1, len(sizes) + 1).astype(widen(theta).dtype)
    y = flat @ widen(theta).swapaxes(1, 2)
    return [y.reshape(theta.shape[0], *sizes, len(sizes)).astype(theta.dtype)]


def _roi_align(node: Node, inputs: Inputs) -> Sequence[Array]:
    """features [N, C, H, W], rois [R, 5] of (image, x1, y1, x2, y2) → [R, C, height, width].

    roi_end_mode 0 and 1 take corners as they are and regions of at least 1, 2 moves them by half a
    pixel.
    """
    x, rois = inputs["features"], inputs["rois"].astype(np.float64)
    centred = node.integer("roi_end_mode", 1) == 2
    edges = rois[:, 1:] * node.number("spatial_scale") - (0.5 if centred else 0.0)
    shape = node.integer("pooled_height"), node.integer("pooled_width")
    y = np.empty((len(rois), x.shape[1], *shape), x.dtype)
    for i, (left, top, right, bottom) in enumerate(edges.tolist()):
        spans = bottom - top, right - left
        if not centred:
            spans = max(spans[0], 1.0), max(spans[1], 1.0)
        image = widen(x[int(rois[i, 0])])
        lines = [
            _samples(start, span, count, node.integer("sample_num", 2))
            for start, span, count in zip((top, left), spans, shape, strict=True)
        ]
        y[i] = _pooled_region(image, lines, shape, node.text("pool_mode", "avg"))
    return [y]


def _samples(start: float, span: float, bins: int, given: int) -> Array:
    """The places [bins * samples] that a region is read at along one axis."""
    count = given if given > 0 else max(math.ceil(span / bins), 1)
    return start + (np.arange(bins * count) + 0.5) * (span / (bins * count))


def _pooled_region(
    image: Array, lines: Sequence[Array], shape: tuple[int, int], mode: str
) -> Array:
    """The mean, or the greatest weighted corner, of the samples of each bin."""
    corners = [_corners(line, size) for line, size in zip(lines, image.shape[1:], strict=True)]
    parts = [
        image[:, rows[:, np.newaxis], columns] * (down[:, np.newaxis] * across).astype(image.dtype)
        for (rows, down), (columns, across) in product(*corners)
    ]
    counts = [len(line) // bins for line, bins in zip(lines, shape, strict=True)]
    split = (image.shape[0], shape[0], counts[0], shape[1], counts[1])
    if mode == "max":
        return np.max(parts, axis=0).reshape(split).max(axis=(2, 4))
    return np.sum(parts, axis=0).reshape(split).mean(axis=(2, 4))


def _corners(at: Array, size: int) -> list[tuple[Array, Array]]:
    """The two pixels around each place and their weights; 0 beyond one pixel from the image."""
    inside = (at >= -1) & (at <= size)
    bounded = np.clip(at, 0, size - 1)
    low = np.minimum(np.floor(bounded).astype(np.int64), size - 1)
    share = bounded - low
    return [(low, (1 - share) * inside), (np.minimum(low + 1, size - 1), share * inside)]


KERNELS: KernelTable = {
    "AffineGrid": _affine_grid,
    "GridSampler2D": _grid_sample,
    "GridSampler3D": _grid_sample,
    "ROIAlign": _roi_align,
}
