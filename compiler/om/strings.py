"""Tensors of strings as GraphEngine lays them out: a head for each, then the characters.

A head is two 64-bit numbers: where the string begins, from the start of the tensor, and its bytes
without the zero behind it (`StringHead` in `types.h`).
"""

import struct
from collections.abc import Sequence

_HEAD = struct.Struct("<qq")


def encode_strings(strings: Sequence[bytes]) -> bytes:
    """The bytes of a tensor of strings."""
    heads = bytearray()
    place = _HEAD.size * len(strings)
    for string in strings:
        heads += _HEAD.pack(place, len(string))
        place += len(string) + 1
    return bytes(heads) + b"".join(string + b"\0" for string in strings)


def decode_strings(data: bytes | memoryview, count: int) -> list[bytes]:
    """The strings of a tensor; ValueError where a head points outside of it."""
    if len(data) < count * _HEAD.size:
        raise ValueError(f"{len(data)} bytes cannot hold {count} strings")
    heads = list(_HEAD.iter_unpack(data[: count * _HEAD.size]))
    if any(start < 0 or size < 0 or start + size > len(data) for start, size in heads):
        raise ValueError("a string lies outside its tensor")
    return [bytes(data[start : start + size]) for start, size in heads]
