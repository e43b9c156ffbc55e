"""Operators that join, split, slice and pad tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from runtime.operator_engine.node import Array, Inputs, Kernel, KernelTable, Node, listed

_PAD_MODES: dict[str, Literal["edge", "reflect", "symmetric", "wrap"]] = {
    "edge": "edge",
    "reflect": "reflect",
    "symmetric": "symmetric",
    "wrap": "wrap",
}


def _concat_d(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [np.concatenate(list(inputs.values()), node.integer("concat_dim"))]


def _concat(node: Node, inputs: Inputs) -> Sequence[Array]:
    parts = dict(inputs)
    axis = listed(parts.pop("concat_dim"))[0]
    return [np.concatenate(list(parts.values()), axis)]


def _pack(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [np.stack(list(inputs.values()), node.integer("axis", 0))]


def _unpack(node: Node, inputs: Inputs) -> Sequence[Array]:
    return list(np.moveaxis(inputs["x"], node.integer("axis", 0), 0))


def _split_even(node: Node, x: Array, axis: int) -> Sequence[Array]:
    """Parts of one size; the last is smaller where it does not divide the axis (ONNX's rule)."""
    count = node.integer("num_split")
    each = -(-x.shape[axis] // count)
    return np.split(x, [each * (i + 1) for i in range(count - 1)], axis)


def _split_at(node: Node, x: Array, sizes: Sequence[int], axis: int) -> Sequence[Array]:
    rest = x.shape[axis] - sum(size for size in sizes if size >= 0)
    sizes = [rest if size < 0 else size for size in sizes]
    if sum(sizes) != x.shape[axis]:
        raise node.error(f"sizes {sizes} do not add up to the {x.shape[axis]} of axis {axis}")
    return np.split(x, np.cumsum(sizes)[:-1].tolist(), axis)


def _split(node: Node, inputs: Inputs) -> Sequence[Array]:
    return _split_even(node, inputs["x"], listed(inputs["split_dim"])[0])


def _split_d(node: Node, inputs: Inputs) -> Sequence[Array]:
    return _split_even(node, inputs["x"], node.integer("split_dim"))


def _split_v(node: Node, inputs: Inputs) -> Sequence[Array]:
    sizes, axis = listed(inputs["size_splits"]), listed(inputs["split_dim"])[0]
    return _split_at(node, inputs["x"], sizes, axis)


def _split_vd(node: Node, inputs: Inputs) -> Sequence[Array]:
    return _split_at(node, inputs["x"], node.integers("size_splits"), node.integer("split_dim"))


def _bounded(size: int, begin: int, end: int, step: int) -> slice:
    """The slice of an axis with negative positions counted from its end, clamped to the axis."""
    begin, end = (place + size if place < 0 else place for place in (begin, end))
    if step > 0:
        return slice(max(0, min(begin, size)), max(0, min(end, size)), step)
    begin, end = min(begin, size - 1), max(-1, min(end, size - 1))
    return slice(max(0, begin), None if end < 0 else end, step)


# axis, begin, end, stride
Cut = tuple[int, int, int, int]


def _strided(node: Node, x: Array, cuts: Iterable[Cut]) -> Array:
    if node.integer("ellipsis_mask", 0) or node.integer("new_axis_mask", 0):
        raise node.error("ellipsis_mask and new_axis_mask are not supported; they must be 0")
    no_begin, no_end = node.integer("begin_mask", 0), node.integer("end_mask", 0)
    shrink = node.integer("shrink_axis_mask", 0)
    where: list[Any] = [slice(None)] * x.ndim
    for i, (axis, first, last, step) in enumerate(cuts):
        if shrink >> i & 1:
            where[axis] = first
            continue
        bounds = _bounded(x.shape[axis], first, last, step)
        where[axis] = slice(
            None if no_begin >> i & 1 else bounds.start,
            None if no_end >> i & 1 else bounds.stop,
            step,
        )
    return x[tuple(where)]


def _strided_slice(node: Node, inputs: Inputs) -> Sequence[Array]:
    """x, begin, end, axes?, strides? → y; without axes the positions are those of the first."""
    begin, end = listed(inputs["begin"]), listed(inputs["end"])
    axes = listed(inputs["axes"]) if "axes" in inputs else list(range(len(begin)))
    strides = listed(inputs["strides"]) if "strides" in inputs else [1] * len(begin)
    return [_strided(node, inputs["x"], zip(axes, begin, end, strides, strict=True))]


def _strided_slice_d(node: Node, inputs: Inputs) -> Sequence[Array]:
    begin, end, strides = (node.integers(name) for name in ("begin", "end", "strides"))
    axes = range(len(begin))
    return [_strided(node, inputs["x"], zip(axes, begin, end, strides, strict=True))]


def _sliced(x: Array, offsets: Sequence[int], sizes: Sequence[int]) -> Array:
    ends = [
        x.shape[axis] if size < 0 else offset + size
        for axis, (offset, size) in enumerate(zip(offsets, sizes, strict=True))
    ]
    return x[tuple(map(slice, offsets, ends))]


def _slice(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [_sliced(inputs["x"], listed(inputs["offsets"]), listed(inputs["size"]))]


def _slice_d(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [_sliced(inputs["x"], node.integers("offsets"), node.integers("size"))]


def _padded(
    node: Node, x: Array, widths: Sequence[tuple[int, int]], value: Any, mode: str
) -> Array:
    crop = [
        slice(max(0, -a), size - max(0, -b)) for size, (a, b) in zip(x.shape, widths, strict=True)
    ]
    grow = [(max(0, a), max(0, b)) for a, b in widths]
    x = x[tuple(crop)]
    if mode == "constant":
        return np.pad(x, grow, constant_values=value)
    if mode not in _PAD_MODES:
        raise node.error(f"mode '{mode}' must be constant, edge, reflect, symmetric or wrap")
    return np.pad(x, grow, mode=_PAD_MODES[mode])


def _pad(mode: str = "constant") -> Kernel:
    """x, paddings, constant_values? → y; paddings are (before, behind) pairs unless the node says
    that all the befores come first.
    """

    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        x, flat = inputs["x"], listed(inputs["paddings"])
        half = len(flat) // 2
        if node.flag("paddings_contiguous", True):
            given = list(zip(flat[0::2], flat[1::2], strict=True))
        else:
            given = list(zip(flat[:half], flat[half:], strict=True))
        widths = [(0, 0)] * x.ndim
        axes = node.integers("axes", list(range(x.ndim)))  # ours: ONNX's Pad may name them
        for axis, width in zip(axes, given, strict=True):
            widths[axis] = width
        value = inputs["constant_values"].reshape(-1)[0] if "constant_values" in inputs else 0
        return [_padded(node, x, widths, value, node.text("mode", mode).lower())]

    return kernel


KERNELS: KernelTable = {
    "Concat": _concat,
    "ConcatD": _concat_d,
    "ConcatV2D": _concat_d,
    "MirrorPad": _pad("reflect"),
    "Pack": _pack,
    "Pad": _pad(),
    "PadV2": _pad(),
    "PadV3": _pad(),
    "Slice": _slice,
    "SliceD": _slice_d,
    "Split": _split,
    "SplitD": _split_d,
    "SplitV": _split_v,
    "SplitVD": _split_vd,
    "StridedSlice": _strided_slice,
    "StridedSliceD": _strided_slice_d,
    "StridedSliceV2": _strided_slice,
    "StridedSliceV3": _strided_slice,
    "Unpack": _unpack,
}
