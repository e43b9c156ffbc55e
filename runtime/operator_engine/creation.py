"""Operators that make tensors: casts, fills, ranges, shapes, and the assignment of a variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from runtime.operator_engine.dtypes import from_cpp, to_ge
from runtime.operator_engine.node import Array, Inputs, KernelTable, Node, listed
from runtime.precision import convert

_INT32 = 3


def _declared(node: Node, name: str, default: int) -> np.dtype[Any]:
    number = node.integer(name, default)
    dtype = from_cpp(number)
    if dtype is None:
        raise node.error(f"attribute '{name}' names data type {number}, which cannot be computed")
    return dtype


def _cast(node: Node, inputs: Inputs) -> Sequence[Array]:
    dtype = _declared(node, "dst_type", _INT32)
    made = node.result_dtype(dtype)
    if to_ge(made).cpp == to_ge(dtype).cpp:  # the data type may stand for another
        dtype = made
    return [convert(inputs["x"], dtype, saturates=node.flag("saturate", True))]


def _cast_like(node: Node, inputs: Inputs) -> Sequence[Array]:
    dtype = inputs["target"].dtype
    return [convert(inputs["x"], dtype, saturates=node.flag("saturate", True))]


def _fill(node: Node, inputs: Inputs) -> Sequence[Array]:
    value = inputs["value"]
    return [np.full(listed(inputs["dims"]), value.reshape(-1)[0], value.dtype)]


def _ones(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [np.ones_like(inputs["x"])]


def _zeros(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [np.zeros_like(inputs["x"])]


def _range(node: Node, inputs: Inputs) -> Sequence[Array]:
    start, limit, delta = (inputs[port].reshape(-1)[0] for port in ("start", "limit", "delta"))
    if delta == 0:
        raise node.error("delta is 0, so no step leads from start to limit")
    count = max(0, int(np.ceil((float(limit) - float(start)) / float(delta))))
    y = start + np.arange(count).astype(inputs["start"].dtype) * delta
    return [y.astype(inputs["start"].dtype)]


def _shape(node: Node, inputs: Inputs) -> Sequence[Array]:
    shape = inputs["x"].shape
    part = shape[node.integer("start", 0) : node.integer("end", len(shape))]
    return [np.array(part, _declared(node, "dtype", _INT32))]


def _size(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [np.array(inputs["x"].size, _declared(node, "dtype", _INT32))]


def _assign(node: Node, inputs: Inputs) -> Sequence[Array]:
    """ref, value → ref: writes the value into the memory of ref, which must be writeable."""
    ref, value = inputs["ref"], inputs["value"]
    if ref.shape != value.shape or ref.dtype != value.dtype:
        raise node.error(
            f"cannot assign {value.dtype}{list(value.shape)} "
            f"to a variable of {ref.dtype}{list(ref.shape)}"
        )
    ref[...] = value
    return [ref]


def _matrix_diag(node: Node, inputs: Inputs) -> Sequence[Array]:
    """A matrix with the diagonal at k, as much of it as fits, and padding elsewhere."""
    rows, columns, k = (listed(inputs[port])[0] for port in ("num_rows", "num_cols", "k"))
    diagonal, padding = inputs["diagonal"], inputs["padding_value"].reshape(-1)[0]
    y = np.full((rows, columns), padding, diagonal.dtype)
    count = max(0, min(rows + min(k, 0), columns - max(k, 0)))
    places = np.arange(count)
    y[places - min(k, 0), places + max(k, 0)] = diagonal[:count]
    return [y]


KERNELS: KernelTable = {
    "Assign": _assign,
    "Cast": _cast,
    "CastLike": _cast_like,
    "Fill": _fill,
    "MatrixDiagV2": _matrix_diag,
    "OnesLike": _ones,
    "Range": _range,
    "Shape": _shape,
    "Size": _size,
    "ZerosLike": _zeros,
}
