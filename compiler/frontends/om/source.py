"""Where the bytes of an OM file lie: references into the file instead of copies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xdsl.dialects.builtin import IntAttr, StringAttr

from compiler.om.contract import referenced_file, weight_folder
from dialects.weights import FileAttr


@dataclass(frozen=True, slots=True)
class Source:
    """An OM file and the view of all its bytes that it is read through."""

    path: str
    whole: memoryview

    def reference(self, view: memoryview, offset: int = 0, length: int | None = None) -> FileAttr:
        """A reference to `length` bytes at `offset` of a view of the file."""
        start = _address(view) - _address(self.whole) + offset
        return _file(self.path, start, len(view) - offset if length is None else length)

    def weight_file(
        self, location: str, offset: int, length: int, reference: str | None = None
    ) -> FileAttr:
        """A reference to bytes of a file in the `weight` folder beside the OM, or elsewhere."""
        folder = weight_folder(Path(self.path))
        if reference is not None:
            return _file(str(referenced_file(reference, folder)), offset, length)
        return _file(str(folder / Path(location).name), offset, length)


def _file(path: str, offset: int, length: int) -> FileAttr:
    return FileAttr(StringAttr(path), IntAttr(offset), IntAttr(length))


def _address(view: memoryview) -> int:
    import numpy as np

    return np.frombuffer(view, np.uint8).ctypes.data
