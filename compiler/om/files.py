"""Writes files whole or not at all."""

import errno
import os
import secrets
import stat
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from compiler.beneath import open_folder
from compiler.om.buffers import Blob, exact_chunks
from compiler.om.errors import OMError, Status


class WriteError(OMError):
    """A file that cannot be written, at no fault of its content."""


def write_file(path: str | os.PathLike[str], blob: Blob) -> None:
    """Streams `blob` to `path`, as `write_files` does."""
    write_files([(Path(path), blob)])


def write_files(
    files: Sequence[tuple[Path, Blob]], *, base: Path | None = None, overwrite: bool = True
) -> None:
    """Streams each blob to its path: on any failure what was at the paths is still there.

    No file takes its place before the bytes of all are on disk, so a blob may be read from a
    file that is replaced. A file's mode is what the umask leaves of 0666; it takes the place of
    a symbolic link instead of following it, and below `base` no folder is entered through one.
    WriteError when one cannot be written, or without `overwrite` when something is there.
    """
    drafts: list[_Draft] = []
    reserved: list[_Draft] = []
    with ExitStack() as folders:
        opened = _open_folders(files, base, folders)
        try:
            for target, blob in files:
                drafts.append(_Draft(target, opened[target.parent]))
                _stream(drafts[-1].create(), blob, target)
            for draft in drafts if not overwrite else ():
                draft.reserve()
                reserved.append(draft)
            for draft in drafts:
                draft.take_place()
        except BaseException:
            for draft in drafts:
                draft.remove(draft.name)
            for draft in reserved:
                draft.remove(draft.target.name)
            raise
    for folder in opened:
        _sync_folder(folder)


def _open_folders(
    files: Sequence[tuple[Path, Blob]], base: Path | None, opened: ExitStack
) -> dict[Path, int]:
    """A descriptor of each file's folder."""
    folders: dict[Path, int] = {}
    for target, _ in files:
        parent = target.parent
        if parent not in folders:
            below = parent.relative_to(base).parts if base is not None else ()
            with _writing(target):
                folders[parent] = open_folder(str(parent if base is None else base), below)
            opened.callback(os.close, folders[parent])
    return folders


@dataclass
class _Draft:
    """A file on its way to `target`, beside it in the folder that is open as `folder`."""

    target: Path
    folder: int
    name: str = field(default_factory=lambda: f".om-{secrets.token_hex(8)}")

    def create(self) -> int:
        """A descriptor to write to."""
        with _writing(self.target):
            self._check_replaceable()
            return self._new(self.name)

    def reserve(self) -> None:
        """Make sure that what takes the target's place is this file: nothing else is there."""
        with _writing(self.target):
            os.close(self._new(self.target.name))

    def take_place(self) -> None:
        with _writing(self.target):
            os.replace(self.name, self.target.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)

    def remove(self, name: str) -> None:
        with suppress(OSError):
            os.unlink(name, dir_fd=self.folder)

    def _new(self, name: str) -> int:
        # Not mkstemp, whose files are for their owner alone: here the umask shall decide.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return os.open(name, flags, 0o666, dir_fd=self.folder)

    def _check_replaceable(self) -> None:
        """OSError where a folder is, or what other programs know by its name: a device, a pipe."""
        try:
            mode = os.stat(self.target.name, dir_fd=self.folder).st_mode
        except OSError:
            return
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise FileExistsError(errno.EEXIST, "a device or a pipe is there")


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
    with _writing(target):
        folder = open_folder(str(target.parent))
    draft = _Draft(target, folder)
    try:
        with open(draft.create(), "w", encoding="utf-8") as stream:
            yield stream
        draft.take_place()
    except BaseException:
        draft.remove(draft.name)
        raise
    finally:
        os.close(folder)


def _is_special(path: str) -> bool:
    """Whether a device or a pipe is at `path`."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextmanager
def _writing(target: Path) -> Generator[None]:
    """Tells a failure to write from one of the blob's own, which passes through unchanged."""
    try:
        yield
    except OSError as error:
        linked = error.errno == errno.ELOOP
        reason = f"{target.parent} is a symbolic link, or below one" if linked else error.strerror
        raise WriteError(Status.FAILED, f"{target}: cannot be written: {reason}") from None


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
