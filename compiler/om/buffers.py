"""Bytes that are written in chunks: weights, partitions and whole files of known length."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from compiler.om.errors import OMError, Status

Buffer: TypeAlias = bytes | bytearray | memoryview

ZERO_CHUNK = bytes(1 << 16)


class Blob(Protocol):
    """Bytes whose number is known before they are made."""

    @property
    def length(self) -> int: ...

    def chunks(self) -> Iterator[Buffer]: ...


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes that are in memory, or mapped into it."""

    data: Buffer

    @property
    def length(self) -> int:
        return memoryview(self.data).nbytes

    def chunks(self) -> Iterator[Buffer]:
        yield self.data


@dataclass(frozen=True, slots=True)
class Zeros:
    """`length` zero bytes."""

    length: int

    def chunks(self) -> Iterator[Buffer]:
        whole, rest = divmod(self.length, len(ZERO_CHUNK))
        yield from (ZERO_CHUNK for _ in range(whole))
        yield ZERO_CHUNK[:rest]


@dataclass(frozen=True, slots=True)
class Joined:
    """Blobs one behind the other."""

    parts: Sequence[Blob]

    @property
    def length(self) -> int:
        return sum(part.length for part in self.parts)

    def chunks(self) -> Iterator[Buffer]:
        for part in self.parts:
            yield from exact_chunks(part)


def exact_chunks(blob: Blob) -> Iterator[Buffer]:
    """The chunks of `blob`; OMError when they are not as many bytes as it announced."""
    count = 0
    for chunk in blob.chunks():
        count += memoryview(chunk).nbytes
        if count > blob.length:
            break
        yield chunk
    if count != blob.length:
        what = f"{type(blob).__name__} announced {blob.length} bytes and gave "
        raise OMError(Status.FAILED, what + (f"{count}" if count < blob.length else "more"))


def joined_bytes(chunks: Iterable[Buffer]) -> bytes:
    """All chunks in one piece."""
    return b"".join(chunks)
