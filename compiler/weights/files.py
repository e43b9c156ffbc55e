"""Weights in files: mapped, of one version of the file, which is checked at each reading."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self

from compiler.errors import UserError
from compiler.weights.weight import CHUNK, split


class Version(NamedTuple):
    """One state of one file: another file at its path, or a change to it, is another version.

    The change time is in it because, unlike the others, nobody can set it back.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """The version that `os.stat` or `os.fstat` sees."""
        return cls(
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )


_checked: dict[str, Version] = {}


def pin(path: str, version: Version) -> None:
    """Let references to `path` stand for this version of the file, which has been checked.

    The IR holds paths only, so a process keeps one version of each: the one pinned last.
    """
    _checked[path] = version


def pinned(path: str) -> Version | None:
    """The version that references to `path` stand for; None for whatever is there."""
    return _checked.get(path)


@lru_cache(maxsize=64)
def _mapped(path: str, version: Version) -> memoryview:
    """The file's bytes. UserError when what is opened is not the version that was looked at."""
    with _opened(path, version) as descriptor:
        if not version.size:
            return memoryview(b"")
        return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))


@contextmanager
def _opened(path: str, version: Version) -> Generator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if Version.of(os.fstat(descriptor)) != version:
            raise _changed(path)
        yield descriptor
    finally:
        os.close(descriptor)


def _changed(path: str) -> UserError:
    return UserError(f"{path} has changed since it was read: read it again")


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A range of a file, of a certain version of it if one is given."""

    path: str
    offset: int
    length: int
    version: Version | None = None

    def view(self) -> memoryview:
        """The bytes, still in the page cache only.

        UserError when the file is no longer the version, is too short, or is no regular file.
        """
        return _mapped(self.path, self._found())[self.offset : self.offset + self.length]

    @contextmanager
    def opened(self) -> Generator[int]:
        """A descriptor of the file; UserErrors as `view` has, also for a change meanwhile."""
        with _opened(self.path, self._found()) as descriptor:
            yield descriptor
        self._check_unchanged()

    def _found(self) -> Version:
        status = os.stat(self.path)
        version = Version.of(status)
        if self.version not in (None, version):
            raise _changed(self.path)
        if not stat.S_ISREG(status.st_mode):
            raise UserError(f"{self.path} is not a regular file, a weight cannot be read from it")
        if self.offset + self.length > status.st_size:
            raise UserError(
                f"{self.path} has {status.st_size} bytes, a weight needs bytes "
                f"{self.offset} to {self.offset + self.length}"
            )
        return version

    def _check_unchanged(self) -> None:
        if self.version not in (None, Version.of(os.stat(self.path))):
            raise _changed(self.path)

    def chunks(self, size: int = CHUNK) -> Iterator[memoryview]:
        view = self.view()
        source = view.obj
        for number, chunk in enumerate(split(view, size)):
            yield chunk
            if isinstance(source, mmap.mmap):  # what was read need not stay in our memory
                start = (self.offset + number * size) // mmap.PAGESIZE * mmap.PAGESIZE
                source.madvise(mmap.MADV_DONTNEED, start, size)
        self._check_unchanged()
