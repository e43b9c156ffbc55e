"""Sequences of tensors: a handle is a Python list, which no kernel changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node, listed


def _items(inputs: Inputs) -> list[Array]:
    return cast("list[Array]", inputs["handle"])


def _handle(items: list[Array]) -> Sequence[Any]:
    return [items]


def _place(node: Node, inputs: Inputs, size: int) -> int:
    """The `index` input, which counts from the end when it is negative."""
    place = listed(inputs["index"])[0]
    if not -size <= place < size:
        raise node.error(f"index {place} is not in a sequence of {size}")
    return place % size


def _construct(node: Node, inputs: Inputs) -> Sequence[Any]:
    return _handle(list(inputs.values()))


def _empty(node: Node, inputs: Inputs) -> Sequence[Any]:
    return _handle([])


def _insert(node: Node, inputs: Inputs) -> Sequence[Any]:
    items = _items(inputs)
    place = len(items)
    if "index" in inputs and listed(inputs["index"]) != [len(items)]:
        place = _place(node, inputs, len(items))
    return _handle([*items[:place], inputs["value"], *items[place:]])


def _erase(node: Node, inputs: Inputs) -> Sequence[Any]:
    items = _items(inputs)
    place = _place(node, inputs, len(items)) if "index" in inputs else len(items) - 1
    return _handle([*items[:place], *items[place + 1 :]])


def _at(node: Node, inputs: Inputs) -> Sequence[Array]:
    items = _items(inputs)
    return [items[_place(node, inputs, len(items))]]


def _length(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [np.array(len(_items(inputs)), np.int64)]


def _split(node: Node, inputs: Inputs) -> Sequence[Any]:
    """Pieces of the sizes in `split`, of one size where that is a scalar, else of size 1."""
    x, split, axis = inputs["x"], inputs.get("split"), node.integer("axis", 0)
    size = x.shape[axis]
    step = 1 if split is None or split.ndim else int(split)
    ends = list(range(step, size, step))
    if split is not None and split.ndim:
        ends = [int(end) for end in np.cumsum(split)[:-1]]
    pieces = np.split(x, ends, axis)
    if split is None and not node.flag("keepdims", True):
        pieces = [piece.squeeze(axis) for piece in pieces]
    return _handle(list(pieces))


def _concat(node: Node, inputs: Inputs) -> Sequence[Array]:
    """The tensors one after another, or stacked; of none, what the model says with zero rounds."""
    items, axis = _items(inputs), node.integer("axis")
    if not items:
        desc = node.outputs[0]
        return [np.zeros([max(dim, 0) for dim in desc.shape], desc.dtype)]
    if node.integer("new_axis", 0):
        return [np.stack(items, axis)]
    return [np.concatenate(items, axis)]


def _optional(node: Node, inputs: Inputs) -> Sequence[Any]:
    """An optional value is the value itself; None is none."""
    return [inputs.get("input")]


KERNELS: KernelTable = {
    "ConcatFromSequence": _concat,
    "OnnxOptional": _optional,
    "SequenceAt": _at,
    "SequenceConstruct": _construct,
    "SequenceEmpty": _empty,
    "SequenceErase": _erase,
    "SequenceInsert": _insert,
    "SequenceLength": _length,
    "SplitToSequence": _split,
}
