"""What GraphEngine checks, when it loads a model, of partitions that this project does not use."""

from collections.abc import Callable

from compiler.om.partitions import PartitionType
from compiler.om.stores import TILING_HEAD, decode_so_bins, tiling_magic


def partition_fault(type_: int, data: memoryview) -> str | None:
    """Why a partition does not load; None when it does, or is one that nobody looks at."""
    check = CHECKS.get(type_)
    fault = check(data) if check is not None and data else None
    return f"{PartitionType(type_).name} is broken: {fault}" if fault else None


def _tiling_fault(data: memoryview) -> str | None:
    if tiling_magic(data) is not None:
        return None
    return f"{len(data)} bytes, with nothing behind a header of {TILING_HEAD.size}"


def _so_bins_fault(data: memoryview) -> str | None:
    """The number of shared objects must be the one that is stated; no magic is looked at."""
    found = decode_so_bins(data)
    if found is None:
        return f"{len(data)} bytes"
    stated, count = found.stated, len(found.magics)
    return None if count == stated else f"{stated} shared objects are stated, {count} are there"


CHECKS: dict[int, Callable[[memoryview], str | None]] = {
    PartitionType.TILING_DATA: _tiling_fault,
    PartitionType.SO_BINS: _so_bins_fault,
}
