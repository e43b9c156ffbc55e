"""Operators that look elements up by index, write them by index, or search for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from runtime.operator_engine.ai_cpu import kept
from runtime.operator_engine.node import Array, Inputs, KernelTable, Node, listed
from runtime.precision import is_float, widen

_SCATTER: dict[str, Any] = {
    "add": np.add,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
}


def _gather(node: Node, x: Array, indices: Array, axis: int, batch_dims: int = 0) -> Array:
    if batch_dims == 0:
        return np.take(x, indices, axis)
    rows = [_gather(node, a, i, axis - 1, batch_dims - 1) for a, i in zip(x, indices, strict=True)]
    return np.stack(rows)


def _gather_v2(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, indices = inputs["x"], inputs["indices"]
    axis = listed(inputs["axis"])[0] % x.ndim
    return [_gather(node, x, indices, axis, node.integer("batch_dims", 0))]


def _gather_v2d(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [_gather(node, inputs["x"], inputs["indices"], node.integer("axis"))]


def _gather_rows(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [_gather(node, inputs["x"], inputs["indices"], 0)]


def _gather_elements(node: Node, inputs: Inputs) -> Sequence[Array]:
    """Beside its axis, the index may be smaller than x."""
    x, index = inputs["x"], inputs["index"].astype(np.int64)
    axis = node.integer("dim", 0) % x.ndim
    part = tuple(slice(size if i != axis else None) for i, size in enumerate(index.shape))
    return [np.take_along_axis(x[part], index, axis)]


def _gather_nd(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, indices, batch = inputs["x"], inputs["indices"], node.integer("batch_dims", 0)
    where = tuple(np.moveaxis(indices, -1, 0))
    rows = np.ix_(*map(np.arange, x.shape[:batch]))
    inner = (1,) * (indices.ndim - 1 - batch)
    return [x[(*(row.reshape(*row.shape, *inner) for row in rows), *where)]]


def _scatter(node: Node, y: Array, where: tuple[Array, ...], updates: Array, how: str) -> None:
    if how == "none":
        y[where] = updates
    elif how in _SCATTER:
        _SCATTER[how].at(y, where, updates)
    else:
        raise node.error(f"reduction '{how}' must be none, add, mul, max or min")


def _scatter_elements(node: Node, inputs: Inputs) -> Sequence[Array]:
    y, indices = inputs["data"].copy(), inputs["indices"].astype(np.int64)
    where: list[Array] = list(np.ix_(*map(np.arange, indices.shape)))
    where[node.integer("axis", 0)] = indices
    _scatter(node, y, tuple(where), inputs["updates"], node.text("reduction", "none"))
    return [y]


def _scatter_nd(node: Node, inputs: Inputs) -> Sequence[Array]:
    y = inputs["var"].copy()
    where = tuple(np.moveaxis(inputs["indices"], -1, 0))
    how = node.type.removeprefix("ScatterNd").lower()
    _scatter(node, y, where, inputs["updates"], "none" if how == "update" else how)
    return [y]


def _one_hot(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, depth, axis = inputs["x"], listed(inputs["depth"])[0], node.integer("axis", -1)
    axis = axis + x.ndim + 1 if axis < 0 else axis
    on, off = (inputs[port].reshape(-1)[0] for port in ("on_value", "off_value"))
    # One place more than there are takes what lies outside.
    y = np.full((*x.shape[:axis], depth + 1, *x.shape[axis:]), off, inputs["on_value"].dtype)
    places = np.where((x >= 0) & (x < depth), x, depth).astype(np.int64)
    np.put_along_axis(y, np.expand_dims(places, axis), on, axis)
    return [np.take(y, np.arange(depth), axis) if axis < x.ndim else y[..., :depth]]


def _sorted_places(x: Array, k: int) -> Array:
    """Where the k smallest of each row [rows, n] stand, in order; ties by place."""
    rows, size = x.shape
    if size < 512 or 4 * k > size or (is_float(x.dtype) and bool(np.isnan(x).any())):
        return np.argsort(x, axis=1, kind="stable")[:, :k]
    found = np.empty((rows, k), np.int64)
    for row, line in enumerate(x):
        last = np.partition(line, max(k - 1, 0))[max(k - 1, 0)]
        candidates = np.flatnonzero(line <= last)
        order = np.argsort(line[candidates], kind="stable")
        found[row] = candidates[order[:k]]
    return found


def _top_k(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, k, axis = inputs["x"], listed(inputs["k"])[0], node.integer("dim", -1)
    if not 0 <= k <= x.shape[axis]:
        raise node.error(f"k = {k} must be at most the {x.shape[axis]} of axis {axis}")
    lines = np.moveaxis(x, axis, -1)
    rows = widen(lines.reshape(-1, lines.shape[-1]))
    places = _sorted_places(_descending(rows) if node.flag("largest", True) else rows, k)
    indices = np.moveaxis(places.reshape(*lines.shape[:-1], k), -1, axis)
    dtype = node.result_dtype(np.dtype(np.int32), 1)
    return [np.take_along_axis(x, indices, axis), indices.astype(dtype)]


def _descending(x: Array) -> Array:
    """Numbers in the opposite order: of integers the complement, which does not overflow."""
    return ~x if x.dtype.kind in "iub" else -x


def _non_zero(node: Node, inputs: Inputs) -> Sequence[Array]:
    places = np.stack(np.nonzero(inputs["x"]))
    y = places if node.flag("transpose", False) else places.T
    return [y.astype(node.result_dtype(np.dtype(np.int64)))]


def _where(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [np.argwhere(inputs["x"]).astype(np.int64)]


def unique(x: Array, axis: int | None, in_order: bool) -> tuple[Array, Array, Array, Array]:
    """The distinct elements of x, or slices along an axis; where each stands first, which one
    each element is, and how many there are. Not `in_order` they come as they stand in x.
    """
    if axis is None:
        x, axis = x.reshape(-1), 0
    values, first, inverse, counts = np.unique(x, True, True, True, axis=axis)
    if not in_order:
        order = np.argsort(first)
        ranks = np.argsort(order)
        values, first, counts = np.take(values, order, axis), first[order], counts[order]
        inverse = ranks[inverse]
    return values, first, inverse.reshape(-1), counts


def _unique(node: Node, inputs: Inputs) -> Sequence[Array]:
    values, _, inverse, counts = unique(inputs["x"], None, node.flag("sorted", True))
    dtype = node.result_dtype(np.dtype(np.int64), 1)
    return [values, inverse.astype(dtype), counts.astype(dtype)]


def _onnx_unique(node: Node, inputs: Inputs) -> Sequence[Array]:
    """ONNX's own form, which has an axis and says where each value stands first."""
    axis = node.integer("axis") if "axis" in node.attributes else None
    values, *places = unique(inputs["X"], axis, node.flag("sorted", True))
    return kept(node, [values, *(place.astype(np.int64) for place in places)])


KERNELS: KernelTable = {
    "Gather": _gather_rows,
    "GatherElements": _gather_elements,
    "GatherNd": _gather_nd,
    "GatherV2": _gather_v2,
    "GatherV2D": _gather_v2d,
    "NonZero": _non_zero,
    "OneHot": _one_hot,
    "OnnxUnique": _onnx_unique,
    "ScatterElements": _scatter_elements,
    "ScatterNdAdd": _scatter_nd,
    "ScatterNdMax": _scatter_nd,
    "ScatterNdMin": _scatter_nd,
    "ScatterNdUpdate": _scatter_nd,
    "TopK": _top_k,
    "TopKV2": _top_k,
    "UniqueWithCountsAndSorting": _unique,
    "Where": _where,
}
