"""Where an OM file's bytes come from: a path, which is mapped into memory, or a buffer."""

from __future__ import annotations

import mmap
import os
import stat
from dataclasses import dataclass
from typing import TypeAlias

from compiler.om.buffers import Buffer
from compiler.om.errors import OMError, Status
from compiler.weights import FileBytes, Version

Source: TypeAlias = "str | os.PathLike[str] | Buffer | mmap.mmap"


@dataclass(frozen=True, eq=False, slots=True)
class MappedFile:
    """A file in memory: all its bytes, read-only, and the version of it that was opened.

    The mapping lives as long as any view of it; the file must not be cut short meanwhile.
    """

    path: str
    version: Version
    view: memoryview

    def range(self, view: memoryview) -> FileBytes:
        """Where bytes of the file lie in it, for any view of `view`."""
        start = _address(view) - _address(self.view) if view else 0
        return FileBytes(self.path, start, len(view), self.version)


def map_source(source: Source, name: str | None = None) -> tuple[memoryview, str]:
    """The bytes of `source`, read-only and not copied, and what to call it in messages.

    OMError where a file cannot be read, as `map_file` has it.
    """
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        return map_file(path).view, name or path
    return memoryview(source).toreadonly().cast("B"), name or "buffer"


def map_file(path: str) -> MappedFile:
    """The file at `path`. OMError where it cannot be read, or is no regular file."""
    try:
        # Opening a pipe would wait for a writer, so look before.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OMError(Status.MODEL_PATH_INVALID, f"{path}: not a regular file")
        with open(path, "rb") as file:
            version = Version.of(os.fstat(file.fileno()))
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if version.size else b""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OMError(Status.MODEL_PATH_INVALID, f"{path}: {reason}") from None
    return MappedFile(path, version, memoryview(whole))


def _address(view: memoryview) -> int:
    import numpy as np

    return np.frombuffer(view, np.uint8).ctypes.data
