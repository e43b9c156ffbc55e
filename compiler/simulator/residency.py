"""Which tensors of a model a kernel finds in L2, because kernels before it left them there."""

from __future__ import annotations

from collections.abc import Sequence


class Residency:
    """The tensors in an L2 of `capacity` bytes by address: the least recently used leave first."""

    def __init__(self, capacity: int):
        self._capacity = capacity
        self._held: dict[int, int] = {}

    def touch(self, tensors: Sequence[tuple[int, int]]) -> frozenset[int]:
        """A kernel reads or writes `tensors` (address, bytes): the places of those found in L2."""
        found = frozenset(
            place
            for place, (address, size) in enumerate(tensors)
            if self._held.get(address, -1) >= size
        )
        for address, size in tensors:
            self._held.pop(address, None)
            self._held[address] = size
        total = sum(self._held.values())
        for address in list(self._held):
            if total <= self._capacity:
                break
            total -= self._held.pop(address)
        return found
