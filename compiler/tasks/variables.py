"""The variable memory of a session: what keeps its place across the models of a bundle."""

from __future__ import annotations

from compiler.om.contract import VARIABLE_BASE
from compiler.om.errors import GraphError, Status
from compiler.planning.lifetimes import aligned

GUARD = 512
"""Bytes before and after each variable (GraphEngine's HbmMemResource)."""


class VariableMemory:
    """Gives every variable an address: the same for the same key, in any model."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[int, int, str]] = {}
        self.size = 0

    def __getitem__(self, key: str) -> int:
        """The address of a variable that has one."""
        return self._places[key][0]

    def address(self, key: str, size: int, kind: str) -> int:
        """The logical address of a variable of `size` bytes, a tensor of `kind`.

        GraphError when it was another tensor before.
        """
        if key not in self._places:
            self._places[key] = VARIABLE_BASE + self.size, size, kind
            self.size += aligned(size) + 2 * GUARD
        address, *known = self._places[key]
        if [size, kind] != known:
            was = f"{known[1]} of {known[0]} bytes"
            message = f"variable '{key}' is {kind} of {size} bytes here and {was} elsewhere"
            raise GraphError(Status.FAILED, message)
        return address
