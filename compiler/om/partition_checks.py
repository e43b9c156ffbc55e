"""What GraphEngine checks, when it loads a model, of partitions that this project does not use."""

import struct
from collections.abc import Callable

from compiler.om.partitions import PartitionType

TILING_HEAD = struct.Struct("<III")  # magic, version, bytes
SO_COUNT = struct.Struct("<I")
SO_HEAD = struct.Struct("<IHHII")  # magic, bytes of name, kind, bytes of vendor and of binary


def partition_fault(type_: int, data: memoryview) -> str | None:
    """Why a partition does not load; None when it does, or is one that nobody looks at."""
    check = CHECKS.get(type_)
    fault = check(data) if check is not None and data else None
    return f"{PartitionType(type_).name} is broken: {fault}" if fault else None


def _tiling_fault(data: memoryview) -> str | None:
    if len(data) > TILING_HEAD.size:
        return None
    return f"{len(data)} bytes, with nothing behind a header of {TILING_HEAD.size}"


def _so_bins_fault(data: memoryview) -> str | None:
    """The number of shared objects must be the one that is stated."""
    if len(data) < SO_COUNT.size:
        return f"{len(data)} bytes"
    (stated,) = SO_COUNT.unpack_from(data)
    count, rest = 0, data[SO_COUNT.size :]
    while len(rest) >= SO_HEAD.size:
        _, name, _, vendor, binary = SO_HEAD.unpack_from(rest)
        if SO_HEAD.size + name + vendor + binary > len(rest):
            break
        count, rest = count + 1, rest[SO_HEAD.size + name + vendor + binary :]
    return None if count == stated else f"{stated} shared objects are stated, {count} are there"


CHECKS: dict[int, Callable[[memoryview], str | None]] = {
    PartitionType.TILING_DATA: _tiling_fault,
    PartitionType.SO_BINS: _so_bins_fault,
}
