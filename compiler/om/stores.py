"""The partitions SO_BINS and TILING_DATA, which this project only keeps: what they are made of."""

import struct
from typing import NamedTuple

SO_COUNT = struct.Struct("<I")
SO_HEAD = struct.Struct("<IHHII")  # magic, bytes of name, kind, bytes of vendor and of binary
SO_MAGIC = 0x5D776EFD
TILING_HEAD = struct.Struct("<III")  # magic, version, bytes
TILING_MAGIC = 0xDD776EFE


class SoBins(NamedTuple):
    """Shared objects: how many are stated, the magic of each that is whole, and what follows."""

    stated: int
    magics: tuple[int, ...]
    rest: memoryview


def decode_so_bins(data: memoryview) -> SoBins | None:
    """The objects of SO_BINS; None without even their number. One that does not fit ends them."""
    if len(data) < SO_COUNT.size:
        return None
    (stated,) = SO_COUNT.unpack_from(data)
    magics: list[int] = []
    rest = data[SO_COUNT.size :]
    while len(rest) >= SO_HEAD.size:
        magic, name, _, vendor, binary = SO_HEAD.unpack_from(rest)
        end = SO_HEAD.size + name + vendor + binary
        if end > len(rest):
            break
        magics.append(magic)
        rest = rest[end:]
    return SoBins(stated, tuple(magics), rest)


def tiling_magic(data: memoryview) -> int | None:
    """What TILING_DATA begins with; None where nothing is behind its head."""
    return TILING_HEAD.unpack_from(data)[0] if len(data) > TILING_HEAD.size else None
