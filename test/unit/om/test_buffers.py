"""Bytes in chunks, exactly as many as announced."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from compiler.om.buffers import Buffer, Held, Joined, Zeros, exact_chunks, joined_bytes
from compiler.om.errors import OMError, Status


@dataclass
class Lying:
    """Gives other bytes than it announces."""

    length: int
    given: list[bytes]

    def chunks(self) -> Iterator[Buffer]:
        yield from self.given


def test_zeros_of_any_length() -> None:
    for length in (0, 1, 1 << 16, (1 << 16) + 1, 200_000):
        assert joined_bytes(Zeros(length).chunks()) == bytes(length)


def test_one_behind_the_other() -> None:
    blob = Joined([Held(b"ab"), Zeros(2), Joined([]), Held(memoryview(b"\1\2").cast("H"))])
    assert blob.length == 6 and joined_bytes(blob.chunks()) == b"ab\0\0\1\2"


def test_too_few() -> None:
    with pytest.raises(OMError, match=r"^Lying announced 3 bytes and gave 2$") as error:
        joined_bytes(Joined([Lying(3, [b"a", b"b"]), Held(b"c")]).chunks())
    assert error.value.code == Status.FAILED


def test_too_many_are_not_handed_out() -> None:
    chunks = exact_chunks(Lying(2, [b"a", b"b", b"c", b"d"]))
    assert [next(chunks), next(chunks)] == [b"a", b"b"]
    with pytest.raises(OMError, match=r"^Lying announced 2 bytes and gave more$"):
        next(chunks)
