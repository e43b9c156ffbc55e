"""Finds the bytes of a tensor that lies outside the model, and refuses what leads elsewhere.

The rules are those of ONNX's external data: a location is relative to the model's folder, stays
in it, and names a regular file that nothing else links to. Beyond what onnx checks, the bytes are
as many as the tensor takes, and a checksum is right.
"""

from __future__ import annotations

import errno
import hashlib
import os
import posixpath
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from compiler.beneath import open_file
from compiler.errors import UserError
from compiler.weights import FileBytes, Version, pin

KEYS = ("location", "offset", "length", "checksum")
LARGEST = 2**63 - 1


@dataclass
class ExternalData:
    """The folder external data lies in ("" is the current one), and further roots one may trust.

    Each file is opened once and judged by its descriptor; what is read of it later must be the
    very version that was judged.
    """

    folder: str
    allow_roots: tuple[str, ...] = ()
    _files: dict[str, FileBytes] = field(default_factory=dict[str, FileBytes])
    _sums: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        for folder in (self.folder or ".", *self.allow_roots):
            if not os.path.isdir(folder):
                raise UserError(f"{folder!r} is no folder that external data could be in")

    def place(self, tensor: str, entries: Iterable[tuple[str, str]], needed: int) -> FileBytes:
        """The `needed` bytes of a tensor.

        UserError names the tensor, its location, where that leads and the rule that refuses it.
        """
        claim = _Claim(self.folder, tensor)
        values = _entries(claim, entries)
        location = claim.checked_location()
        offset = _number(claim, "offset", values.get("offset", "0"))
        # Without a length a tensor takes what it needs: others may follow in the file.
        length = _number(claim, "length", values["length"]) if "length" in values else needed
        file = self._file(claim, location)
        _check_bounds(claim, offset, length, file.length, needed)
        if "checksum" in values:
            self._check_sum(claim, file, values["checksum"])
        return FileBytes(file.path, offset, length, file.version)

    def _file(self, claim: _Claim, location: str) -> FileBytes:
        """The whole file at a checked location."""
        if location not in self._files:
            self._files[location] = self._judged(claim, location)
        return self._files[location]

    def _judged(self, claim: _Claim, location: str) -> FileBytes:
        """Open the file and judge the descriptor, so that nobody can swap it in between."""
        path = os.path.join(self.folder, location)
        base, inside = self.folder or ".", location
        # Asked once: by the next time a link may lead elsewhere.
        real = os.path.realpath(path)
        root = self._trusted_root(real)
        if root is not None:
            base, inside, path = root, os.path.relpath(real, root), real
        try:
            descriptor = open_file(base, inside)
        except OSError as error:
            claim.refuse(_reason(error))
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if not stat.S_ISREG(status.st_mode):
            claim.refuse("is not a regular file")
        if status.st_nlink > 1 and root is None:
            claim.refuse(f"is a hard link, one of {status.st_nlink} names of the file: {_ALLOW}")
        pin(path, Version.of(status))
        return FileBytes(path, 0, status.st_size, Version.of(status))

    def _trusted_root(self, real: str) -> str | None:
        """The allowed root that a file lies in whose path is free of links."""
        roots = (os.path.realpath(root) for root in self.allow_roots)
        return next((root for root in roots if os.path.commonpath([root, real]) == root), None)

    def _check_sum(self, claim: _Claim, file: FileBytes, said: str) -> None:
        """Compare the SHA-1 digest of the whole file, which is read for it, in chunks."""
        if not re.fullmatch(r"[0-9a-fA-F]{40}", said):
            claim.refuse(f"checksum {said[:50]!r} is no SHA-1 digest (40 hexadecimal digits)")
        if file.path not in self._sums:
            digest = hashlib.sha1(usedforsecurity=False)
            for chunk in file.chunks():
                digest.update(chunk)
            self._sums[file.path] = digest.hexdigest()
        found = self._sums[file.path]
        if found != said.lower():
            claim.refuse(f"has the SHA-1 checksum {found}, the model says {said.lower()}")


_ALLOW = "copy the file, or allow the folder it is kept in (--allow-root FOLDER)"


@dataclass
class _Claim:
    """What a tensor says about where its bytes lie."""

    folder: str
    tensor: str
    location: str | None = None

    def refuse(self, rule: str) -> NoReturn:
        """UserError that names the rule which the claim breaks."""
        raise UserError(f"external data of tensor '{self.tensor}':{self._where()} {rule}")

    def checked_location(self) -> str:
        """The location in normal form, as far as its text can be judged."""
        if self.location is None:
            self.refuse("names no location")
        rule = _broken_rule(self.location)
        if rule:
            self.refuse(rule)
        return posixpath.normpath(self.location)

    def _where(self) -> str:
        if self.location is None:
            return ""
        said = f" location {self.location[:200]!r}"
        if not self.location or "\0" in self.location:
            return said
        real = os.path.realpath(os.path.join(self.folder, self.location))
        return f"{said} ({real[:1000]!r})"


def checked_location(location: str) -> str:
    """The location of a file to write in normal form. UserError when nobody would read it."""
    rule = _broken_rule(location)
    normal = posixpath.normpath(location)
    if not rule and ".." in normal:
        rule = "has '..' in it, which onnx takes for a way out wherever it stands"
    if rule:
        raise UserError(f"location {location!r} of external data {rule}")
    return normal


def _broken_rule(location: str) -> str | None:
    """The rule that the text of a location breaks."""
    if not location:
        return "is empty"
    if "\0" in location or "\\" in location:
        return "holds a character that no portable path has"
    if location.startswith("/") or re.match(r"[A-Za-z]:", location):
        return "is absolute, it must be relative to the model's folder"
    normal = posixpath.normpath(location)
    if normal == ".." or normal.startswith("../"):
        return "leads out of the model's folder"
    if normal == "." or location.endswith(("/", "/.", "/..")):
        return "is a folder, not a regular file"
    return None


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return f"is a symbolic link, or goes through one: {_ALLOW}"
    if error.errno == errno.ENOTDIR:
        return "goes through something that is no folder"
    if error.errno == errno.ENXIO:
        return "is not a regular file"
    return f"cannot be opened: {error.strerror}"


def _entries(claim: _Claim, entries: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The entries whose keys ONNX knows; others mean nothing."""
    values: dict[str, str] = {}
    for key, value in entries:
        if key in KEYS and key in values:
            claim.refuse(f"gives '{key}' twice")
        if key == "location":
            claim.location = value
        if key in KEYS:
            values[key] = value
    return values


def _number(claim: _Claim, key: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > LARGEST:
        claim.refuse(f"{key} {text[:40]!r} is not a decimal number of bytes")
    return int(text)


def _check_bounds(claim: _Claim, offset: int, length: int, size: int, needed: int) -> None:
    if offset > size:
        claim.refuse(f"begins at {offset}, but the file has {size} bytes")
    if length > size - offset:
        beyond = f"{offset} + {length} lies beyond the file, which has {size} bytes"
        claim.refuse(f"{beyond} (its type and shape take {needed})")
    if length != needed:
        claim.refuse(f"has {length} bytes, its type and shape take {needed}")
