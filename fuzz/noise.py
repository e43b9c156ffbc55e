"""Numbers at the edges, texts that lead elsewhere, and damage to bytes whatever they mean."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

INTEGERS = (
    *(0, 1, 2, 3, 7, 8, 9, 31, 32, 64, 100, 127, 128, 255, 256, 257, 511, 512, 513, 1024, 4096),
    *(2**bits + step for bits in (15, 16, 24, 31, 32, 40, 53, 62, 63, 64) for step in (-1, 0, 1)),
    *(-1, -2, -3, -8, -512, -(2**31), -(2**31) - 1, -(2**62), -(2**63)),
)

TEXTS = (
    *("", " ", ":", ":0", ":-1", "x", "x:0", "x:-1", "x:7", "x:99999999999999999999", "x:²", "::"),
    *("-1", "0", "1", "64", "1e3", "0x10", "+1", "９", "9" * 18, "9" * 19, "9" * 5000, "nan"),
    *(
        "a\0b",
        "\0\x01",
        "\0\x7f",
        "\0é",
        "\x1b[2J",
        "two\nlines",
        "é",
        "日本",
        "\U0010ffff",
        "%s{}",
    ),
    *("'", '"', '"; true', "\\", "a" * 300, "a/b", "a/../b", ".", "..", "/", "//", "a/"),
    *(
        "../outside",
        "../../outside",
        "/etc/passwd",
        "folder/../../outside",
        "link",
        "hard",
        "empty",
    ),
    *("data", "./data", "folder", "folder/data", "folder/", "data\0", "pipe", "C:data", "a\\b"),
)

MOST = 1 << 16
"""Bytes of an input: more would cost time and find no more."""


def integer(random: Random, bits: int = 64, *, signed: bool = True) -> int:
    """A number near an edge, or any, in the range of so many bits."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    found = random.choice(INTEGERS) if random.random() < 0.8 else random.getrandbits(bits)
    return found if low <= found <= high else low + found % (high - low + 1)


def damaged(random: Random, data: bytes) -> bytes:
    """The bytes with one to four of them, or runs of them, changed, lost, repeated or made up."""
    result = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        random.choice(_DAMAGES)(random, result)
    return bytes(result[:MOST])


def _place(random: Random, data: bytearray, size: int = 1) -> int:
    """A place in the data; its beginning, where heads are, as often as all the rest."""
    last = max(len(data) - size, 0)
    return random.randint(0, min(last, 320) if random.random() < 0.5 else last)


def _flip(random: Random, data: bytearray) -> None:
    if data:
        data[_place(random, data)] ^= 1 << random.randrange(8)


def _set(random: Random, data: bytearray) -> None:
    if data:
        data[_place(random, data)] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))


def _number(random: Random, data: bytearray) -> None:
    """Writes a number over the bytes, at an aligned place as the fields of structures are."""
    size, code = random.choice(((4, "I"), (8, "Q"), (2, "H")))
    at = _place(random, data, size) // size * size
    if at + size <= len(data):
        struct.pack_into(f"<{code}", data, at, integer(random, size * 8, signed=False))


def _nudge(random: Random, data: bytearray) -> None:
    """Makes a number a little larger or smaller: lengths that are nearly right."""
    at = _place(random, data, 4) // 4 * 4
    if at + 4 <= len(data):
        (value,) = struct.unpack_from("<I", data, at)
        step = random.choice((-8, -4, -1, 1, 4, 8, 512))
        struct.pack_into("<I", data, at, (value + step) % (1 << 32))


def _cut(random: Random, data: bytearray) -> None:
    del data[_place(random, data) :]


def _lose(random: Random, data: bytearray) -> None:
    at = _place(random, data)
    del data[at : at + random.choice((1, 2, 4, 8, 64))]


def _repeat(random: Random, data: bytearray) -> None:
    at, size = _place(random, data), random.choice((1, 4, 8, 24, 64))
    data[at:at] = data[at : at + size] * random.choice((1, 1, 3))


def _insert(random: Random, data: bytearray) -> None:
    at = _place(random, data)
    data[at:at] = random.randbytes(random.choice((1, 2, 4, 8, 32)))


_DAMAGES: tuple[Callable[[Random, bytearray], None], ...] = (
    _flip, _flip, _set, _set, _number, _number, _nudge, _cut, _lose, _repeat, _insert,
)  # fmt: skip
