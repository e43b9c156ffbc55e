"""Writes a file whole or not at all."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from compiler.om.buffers import Blob, exact_chunks
from compiler.om.errors import OMError, Status


def write_file(path: str | os.PathLike[str], blob: Blob) -> None:
    """Streams `blob` to `path`: on any failure what was at `path` is still there, untouched.

    The file is for its owner alone (mode 0600, as GraphEngine's are) and takes the place of a
    symbolic link instead of following it. OMError when it cannot be written.
    """
    target = Path(path)
    with _writing(target):
        descriptor, temporary = tempfile.mkstemp(prefix=".om-", dir=target.parent)
    try:
        _stream(descriptor, blob, target)
        with _writing(target):
            os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(target.parent)


@contextmanager
def _writing(target: Path) -> Generator[None]:
    """Tells a failure to write from one of the blob's own, which passes through unchanged."""
    try:
        yield
    except OSError as error:
        message = f"{target}: cannot be written: {error.strerror}"
        raise OMError(Status.FAILED, message) from None


def _stream(descriptor: int, blob: Blob, target: Path) -> None:
    with open(descriptor, "wb") as file:
        for chunk in exact_chunks(blob):
            with _writing(target):
                file.write(chunk)
        with _writing(target):
            file.flush()
            os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """Makes the new name itself durable, where folders can be opened."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
