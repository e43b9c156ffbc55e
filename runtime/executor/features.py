"""Feature memory: what a run of a static model keeps its tensors in."""

from __future__ import annotations

from runtime.device import Bytes, Memory

POISONED = 1 << 30
"""Only so many bytes are filled: more would cost memory nobody may touch."""


class Features:
    """Feature memory of `size` bytes for each of the runs that are at work at the same time.

    `given` is the caller's, who then has one run at a time.
    """

    def __init__(self, memory: Memory, size: int, source: str, given: Bytes | None = None) -> None:
        self.size = size
        self.most = None if given is None else 1
        self._memory, self._source, self._given = memory, source, given
        self._made: list[int] = []

    def take(self) -> Bytes:
        """Memory for another run; AclError 207001 where the device has none."""
        found = self._allocated() if self._given is None else self._given
        # Not a number in any float: what is read before it is written shows.
        found[:POISONED] = 0xFF
        return found

    def _allocated(self) -> Bytes:
        made = self._memory.allocate(max(self.size, 1), f"feature memory of {self._source}")
        self._made.append(made.address)
        return made.memory[: self.size]

    def release(self) -> None:
        """Gives back what was allocated."""
        while self._made:
            self._memory.free(self._made.pop())
