"""A file that is not at its path before it is whole."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from compiler.om.buffers import Blob
from compiler.om.copying import put
from compiler.om.errors import OMError, Status
from compiler.om.staging import Staging
from compiler.threads import working

NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""How a file system says that it has no hard links, or no more."""


class WriteError(OMError):
    """A file that cannot be written, at no fault of its content."""


@contextmanager
def writing(target: Path) -> Generator[None]:
    """Tells a failure to write from one of the blob's own, which passes through unchanged."""
    try:
        yield
    except OSError as error:
        linked = error.errno == errno.ELOOP
        reason = f"{target.parent} is a symbolic link, or below one" if linked else error.strerror
        raise WriteError(Status.FAILED, f"{target}: cannot be written: {reason}") from None


@dataclass
class Draft:
    """A file on its way to `target`, in a folder beside it till it is whole."""

    target: Path
    stage: Staging
    number: int = 0
    mode: int = 0o666
    placed: bool = False
    kept: bool = False

    def create(self) -> int:
        """A descriptor to write to."""
        with writing(self.target):
            return self._create(self._new, self.stage.inside)

    def fill(self, blob: Blob) -> None:
        """Write all bytes, down to the disk."""
        descriptor = self.create()
        try:
            with working():
                put(descriptor, blob, lambda: writing(self.target))
            with writing(self.target):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def exists(self) -> bool:
        """Whether something is at the target."""
        with suppress(FileNotFoundError):
            os.stat(self.target.name, dir_fd=self.stage.parent, follow_symlinks=False)
            return True
        return False

    def withdraw(self) -> None:
        """Let nothing be at the target."""
        with writing(self.target), suppress(FileNotFoundError):
            self._move(self.stage.parent, self.target.name, self.stage.inside, self._old)
            self.kept = True

    def take_place(self) -> None:
        """Be at the target instead of what is there; that comes back with `undo`."""
        with suppress(OSError):  # nothing there, or a file system without hard links
            self._link(self.stage.parent, self.target.name, self.stage.inside, self._old)
            self.kept = True
        self.placed = not self.exists()
        with writing(self.target):
            self._move(self.stage.inside, self._new, self.stage.parent, self.target.name)

    def take_free_place(self) -> None:
        """Be at the target; WriteError when something is there already."""
        with writing(self.target):
            try:
                self._link(self.stage.inside, self._new, self.stage.parent, self.target.name)
                self.placed = True
                os.unlink(self._new, dir_fd=self.stage.inside)
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                os.close(self._create(self.target.name, self.stage.parent))
                self.placed = True
                self._move(self.stage.inside, self._new, self.stage.parent, self.target.name)

    def undo(self) -> None:
        """Let what was at the target be there again."""
        with suppress(OSError):
            if self.kept:
                self._move(self.stage.inside, self._old, self.stage.parent, self.target.name)
            elif self.placed:
                os.unlink(self.target.name, dir_fd=self.stage.parent)

    @property
    def _new(self) -> str:
        return f"new{self.number}"

    @property
    def _old(self) -> str:
        return f"old{self.number}"

    def _create(self, name: str, folder: int) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return os.open(name, flags, self.mode, dir_fd=folder)

    def _link(self, folder: int, name: str, target: int, new_name: str) -> None:
        os.link(name, new_name, src_dir_fd=folder, dst_dir_fd=target, follow_symlinks=False)

    def _move(self, folder: int, name: str, target: int, new_name: str) -> None:
        os.replace(name, new_name, src_dir_fd=folder, dst_dir_fd=target)

    def check_replaceable(self) -> None:
        """WriteError where a folder is, or what others know by its name: a device, a pipe."""
        try:
            mode = os.stat(self.target.name, dir_fd=self.stage.parent).st_mode
        except OSError:
            return
        with writing(self.target):
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not stat.S_ISREG(mode):
                raise FileExistsError(errno.EEXIST, "a device or a pipe is there")
