"""The variable memory of a session: what keeps its place across the models of a bundle."""

from __future__ import annotations

from compiler.errors import UserError
from compiler.om.contract import VARIABLE_BASE
from compiler.planning.memory import aligned

GUARD = 512
"""Bytes before and after each variable (GraphEngine's HbmMemResource)."""


class VariableMemory:
    """Gives every variable an address: the same for the same key, in any model."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[int, int]] = {}
        self.size = 0

    def address(self, key: str, size: int) -> int:
        """The logical address of a variable of `size` bytes; UserError when it had another size."""
        if key not in self._places:
            self._places[key] = VARIABLE_BASE + self.size, size
            self.size += aligned(size) + 2 * GUARD
        address, known = self._places[key]
        if size != known:
            raise UserError(f"variable '{key}' has {size} bytes here and {known} elsewhere")
        return address
