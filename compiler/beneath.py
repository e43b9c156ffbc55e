"""Opens files and folders below a folder without following a link on the way."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence

# O_PATH, where there is one, asks for no right to list the folder.
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC


def open_folder(base: str, folders: Sequence[str] = ()) -> int:
    """A descriptor of the folder that is `folders` below `base`, for use as a `dir_fd`.

    Links lead to `base` itself, not on from there: this is what Linux's openat2 does with
    RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, step by step and so on every POSIX system. `folders`
    are plain names. OSError (ELOOP for a link, EXDEV for `..`, as openat2 has it).
    """
    at = os.open(base, _FOLDER)
    for folder in folders:
        try:
            inner = _enter(at, folder)
        finally:
            os.close(at)
        at = inner
    return at


def _enter(at: int, folder: str) -> int:
    if folder == os.pardir:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), folder)
    try:
        return os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=at)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(folder, dir_fd=at, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), folder) from None
        raise


def open_file(base: str, inside: str) -> int:
    """A descriptor to read the file at `inside`, whose parts are plain names, below `base`.

    It may turn out to be no file at all, so nothing is waited for: neither the writer of a pipe
    nor a terminal. OSError (ELOOP for a link).
    """
    *folders, name = inside.split("/")
    at = open_folder(base, folders)
    try:
        patient = os.O_NONBLOCK | os.O_NOCTTY
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | patient, dir_fd=at)
    finally:
        os.close(at)
