"""Where an OM file's bytes come from: a path, which is mapped into memory, or a buffer."""

import mmap
import os
import stat
from typing import TypeAlias

from compiler.om.buffers import Buffer
from compiler.om.errors import OMError, Status

Source: TypeAlias = str | os.PathLike[str] | Buffer | mmap.mmap


def map_source(source: Source, name: str | None = None) -> tuple[memoryview, str]:
    """The bytes of `source`, read-only and not copied, and what to call it in messages.

    The mapping lives as long as any view of it; a file must not be cut short meanwhile.
    """
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        return _map_file(path), name or path
    return memoryview(source).toreadonly().cast("B"), name or "buffer"


def _map_file(path: str) -> memoryview:
    try:
        # Opening a pipe would wait for a writer, so look before.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OMError(Status.MODEL_PATH_INVALID, f"{path}: not a regular file")
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OMError(Status.MODEL_PATH_INVALID, f"{path}: {reason}") from None
    return memoryview(whole)
