"""Where the tensors of a model lie in feature memory: reuse wherever the order of steps allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    """The offset of every tensor, and the size of the whole in bytes.

    `lower_bound` is the most that is alive at one time when steps run in list order: no plan
    for that order can be smaller.
    """

    offsets: tuple[int, ...]
    size: int
    lower_bound: int


def plan_memory(tensors: Sequence[Tensor], before: Sequence[int]) -> MemoryPlan:
    """Place tensors largest first, each at the lowest place free of those alive with it.

    `before[i]` has bit j set where step j is certain to be done when step i starts.
    """
    conflicts = _conflicts(tensors, before)
    offsets: list[int] = [0] * len(tensors)
    placed: set[int] = set()
    for i in sorted(range(len(tensors)), key=lambda i: (-tensors[i].size, i)):
        taken = sorted(
            (offsets[j], offsets[j] + aligned(tensors[j].size)) for j in conflicts[i] & placed
        )
        offsets[i] = _first_gap(taken, aligned(tensors[i].size))
        placed.add(i)
    ends = (offset + aligned(t.size) for offset, t in zip(offsets, tensors, strict=True))
    return MemoryPlan(tuple(offsets), max(ends, default=0), _lower_bound(tensors, len(before)))


def aligned(size: int) -> int:
    """A size rounded up to the alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def _first_gap(taken: Sequence[tuple[int, int]], size: int) -> int:
    start = 0
    for low, high in taken:
        if low - start >= size:
            break
        start = max(start, high)
    return start


def _conflicts(tensors: Sequence[Tensor], before: Sequence[int]) -> list[set[int]]:
    """For each tensor the ones that may be alive at the same time."""
    found: list[set[int]] = [set() for _ in tensors]
    dead_before = [_users(tensor) for tensor in tensors]
    for i, a in enumerate(tensors):
        for j in range(i):
            b = tensors[j]
            if _ends_before(a, dead_before[i], b, before) or _ends_before(
                b, dead_before[j], a, before
            ):
                continue
            found[i].add(j)
            found[j].add(i)
    return found


def _users(tensor: Tensor) -> int:
    """The steps that touch a tensor, as bits."""
    bits = 0 if tensor.writer is None else 1 << tensor.writer
    for reader in tensor.readers:
        bits |= 1 << reader
    return bits


def _ends_before(a: Tensor, users: int, b: Tensor, before: Sequence[int]) -> bool:
    """Whether nobody touches `a` any more once `b` is written."""
    return not a.is_output and b.writer is not None and not users & ~before[b.writer]


def _lower_bound(tensors: Sequence[Tensor], steps: int) -> int:
    change = [0] * (steps + 3)  # the inputs are there a moment before step 0
    for tensor in tensors:
        first = 0 if tensor.writer is None else tensor.writer + 1
        last = steps + 1 if tensor.is_output else max((first, *(r + 1 for r in tensor.readers)))
        change[first] += aligned(tensor.size)
        change[last + 1] -= aligned(tensor.size)
    alive = most = 0
    for step in change:
        alive += step
        most = max(most, alive)
    return most
