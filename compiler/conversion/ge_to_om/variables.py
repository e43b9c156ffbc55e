"""The variable memory of a session: what keeps its place across the models of a bundle."""

from __future__ import annotations

from compiler.planning.memory import aligned
from dialects.om import VARIABLE_BASE

GUARD = 512
"""Bytes before and after each variable (GraphEngine's HbmMemResource)."""


class VariableMemory:
    """Gives every variable an address: the same for the same key, in any model."""

    def __init__(self) -> None:
        self.addresses: dict[str, int] = {}
        self.size = 0

    def address(self, key: str, size: int) -> int:
        """The logical address of a variable of `size` bytes."""
        if key not in self.addresses:
            self.addresses[key] = VARIABLE_BASE + self.size
            self.size += aligned(size) + 2 * GUARD
        return self.addresses[key]
