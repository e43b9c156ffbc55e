"""Addresses of the buffers in a core's local memories, by liveness and capacity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from compiler.planning.placement import align, first_gap

ALIGNMENT = {"l1": 32, "ub": 32, "l0a": 512, "l0b": 512, "l0c": 512, "bt": 64}
"""Bytes to which a buffer's address is aligned, by memory."""


class LocalMemoryError(Exception):
    """The buffers of a kernel do not fit a memory of the core."""

    def __init__(self, space: str, message: str):
        super().__init__(message)
        self.space = space


class LocalBuffer(NamedTuple):
    """A buffer of `slots` × `bytes` in `space`, used from step `first` to step `last`.

    `pipe` is the only pipe that uses it, None when several do. What one pipe alone uses may be
    reused by that pipe without flags, because a pipe works in order.
    """

    name: str
    space: str
    bytes: int
    slots: int
    first: int
    last: int
    pipe: str | None

    @property
    def stride(self) -> int:
        """The distance between two slots."""
        return align(self.bytes, ALIGNMENT[self.space])

    @property
    def total(self) -> int:
        """The bytes of all slots."""
        return self.stride * self.slots

    def may_share(self, other: LocalBuffer) -> bool:
        """Whether the two may occupy the same bytes."""
        same_pipe = self.pipe is not None and self.pipe == other.pipe
        return same_pipe and (self.last < other.first or other.last < self.first)


def plan_local_memory(
    buffers: Sequence[LocalBuffer], capacity: Mapping[str, int]
) -> list[tuple[int, ...]]:
    """The address of each slot of each buffer: the lowest free place, largest buffers first.

    Raises LocalMemoryError, naming the memory and its largest buffers, when one does not fit.
    """
    addresses: dict[int, int] = {}
    order = sorted(range(len(buffers)), key=lambda i: (-buffers[i].total, i))
    for i in order:
        taken = sorted(
            (address, address + buffers[j].total)
            for j, address in addresses.items()
            if buffers[j].space == buffers[i].space and not buffers[i].may_share(buffers[j])
        )
        addresses[i] = first_gap(taken, buffers[i].total)
        if addresses[i] + buffers[i].total > capacity[buffers[i].space]:
            space = buffers[i].space
            raise LocalMemoryError(space, _too_much(buffers, space, capacity))
    return [
        tuple(addresses[i] + slot * buffer.stride for slot in range(buffer.slots))
        for i, buffer in enumerate(buffers)
    ]


def _too_much(buffers: Sequence[LocalBuffer], space: str, capacity: Mapping[str, int]) -> str:
    largest = sorted((b for b in buffers if b.space == space), key=lambda b: -b.total)[:3]
    names = ", ".join(f"{b.name} {b.slots} × {b.bytes}" for b in largest)
    return f"the buffers do not fit the {capacity[space]} bytes of {space}: largest are {names}"
