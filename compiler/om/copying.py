"""Puts blobs into files; bytes that lie in a file already are copied by the kernel."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager

from compiler.om.buffers import Blob, Buffer, Joined, exact_chunks
from compiler.weights import FileBytes

AT_ONCE = 1 << 26
"""Bytes the kernel copies before it can be interrupted."""

NOT_HERE = frozenset(
    {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.EBADF}
)
"""How a kernel or a file system says that it does not copy between these files."""

Guard = Callable[[], AbstractContextManager[None]]
"""Tells failures to write from those of the source."""


def put(descriptor: int, blob: Blob, guard: Guard) -> None:
    """Append a blob to the file that is open for writing. OMError when its length is wrong."""
    match blob:
        case Joined():
            for part in blob.parts:
                put(descriptor, part, guard)
        case FileBytes():
            _copy(descriptor, blob, guard)
        case _:
            for chunk in exact_chunks(blob):
                with guard():
                    _write(descriptor, chunk)


def _copy(descriptor: int, source: FileBytes, guard: Guard) -> None:
    done = 0
    with source.opened() as origin:
        while done < source.length:
            with guard():
                count = _copied(origin, descriptor, source.length - done, source.offset + done)
            if not count:
                break
            done += count
    rest = FileBytes(source.path, source.offset + done, source.length - done, source.version)
    for chunk in exact_chunks(rest):
        with guard():
            _write(descriptor, chunk)


def _copied(origin: int, target: int, count: int, offset: int) -> int:
    """How many bytes the kernel has copied; 0 where it does not."""
    copy = getattr(os, "copy_file_range", None)  # Linux has it
    try:
        return copy(origin, target, min(count, AT_ONCE), offset) if copy else 0
    except OSError as error:
        if error.errno in NOT_HERE:
            return 0
        raise


def _write(descriptor: int, data: Buffer) -> None:
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(descriptor, view) :]
