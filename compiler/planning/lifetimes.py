"""When the tensors of a model are alive: which may never lie on each other, how much at least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from compiler.planning.placement import align

ALIGNMENT = 512
"""Every tensor starts at a multiple of this many bytes."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor in feature memory.

    `size` in bytes. `writer` is the step that makes it, None for a model input, which is there
    before any step. `readers` are the steps that read it; `is_output` keeps it to the end. `over`
    are tensors that its writer reads, and may overwrite with it element by element.
    """

    size: int
    writer: int | None
    readers: frozenset[int]
    is_output: bool = False
    over: tuple[int, ...] = ()

    @property
    def is_interface(self) -> bool:
        """Whether it is an input or output of the model: the caller's buffer stands for it."""
        return self.writer is None or self.is_output

    @property
    def first(self) -> int:
        """The step before which it is not there, -1 for a model input."""
        return -1 if self.writer is None else self.writer

    @property
    def last(self) -> int:
        """The last step that reads it, or its writer."""
        return max(self.first, *self.readers, self.first)


def aligned(size: int) -> int:
    """A size rounded up to the alignment."""
    return align(size, ALIGNMENT)


def most_alive(tensors: Sequence[Tensor]) -> int:
    """The bytes alive at one time at most when steps run one by one: no plan does with less."""
    steps = max((tensor.last for tensor in tensors), default=-1)
    change = [0] * (steps + 3)
    for tensor in tensors:
        change[tensor.first + 1] += aligned(tensor.size)
        change[tensor.last + 2] -= aligned(tensor.size)
    return max(accumulate(change), default=0)


def conflicts(tensors: Sequence[Tensor], before: Sequence[int]) -> list[set[int]]:
    """For each tensor, which no caller owns, the ones that may be alive at the same time.

    Tensors are taken as they are written. One that is done with before every later step is left
    out from there on, so that a chain costs as little as it is wide.
    """
    users = [_users(tensor) for tensor in tensors]
    later = _before_all_later(before)
    alive: list[int] = []
    found: list[set[int]] = [set() for _ in tensors]
    for writer, i in sorted((tensor.first, i) for i, tensor in enumerate(tensors)):
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


def _users(tensor: Tensor) -> int:
    """The steps that touch a tensor, as bits."""
    bits = 0
    for step in (tensor.first, *tensor.readers):
        bits |= 1 << step
    return bits
