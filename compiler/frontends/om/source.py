"""Where the bytes of an OM file lie: references into the file instead of copies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xdsl.dialects.builtin import IntAttr, StringAttr

from compiler.om.contract import weights_beside
from compiler.om.errors import OMError
from compiler.om.external import place_of
from compiler.om.ge_ir_pb2 import OpDef
from compiler.om.source import MappedFile
from dialects.weights import FileAttr


@dataclass(frozen=True, slots=True)
class Source:
    """An OM file in memory, through which it is read."""

    file: MappedFile

    @property
    def path(self) -> str:
        """Where the file is, as the user says."""
        return self.file.path

    def reference(self, view: memoryview, offset: int = 0, length: int | None = None) -> FileAttr:
        """A reference to `length` bytes at `offset` of a view of the file."""
        start = self.file.range(view).offset + offset
        return _file(self.path, start, len(view) - offset if length is None else length)

    def weight_file(self, op: OpDef) -> FileAttr | None:
        """A reference to the bytes of a file that a node names; None where it names none.

        OMError where the name is none that a file can have.
        """
        try:
            found = place_of(op, weights_beside(Path(self.path)))
        except OMError as error:
            raise error.at(self.path) from None
        return _file(str(found.path), found.offset, found.length) if found else None


def _file(path: str, offset: int, length: int) -> FileAttr:
    return FileAttr(StringAttr(path), IntAttr(offset), IntAttr(length))
