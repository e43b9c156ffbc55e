"""Where the tensors of a model lie in feature memory: reuse wherever the order of steps allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from compiler.planning.in_place import share_places
from compiler.planning.lifetimes import Tensor, aligned, conflicts, most_alive
from compiler.planning.placement import first_gap


class MemoryPlan(NamedTuple):
    """The offset of every tensor, and sizes in bytes.

    `size` is that of the whole. Its last `interface` bytes hold the inputs and outputs of the
    model, and nothing else: buffers of the caller may stand for them. `live` is what is alive at
    one time at most besides: `size - interface` cannot be less.
    """

    offsets: tuple[int, ...]
    size: int
    interface: int
    live: int


def plan_memory(tensors: Sequence[Tensor], before: Sequence[int]) -> MemoryPlan:
    """Place tensors, in the place of others where they may be, as in the smallest of some plans.

    `before[i]` has bit j set where step j, an earlier one, is certain to be done when step i
    starts.
    """
    places, shared = share_places(tensors, before)
    inner = [i for i, tensor in enumerate(shared) if not tensor.is_interface]
    kept = [shared[i] for i in inner]
    live = most_alive(kept)
    placed, inside = _smallest(kept, conflicts(kept, before), live)
    offsets = dict(zip(inner, placed, strict=True))
    size = inside
    for i, tensor in enumerate(shared):
        if tensor.is_interface:
            offsets[i] = size
            size += aligned(tensor.size)
    return MemoryPlan(tuple(offsets[place] for place in places), size, size - inside, live)


_Order: TypeAlias = "Callable[[Tensor], int]"

_ORDERS: tuple[_Order, ...] = (
    lambda tensor: -tensor.size,
    lambda tensor: -tensor.size * (tensor.last - tensor.first + 1),
    lambda tensor: tensor.first,
)
"""What tensors are sorted by to be placed one after the other: none is best for every graph."""


def _smallest(
    tensors: Sequence[Tensor], apart: Sequence[set[int]], live: int
) -> tuple[list[int], int]:
    """The offsets of the smallest plan, and its size; no more are made when one is as small as
    can be."""
    best = _place(tensors, apart, _ORDERS[0])
    for order in _ORDERS[1:]:
        if best[1] == live:
            break
        best = min(best, _place(tensors, apart, order), key=lambda plan: plan[1])
    return best


def _place(
    tensors: Sequence[Tensor], apart: Sequence[set[int]], order: _Order
) -> tuple[list[int], int]:
    """Each tensor, in an order, at the lowest place free of those alive with it."""
    offsets = [0] * len(tensors)
    placed: set[int] = set()
    size = 0
    for i in sorted(range(len(tensors)), key=lambda i: (order(tensors[i]), i)):
        length = aligned(tensors[i].size)
        taken = sorted(
            (offsets[j], offsets[j] + aligned(tensors[j].size)) for j in apart[i] & placed
        )
        offsets[i] = first_gap(taken, length)
        placed.add(i)
        size = max(size, offsets[i] + length)
    return offsets, size
