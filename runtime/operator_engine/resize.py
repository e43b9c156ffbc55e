"""Resizing: nearest, linear and cubic interpolation along one axis after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node, listed
from runtime.precision import convert, is_float, widen


@dataclass(frozen=True, slots=True)
class Line:
    """One axis that changes its size: how many elements it has and gets, and the scale between."""

    length: int
    result: int
    scale: float
    region: tuple[float, float] = (0.0, 1.0)
    """The part of the axis that tf_crop_and_resize takes, as fractions."""


def _half_pixel(line: Line, i: Array) -> Array:
    return (i + 0.5) / line.scale - 0.5


def _half_pixel_symmetric(line: Line, i: Array) -> Array:
    used = line.result / (line.scale * line.length)
    return line.length / 2 * (1 - used) + _half_pixel(line, i)


def _pytorch_half_pixel(line: Line, i: Array) -> Array:
    return _half_pixel(line, i) if line.result > 1 else np.zeros_like(i)


def _align_corners(line: Line, i: Array) -> Array:
    # ONNX's evaluator takes the size before it is rounded to an integer.
    last = line.scale * line.length - 1
    return i * (line.length - 1) / last if last > 0 and line.result > 1 else np.zeros_like(i)


def _crop_and_resize(line: Line, i: Array) -> Array:
    start, end = line.region
    if line.result == 1:
        return np.full_like(i, 0.5 * (start + end) * (line.length - 1))
    step = (end - start) * (line.length - 1) / (line.result - 1)
    return start * (line.length - 1) + i * step


COORDINATES: Mapping[str, Callable[[Line, Array], Array]] = {
    "align_corners": _align_corners,
    "asymmetric": lambda line, i: i / line.scale,
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": _pytorch_half_pixel,
    "tf_crop_and_resize": _crop_and_resize,
    "tf_half_pixel_for_nn": lambda line, i: (i + 0.5) / line.scale,
}
"""ONNX's coordinate_transformation_mode: the place in the input of each place in the result."""

ROUNDINGS: Mapping[str, Callable[[Array], Array]] = {
    "ceil": np.ceil,
    "floor": np.floor,
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
}
"""ONNX's nearest_mode."""


def _triangle(t: Array) -> Array:
    return np.clip(1 - np.abs(t), 0, 1)


def _keys(a: float, t: Array) -> Array:
    """The cubic convolution kernel."""
    t = np.abs(t)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


RADIUS = {"linear": 1, "cubic": 2}
"""How many pixels on each side an interpolation weighs."""


@dataclass(frozen=True, slots=True)
class Resizing:
    """How a node interpolates; the names are those of ONNX's attributes."""

    mode: str
    coordinates: str
    nearest_mode: str = "round_prefer_floor"
    cubic_coeff_a: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False
    extrapolation_value: float | None = None
    """What lies outside the input; None where the edge goes on."""

    def along(self, x: Array, axis: int, line: Line) -> Array:
        """x resized along one axis."""
        # In float32, as the halves that a rounding depends on are those of a float32 scale.
        at = COORDINATES[self.coordinates](line, np.arange(line.result, dtype=np.float32))
        if self.mode == "nearest":
            places = ROUNDINGS[self.nearest_mode](at).astype(np.int64)
            y = np.take(x, np.clip(places, 0, line.length - 1), axis)
        else:
            y = self._weighted(x, axis, *self._taps(at, line))
        if self.extrapolation_value is None:
            return y
        outside = (at < 0) | (at > line.length - 1)
        return np.where(_along(outside, axis, y.ndim), self.extrapolation_value, y)

    def _taps(self, at: Array, line: Line) -> tuple[Array, Array]:
        """Places [taps, result] in the input and their weights; a place outside is the edge's."""
        scale = min(line.scale, 1.0) if self.antialias else 1.0
        first = int(np.floor(-RADIUS[self.mode] / scale)) + 1
        offsets = np.arange(first, 2 - first)[:, np.newaxis]
        base = np.ceil(at) - 1  # the pixel on the left: an exact hit is the one on the right
        kernel = _triangle if self.mode == "linear" else partial(_keys, self.cubic_coeff_a)
        weights = kernel((offsets - (at - base)) * scale)
        places = base.astype(np.int64) + offsets
        if self.exclude_outside:
            weights = np.where((places < 0) | (places >= line.length), 0, weights)
        weights = weights / weights.sum(axis=0)
        return np.clip(places, 0, line.length - 1), weights

    def _weighted(self, x: Array, axis: int, places: Array, weights: Array) -> Array:
        weights = weights.astype(x.dtype, copy=False)
        y = np.zeros((*x.shape[:axis], places.shape[1], *x.shape[axis + 1 :]), x.dtype)
        for place, weight in zip(places, weights, strict=True):
            if weight.any():
                y += np.take(x, place, axis) * _along(weight, axis, x.ndim)
        return y


def _along(values: Array, axis: int, rank: int) -> Array:
    """A vector shaped so that it broadcasts along an axis of a tensor."""
    return values.reshape(-1, *[1] * (rank - 1 - axis))


def _resized(x: Array, resizing: Resizing, lines: Mapping[int, Line]) -> Array:
    wide = widen(x)
    if resizing.mode != "nearest" and not is_float(x.dtype):
        wide = wide.astype(np.float32)
    for axis, line in lines.items():
        if (line.result, line.scale, line.region) != (line.length, 1.0, (0.0, 1.0)):
            wide = resizing.along(wide, axis, line)
    return convert(wide, x.dtype)


def _resize(node: Node, inputs: Inputs) -> Sequence[Array]:
    """Resize: x, roi?, scales?, sizes? → y, as ONNX has it.

    `antialias`, `axes` and `keep_aspect_ratio_policy` are ONNX's, not of GraphEngine's prototype.
    """
    x = inputs["x"]
    coordinates = node.text("coordinate_transformation_mode", "half_pixel")
    crops = coordinates == "tf_crop_and_resize"
    resizing = Resizing(
        node.text("mode", "nearest"),
        coordinates,
        node.text("nearest_mode", "round_prefer_floor"),
        node.number("cubic_coeff_a", -0.75),
        bool(node.integer("exclude_outside", 0)),
        bool(node.integer("antialias", 0)),
        node.number("extrapolation_value", 0.0) if crops else None,
    )
    return [_resized(x, resizing, _lines(node, inputs, crops))]


def _lines(node: Node, inputs: Inputs, crops: bool) -> dict[int, Line]:
    """What becomes of each axis that `sizes` or `scales` speak of."""
    x = inputs["x"]
    axes = [axis % x.ndim for axis in node.integers("axes", list(range(x.ndim)))]
    lengths = [x.shape[axis] for axis in axes]
    scales, sizes = _scales_and_sizes(node, inputs, lengths)
    region = inputs["roi"].astype(np.float64).reshape(2, -1).T.tolist() if crops else None
    regions = [(0.0, 1.0)] * len(axes) if region is None else [(a, b) for a, b in region]
    lines = map(Line, lengths, sizes, scales, regions)
    return dict(zip(axes, lines, strict=True))


def _scales_and_sizes(
    node: Node, inputs: Inputs, lengths: Sequence[int]
) -> tuple[list[float], list[int]]:
    none = np.empty(0, np.float32)
    scales = inputs.get("scales", none).astype(np.float64).reshape(-1).tolist()
    if scales:
        return scales, [int(n * scale) for n, scale in zip(lengths, scales, strict=True)]
    wanted = listed(inputs["sizes"])
    ratios = [size / n for size, n in zip(wanted, lengths, strict=True)]
    policy = node.text("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return ratios, wanted
    scale = min(ratios) if policy == "not_larger" else max(ratios)
    return [scale] * len(lengths), [int(np.floor(n * scale + 0.5)) for n in lengths]


def _resize_nearest(node: Node, inputs: Inputs) -> Sequence[Array]:
    """ResizeNearestNeighborV2: x [N, C, H, W], size (height, width) → y.

    `nearest_mode` is ONNX's; without it the rounding is GraphEngine's: a half goes up, and without
    half_pixel_centers and align_corners to the floor.
    """
    x, size = inputs["x"], listed(inputs["size"])
    scales = node.numbers("scales", [])
    aligned, centred = node.flag("align_corners", False), node.flag("half_pixel_centers", False)
    coordinates = "align_corners" if aligned else "half_pixel" if centred else "asymmetric"
    rounding = "round_prefer_ceil" if aligned or centred else "floor"
    resizing = Resizing("nearest", coordinates, node.text("nearest_mode", rounding))
    lines: dict[int, Line] = {}
    for place, result in enumerate(size):
        length = x.shape[2 + place]
        scale = scales[place] if scales and scales[place] > 0 else result / length
        lines[2 + place] = Line(length, result, scale)
    return [_resized(x, resizing, lines)]


KERNELS: KernelTable = {
    "Resize": _resize,
    "ResizeNearestNeighborV2": _resize_nearest,
}
