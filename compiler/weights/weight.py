"""What a weight is: bytes of a known number, read in bounded chunks, never all at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

CHUNK = 1 << 22
"""Bytes that are held at a time when a weight is read, hashed or written."""


class Weight(Protocol):
    """The bytes of a tensor: little-endian, row-major."""

    @property
    def length(self) -> int:
        """The number of bytes."""
        ...

    def chunks(self) -> Iterator[memoryview]:
        """The bytes in order, in pieces of at most CHUNK bytes."""
        ...


def split(view: memoryview, size: int = CHUNK) -> Iterator[memoryview]:
    """A view in pieces of at most `size` bytes."""
    for start in range(0, len(view), size):
        yield view[start : start + size]
