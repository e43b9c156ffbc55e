"""Weights that are at hand: inline bytes, splats, values that nobody can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compiler.errors import UserError
from compiler.weights.weight import CHUNK, split


@dataclass(frozen=True, slots=True)
class Inline:
    """Bytes that are at hand: small constants only."""

    data: bytes

    @property
    def length(self) -> int:
        return len(self.data)

    def chunks(self) -> Iterator[memoryview]:
        return split(memoryview(self.data))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A weight whose value nobody can read; `why` is the message of who tries to."""

    length: int
    why: str

    def chunks(self) -> Iterator[memoryview]:
        """UserError, always."""
        raise UserError(self.why)


@dataclass(frozen=True, slots=True)
class Splat:
    """One element repeated."""

    element: bytes
    count: int

    @property
    def length(self) -> int:
        return len(self.element) * self.count

    def chunks(self) -> Iterator[memoryview]:
        per_chunk = max(1, CHUNK // len(self.element))
        block = memoryview(self.element * min(self.count, per_chunk))
        for start in range(0, self.length, len(block) or 1):
            yield block[: self.length - start]
