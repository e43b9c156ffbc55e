"""Finds the bytes of a tensor that lies outside the model, and refuses what leads elsewhere.

The rules are those of ONNX's external data: a location is relative to the model's folder, stays
in it, and names a regular file that nothing else links to.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from compiler.errors import UserError

KEYS = ("location", "offset", "length")
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where bytes lie: a path, an offset and a length."""

    path: str
    offset: int
    length: int


@dataclass
class ExternalData:
    """The folder external data lies in ("" is the current one), and further roots one may trust."""

    folder: str
    allow_roots: tuple[str, ...] = ()
    _sizes: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])

    def place(self, tensor: str, entries: Iterable[tuple[str, str]], needed: int) -> Place:
        """Where the `needed` bytes of a tensor lie. UserError names tensor, location and rule."""
        values = _entries(tensor, entries)
        if "location" not in values:
            _refuse(tensor, "", "names no location")
        location = _checked_location(tensor, values["location"])
        offset = _number(tensor, location, "offset", values.get("offset", "0"))
        path, size = self._file(tensor, location)
        if offset > size:
            _refuse(tensor, location, f"begins at {offset}, but the file has {size} bytes")
        # Without a length a tensor takes what it needs: others may follow in the file.
        length = needed
        if "length" in values:
            length = _number(tensor, location, "length", values["length"])
        if length > size - offset:
            beyond = f"{offset} + {length} lies beyond the file, which has {size} bytes"
            _refuse(tensor, location, f"{beyond} (its type and shape take {needed})")
        if length != needed:
            _refuse(tensor, location, f"has {length} bytes, its type and shape take {needed}")
        return Place(path, offset, length)

    def read(self, tensor: str, location: str, place: Place) -> bytes:
        """The bytes of a small tensor."""
        with self._open(tensor, location) as (_, descriptor):
            return os.pread(descriptor, place.length, place.offset)

    def _file(self, tensor: str, location: str) -> tuple[str, int]:
        """The path and the size in bytes of the file at a checked location."""
        if location not in self._sizes:
            with self._open(tensor, location) as (path, descriptor):
                self._sizes[location] = path, os.fstat(descriptor).st_size
        return self._sizes[location]

    @contextmanager
    def _open(self, tensor: str, location: str) -> Generator[tuple[str, int]]:
        """Open the file once and judge the descriptor, so that nobody can swap it in between."""
        path = os.path.join(self.folder, location)
        root = self._trusted_root(path)
        base, inside = (
            (self.folder or ".", location) if root is None else (root, _below(root, path))
        )
        try:
            descriptor = _open_beneath(base, inside)
        except OSError as error:
            _refuse(tensor, location, _reason(error))
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                _refuse(tensor, location, "is not a regular file")
            if status.st_nlink > 1 and root is None:
                _refuse(tensor, location, f"is a hard link: {_ALLOW}")
            yield (path if root is None else os.path.join(root, inside)), descriptor
        finally:
            os.close(descriptor)

    def _trusted_root(self, path: str) -> str | None:
        """The allowed root that the file really lies in, links followed."""
        real = os.path.realpath(path)
        roots = (os.path.realpath(root) for root in self.allow_roots)
        return next((root for root in roots if _is_below(root, real)), None)


_ALLOW = "copy it, or allow the folder it is kept in (ascend-opt --allow-root)"


def _below(root: str, path: str) -> str:
    return os.path.relpath(os.path.realpath(path), root)


def _is_below(root: str, path: str) -> bool:
    return os.path.commonpath([root, path]) == root


def _open_beneath(base: str, inside: str) -> int:
    """Open a file below a folder without following a link anywhere on the way."""
    *folders, name = inside.split("/")
    at = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        # O_NONBLOCK: opening a pipe must not wait for its writer.
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return f"is a symbolic link: {_ALLOW}"
    if error.errno == errno.ENOTDIR:
        return f"goes through something that is no folder, or through a link: {_ALLOW}"
    return f"cannot be opened: {error.strerror}"


def _entries(tensor: str, entries: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, str] = {}
    for key, value in entries:
        if key in KEYS and key in values:
            _refuse(tensor, values.get("location", ""), f"gives '{key}' twice")
        if key in KEYS:
            values[key] = value
    return values


def _checked_location(tensor: str, location: str) -> str:
    """The location in normal form."""
    normal = posixpath.normpath(location) if location else ""
    if not location or normal == ".":
        _refuse(tensor, location, "is empty")
    if "\0" in location or "\\" in location:
        _refuse(tensor, location, "holds a character that no portable path has")
    if location.startswith("/") or re.match(r"[A-Za-z]:", location):
        _refuse(tensor, location, "is absolute, it must be relative to the model's folder")
    if normal == ".." or normal.startswith("../"):
        _refuse(tensor, location, "leads out of the model's folder")
    if location.endswith(("/", "/.")):
        _refuse(tensor, location, "is not a regular file")
    return normal


def _number(tensor: str, location: str, key: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > LARGEST:
        _refuse(tensor, location, f"{key} '{text[:40]}' is not a decimal number of bytes")
    return int(text)


def _refuse(tensor: str, location: str, rule: str) -> NoReturn:
    raise UserError(f"external data of tensor '{tensor}': location {location[:200]!r} {rule}")
