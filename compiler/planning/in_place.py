"""Which tensors are written in the place of one that nobody reads afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from compiler.planning.lifetimes import Tensor


def share_places(
    tensors: Sequence[Tensor], before: Sequence[int]
) -> tuple[list[int], list[Tensor]]:
    """The place of each tensor, and what each place holds as if it were one tensor.

    A tensor takes the place of the first of its `over` that is as large and that all its other
    users are certain to be done with. What stands for a caller's buffer has its own place.
    """
    places = [-1] * len(tensors)
    shared: list[Tensor] = []
    for i in sorted(range(len(tensors)), key=lambda i: tensors[i].first):
        tensor = tensors[i]
        taken = next(
            (p for p in (places[j] for j in tensor.over) if _may_take(tensor, shared[p], before)),
            None,
        )
        if taken is None:
            places[i] = len(shared)
            shared.append(tensor)
        else:
            places[i] = taken
            users = shared[taken].readers | tensor.readers | {tensor.first}
            shared[taken] = replace(shared[taken], readers=users)
    return places, shared


def _may_take(tensor: Tensor, taken: Tensor, before: Sequence[int]) -> bool:
    if tensor.is_interface or taken.is_interface or tensor.size != taken.size:
        return False
    done = before[tensor.first] | 1 << tensor.first
    return all(done >> step & 1 for step in (taken.first, *taken.readers))
