"""A folder for the unfinished files of a run, inside the folder they shall be in."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

try:
    import fcntl
except ImportError:  # a system without: what a killed run leaves stays there
    fcntl = None

NAME = re.compile(r"\.om-[0-9a-f]{16}")
ENTRY = re.compile(r"(new|old)\d+")
"""What may be inside."""

_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW


class Staging(NamedTuple):
    """A locked folder `name` in the folder that is open as `parent`; open as `inside` itself.

    The lock goes with the process, so a folder that nobody holds is that of a run that was killed.
    """

    parent: int
    name: str
    inside: int

    @classmethod
    def make(cls, parent: int) -> Self:
        """A new one, after those of killed runs are gone."""
        _clean(parent)
        while True:
            name = f".om-{secrets.token_hex(8)}"
            os.mkdir(name, 0o700, dir_fd=parent)
            # Between the two lines another run may find it without a lock and remove it.
            with suppress(FileNotFoundError):
                inside = os.open(name, _READ, dir_fd=parent)
                _lock(inside, wait=True)  # who has it now is about to remove the folder
                if os.fstat(inside).st_nlink:
                    return cls(parent, name, inside)
                os.close(inside)

    def close(self) -> None:
        """Remove it with all that is still inside."""
        _remove(self.parent, self.name, self.inside)
        os.close(self.inside)


def _lock(descriptor: int, *, wait: bool = False) -> bool:
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # another's, or a file system without locks
        return False
    return True


def remove_leftovers(folder: Path) -> None:
    """Remove what killed runs have left in a folder, if it is there and no link."""
    with suppress(OSError):
        descriptor = os.open(folder, _READ)
        try:
            _clean(descriptor)
        finally:
            os.close(descriptor)


def is_in_use(folder: Path) -> bool:
    """Whether a run is writing into a folder just now; what killed ones have left is removed."""
    remove_leftovers(folder)
    return folder.is_dir() and any(map(NAME.fullmatch, os.listdir(folder)))


def _clean(parent: int) -> None:
    with suppress(OSError):  # what cannot be listed or removed does no harm
        listed = os.open(".", _READ, dir_fd=parent)
        try:
            for name in filter(NAME.fullmatch, os.listdir(listed)):
                _remove_dead(parent, name)
        finally:
            os.close(listed)


def _remove_dead(parent: int, name: str) -> None:
    with suppress(OSError):
        inside = os.open(name, _READ, dir_fd=parent)
        try:
            if _lock(inside):
                _remove(parent, name, inside)
        finally:
            os.close(inside)


def _remove(parent: int, name: str, inside: int) -> None:
    with suppress(OSError):
        for entry in filter(ENTRY.fullmatch, os.listdir(inside)):
            os.unlink(entry, dir_fd=inside)
        os.rmdir(name, dir_fd=parent)
