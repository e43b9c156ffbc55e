"""Partition types and the partition table in front of each model of an OM file."""

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from compiler.om.buffers import Buffer


class PartitionType(IntEnum):
    """Source: `framework_types_internal.h`."""

    MODEL_DEF = 0
    WEIGHTS_DATA = 1
    TASK_INFO = 2
    TBE_KERNELS = 3
    CUST_AICPU_KERNELS = 4
    SO_BINS = 5
    FLOW_MODEL = 6
    FLOW_SUBMODEL = 7
    MODEL_INOUT_INFO = 8
    STATIC_TASK_DESC = 9
    DYNAMIC_TASK_DESC = 10
    TASK_PARAM = 11
    TILING_DATA = 12
    PRE_MODEL_DESC = 20
    PRE_MODEL_SQE = 21
    PRE_KERNEL_ARGS = 22
    PRE_MODEL_DESC_EXTEND = 23
    BUNDLE_MODEL_INFO = 24
    BUNDLE_MODEL_VAR_INFO = 25
    CUSTOM_OPS = 26


ORDER = (
    PartitionType.SO_BINS,
    PartitionType.CUSTOM_OPS,
    PartitionType.TILING_DATA,
    PartitionType.MODEL_INOUT_INFO,
    PartitionType.MODEL_DEF,
    PartitionType.WEIGHTS_DATA,
    PartitionType.TBE_KERNELS,
    PartitionType.CUST_AICPU_KERNELS,
    PartitionType.TASK_INFO,
)
"""The order of the partitions of a model."""


def partition_name(number: int) -> str:
    """The name of a partition type, or its number where it has none."""
    return PartitionType(number).name if number in set(PartitionType) else str(number)


def partition_number(name: str) -> int:
    """The number of a partition type; ValueError for a name that is none."""
    return int(name) if name.isdecimal() else int(PartitionType[name])


class TableLayout(NamedTuple):
    """How a table's count and entries are laid out; the gaps are struct padding."""

    head: struct.Struct
    entry: struct.Struct

    def size(self, count: int) -> int:
        """Bytes of a table of `count` entries."""
        return self.head.size + self.entry.size * count


NORMAL = TableLayout(struct.Struct("<I4x"), struct.Struct("<I4xQQ"))
TINY = TableLayout(struct.Struct("<I"), struct.Struct("<III"))


class TableEntry(NamedTuple):
    """One row of a table. GraphEngine never reads `offset`: it adds up the sizes."""

    type: int
    offset: int
    size: int


def pack_table(
    partitions: Iterable[tuple[int, int]], layout: TableLayout = NORMAL, base: int = 0
) -> bytes:
    """A table of (type, size) rows for bodies that follow each other, the first at `base`."""
    rows: list[bytes] = []
    for type_, size in partitions:
        rows.append(layout.entry.pack(type_, base, size))
        base += size
    return layout.head.pack(len(rows)) + b"".join(rows)


def unpack_count(data: Buffer, offset: int, layout: TableLayout = NORMAL) -> int:
    """The number of entries of the table at `offset`."""
    return layout.head.unpack_from(data, offset)[0]


def unpack_entries(
    data: Buffer, offset: int, count: int, layout: TableLayout = NORMAL
) -> tuple[TableEntry, ...]:
    """The entries of the table at `offset`, of which `data` must hold `count`."""
    rows = data[offset + layout.head.size : offset + layout.size(count)]
    return tuple(TableEntry(*row) for row in layout.entry.iter_unpack(rows))
