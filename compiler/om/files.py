"""Writes files whole or not at all."""

import errno
import os
import secrets
import stat
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from compiler.om.buffers import Blob, exact_chunks
from compiler.om.errors import OMError, Status


class WriteError(OMError):
    """A file that cannot be written, at no fault of its content."""


def write_file(path: str | os.PathLike[str], blob: Blob) -> None:
    """Streams `blob` to `path`, as `write_files` does."""
    write_files([(Path(path), blob)])


def write_files(files: Sequence[tuple[Path, Blob]]) -> None:
    """Streams each blob to its path: on any failure what was at the paths is still there.

    No file takes its place before the bytes of all are on disk, so a blob may be read from a
    file that is replaced. A file's mode is what the umask leaves of 0666; it takes the place of
    a symbolic link instead of following it. WriteError when one cannot be written.
    """
    drafts: list[tuple[str, Path]] = []
    try:
        for target, blob in files:
            descriptor, temporary = _draft(target)
            drafts.append((temporary, target))
            _stream(descriptor, blob, target)
        for temporary, target in drafts:
            with _writing(target):
                os.replace(temporary, target)
    except BaseException:
        _remove(temporary for temporary, _ in drafts)
        raise
    for folder in dict.fromkeys(target.parent for target, _ in files):
        _sync_folder(folder)


@contextmanager
def rewriting(path: str) -> Generator[IO[str]]:
    """A stream whose text is at `path` once the block has ended without an error, not before.

    A link is followed, and a device or a pipe is written to as it is.
    """
    if _is_special(path):
        with open(path, "w", encoding="utf-8") as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    descriptor, temporary = _draft(target)
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            yield stream
        with _writing(target):
            os.replace(temporary, target)
    except BaseException:
        _remove([temporary])
        raise


def _is_special(path: str) -> bool:
    """Whether a device or a pipe is at `path`."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _draft(target: Path) -> tuple[int, str]:
    """A new file beside `target`, open for writing, and its path."""
    temporary = str(target.parent / f".om-{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    with _writing(target):
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # Not mkstemp, whose files are for their owner alone: here the umask shall decide.
        return os.open(temporary, flags, 0o666), temporary


def _remove(drafts: Iterable[str]) -> None:
    for temporary in drafts:
        with suppress(OSError):
            os.unlink(temporary)


@contextmanager
def _writing(target: Path) -> Generator[None]:
    """Tells a failure to write from one of the blob's own, which passes through unchanged."""
    try:
        yield
    except OSError as error:
        message = f"{target}: cannot be written: {error.strerror}"
        raise WriteError(Status.FAILED, message) from None


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
