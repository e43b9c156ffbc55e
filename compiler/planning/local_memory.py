"""Addresses of the buffers in a core's local memories, by liveness and capacity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from compiler.planning.placement import align, first_gap

ALIGNMENT = {"l1": 32, "ub": 32, "l0a": 512, "l0b": 512, "l0c": 512, "bt": 64}
"""Bytes to which a buffer's address is aligned, by memory."""


BANK_ROW = 512
"""Bytes that lie in as many groups of UB's banks: of which a repeat reads one half."""


class LocalMemoryError(Exception):
    """The buffers of a kernel do not fit a memory of the core."""

    def __init__(self, space: str, message: str):
        super().__init__(message)
        self.space = space


class Sharing(IntEnum):
    """Which buffers may lie in the same bytes one after the other; each level allows more.

    What one pipe alone uses may be reused by it without flags, as it works in order. What several
    use costs flags, and the pipes wait for each other: other buffers give up their second slot
    before that.
    """

    NONE = 0
    SAME_PIPE = 1
    ANY_PIPE = 2


class LocalBuffer(NamedTuple):
    """A buffer of `slots` × `bytes` in `space`, used from step `first` to step `last` of `block`.

    `pipe` is the only pipe that uses it, None when several do. An instruction reads it together
    with the buffers numbered in `beside`.
    """

    name: str
    space: str
    bytes: int
    slots: int
    first: int
    last: int
    pipe: str | None
    block: int = 0
    beside: tuple[int, ...] = ()

    @property
    def total(self) -> int:
        """The bytes of all slots, each aligned."""
        return align(self.bytes, ALIGNMENT[self.space]) * self.slots

    def may_share(self, other: LocalBuffer, level: Sharing) -> bool:
        """Whether the two may occupy the same bytes."""
        if level is Sharing.NONE or not (self.last < other.first or other.last < self.first):
            return False
        if self.pipe is not None and self.pipe == other.pipe:
            return True
        together = self.block == other.block and self.slots == other.slots == 1
        return level is Sharing.ANY_PIPE and together


def plan_local_memory(
    buffers: Sequence[LocalBuffer], capacity: Mapping[str, int], most: Sharing = Sharing.ANY_PIPE
) -> list[tuple[int, ...]]:
    """The address of each slot of each buffer, with as little sharing as each memory allows.

    Two sources of an instruction lie in different halves of UB's banks, unless that takes too much
    room. Raises LocalMemoryError, naming the memory and its largest buffers, when one does not fit.
    """
    plan: dict[int, tuple[int, ...]] = {}
    halves = bank_halves(buffers)
    for space in dict.fromkeys(buffer.space for buffer in buffers):
        numbers = [i for i, buffer in enumerate(buffers) if buffer.space == space]
        numbers.sort(
            key=lambda i: (-align(buffers[i].bytes, ALIGNMENT[space]) * buffers[i].slots, i)
        )
        for level, known in _attempts(most, halves):
            attempt = _Attempt(buffers, level, known)
            if attempt.place(numbers) <= capacity[space]:
                plan.update(attempt.addresses)
                break
        else:
            raise LocalMemoryError(space, _too_much(buffers, space, capacity))
    return [plan[i] for i in range(len(buffers))]


def _attempts(
    most: Sharing, halves: Mapping[int, int]
) -> Iterator[tuple[Sharing, Mapping[int, int]]]:
    """Reuse by one pipe costs nothing, a bank conflict costs time, sharing between pipes more."""
    nowhere: Mapping[int, int] = {}
    for levels in ((Sharing.NONE, Sharing.SAME_PIPE), (Sharing.ANY_PIPE,)):
        for known in (halves, nowhere):
            yield from ((level, known) for level in levels if level <= most)


def bank_halves(buffers: Sequence[LocalBuffer]) -> dict[int, int]:
    """For buffers that are read together, which half of a row of UB's banks each begins at.

    A repeat reads half a row. Where a buffer has partners in both halves, the first one counts.
    """
    halves: dict[int, int] = {}
    for i, buffer in enumerate(buffers):
        for j in buffer.beside:
            if i in halves and j not in halves:
                halves[j] = 1 - halves[i]
            elif i not in halves:
                halves[i] = 1 - halves.setdefault(j, 1)
    return halves


class _Attempt:
    """Buffers placed one after the other, each at the lowest address that is free."""

    def __init__(self, buffers: Sequence[LocalBuffer], level: Sharing, halves: Mapping[int, int]):
        self._buffers, self._level, self._halves = buffers, level, halves
        self.addresses: dict[int, tuple[int, ...]] = {}

    def place(self, numbers: Sequence[int]) -> int:
        """The bytes that the buffers take in their memory."""
        return max((self._place(i) for i in numbers), default=0)

    def _place(self, i: int) -> int:
        buffer, half = self._buffers[i], self._halves.get(i)
        unit = ALIGNMENT[buffer.space] if half is None else BANK_ROW
        taken = sorted(
            (min(starts), max(starts) + self._buffers[j].bytes)
            for j, starts in self.addresses.items()
            if not buffer.may_share(self._buffers[j], self._level)
        )
        step = align(buffer.bytes, unit)
        length = step * (buffer.slots - 1) + buffer.bytes
        start = first_gap(taken, length, unit, (half or 0) * BANK_ROW // 2)
        self.addresses[i] = tuple(start + slot * step for slot in range(buffer.slots))
        return start + length


def _too_much(buffers: Sequence[LocalBuffer], space: str, capacity: Mapping[str, int]) -> str:
    largest = sorted((b for b in buffers if b.space == space), key=lambda b: -b.total)[:3]
    names = ", ".join(f"{b.name} {b.slots} × {b.bytes}" for b in largest)
    return f"the buffers do not fit the {capacity[space]} bytes of {space}: largest are {names}"
