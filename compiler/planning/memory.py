"""Where the tensors of a model lie in feature memory: reuse wherever the order of steps allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.planning.placement import align, first_gap

ALIGNMENT = 512
"""Every tensor starts at a multiple of this many bytes."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor in feature memory.

    `size` in bytes. `writer` is the step that makes it, None for a model input, which is there
    before any step. `readers` are the steps that read it; `is_output` keeps it to the end.
    """

    size: int
    writer: int | None
    readers: frozenset[int]
    is_output: bool = False


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """The offset of every tensor, and the size of the whole in bytes."""

    offsets: tuple[int, ...]
    size: int


def plan_memory(tensors: Sequence[Tensor], before: Sequence[int]) -> MemoryPlan:
    """Place tensors largest first, each at the lowest place free of those alive with it.

    `before[i]` has bit j set where step j, an earlier one, is certain to be done when step i
    starts.
    """
    apart = conflicts(tensors, before)
    offsets: list[int] = [0] * len(tensors)
    placed: set[int] = set()
    for i in sorted(range(len(tensors)), key=lambda i: (-tensors[i].size, i)):
        taken = sorted(
            (offsets[j], offsets[j] + aligned(tensors[j].size)) for j in apart[i] & placed
        )
        offsets[i] = first_gap(taken, aligned(tensors[i].size))
        placed.add(i)
    ends = (offset + aligned(t.size) for offset, t in zip(offsets, tensors, strict=True))
    return MemoryPlan(tuple(offsets), max(ends, default=0))


def aligned(size: int) -> int:
    """A size rounded up to the alignment."""
    return align(size, ALIGNMENT)


def conflicts(tensors: Sequence[Tensor], before: Sequence[int]) -> list[set[int]]:
    """For each tensor the ones that may be alive at the same time.

    Tensors are taken as they are written. One that is done with before every later step is left
    out from there on, so that a chain costs as little as it is wide.
    """
    users = [_users(tensor, len(before)) for tensor in tensors]
    later = _before_all_later(before)
    alive = [i for i, tensor in enumerate(tensors) if tensor.writer is None]
    found: list[set[int]] = [set() for _ in tensors]
    for i in alive:
        found[i].update(alive)
        found[i].remove(i)
    written = [(tensor.writer, i) for i, tensor in enumerate(tensors) if tensor.writer is not None]
    for writer, i in sorted(written):
        alive = [j for j in alive if users[j] & ~later[writer]]
        for j in alive:
            if users[j] & ~before[writer]:
                found[i].add(j)
                found[j].add(i)
        alive.append(i)
    return found


def _before_all_later(before: Sequence[int]) -> list[int]:
    """The steps that are certain to be done when a step or any after it in the list starts."""
    later = list(before)
    for step in range(len(later) - 2, -1, -1):
        later[step] &= later[step + 1]
    return later


def _users(tensor: Tensor, steps: int) -> int:
    """The steps that touch a tensor, as bits; one that is never done for an output."""
    touching = tensor.readers if tensor.writer is None else {tensor.writer, *tensor.readers}
    bits = 1 << steps if tensor.is_output else 0
    for step in touching:
        bits |= 1 << step
    return bits
