"""What is wrong with headers and partition tables: all that loading overlooks, and Netron may not.

What keeps a file from being read at all is an error of the reader, not one of these.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence

from compiler.inspection.opened import OpenedFile, Part
from compiler.om.bundle import Bundle
from compiler.om.header import HEADER_SIZE, VERSION, ModelFileHeader, ModelType
from compiler.om.offline_model import OfflineModel, SubModel
from compiler.om.partitions import (
    NORMAL,
    PartitionType,
    TableEntry,
    partition_name,
    unpack_count,
    unpack_entries,
)

UNUSED = ("checksum", "is_encrypt", "genmode", "ops", "userdefineinfo", "padd", "reserved")
"""Header fields that are zero in every file that GraphEngine writes."""

REPEATED = frozenset({PartitionType.FLOW_SUBMODEL, PartitionType.BUNDLE_MODEL_INFO})
"""Partition types that a table may have more than once."""


def container_faults(file: OpenedFile) -> Iterator[str]:
    """What the headers and tables of a file say that its bytes do not."""
    if file.bundle is not None:
        yield from _bundle_faults(file.bundle, file.data)
    for part in file.parts:
        if isinstance(part.model, OfflineModel):
            above = f"{part.label}: " if part.label else ""
            yield from (f"{above}{fault}" for fault in _part_faults(part, part.model))


def _bundle_faults(bundle: Bundle, data: memoryview) -> Iterator[str]:
    header = bundle.header
    if header.model_num != len(bundle.slices):
        yield f"the header counts {header.model_num} models, the table {len(bundle.slices)}"
    if header.model_length != len(data):
        yield f"the header says the file has {header.model_length} bytes, it has {len(data)}"
    count = unpack_count(data, HEADER_SIZE)
    entries = unpack_entries(data, HEADER_SIZE, count)
    size = NORMAL.size(count)
    yield from _offset_faults(entries, base=size)
    yield from _padding_faults(data[HEADER_SIZE:], len(entries))
    end = HEADER_SIZE + size + sum(entry.size for entry in entries)
    if end != len(data):
        yield f"{len(data) - end} bytes behind the last model"
    variables = [e for e in entries if e.type == PartitionType.BUNDLE_MODEL_VAR_INFO]
    if any(entry.size != 8 for entry in variables):
        yield f"BUNDLE_MODEL_VAR_INFO has {variables[0].size} bytes, not 8"
    yield from _type_faults(entries)


def _part_faults(part: Part, model: OfflineModel) -> Iterator[str]:
    yield from _header_faults(model.header)
    for number, table in enumerate(model.submodels):
        above = f"model {number}: " if len(model.submodels) > 1 else ""
        yield from (f"{above}{fault}" for fault in _table_faults(part, model.header, table))
    if model.trailing:
        yield f"{len(model.trailing)} bytes behind the last partition"


def _header_faults(header: ModelFileHeader) -> Iterator[str]:
    if header.headsize != HEADER_SIZE:
        yield f"headsize is {header.headsize}, every reader but GraphEngine needs {HEADER_SIZE}"
    if header.version != VERSION:
        yield f"version is {header.version:#x}, not {VERSION:#x}"
    if header.model_num == 0 and header.modeltype != ModelType.FLOW:
        yield "model_num is 0"
    for name in UNUSED:
        if getattr(header, name):
            yield f"header field {name} is not zero"


def _table_faults(part: Part, header: ModelFileHeader, table: SubModel) -> Iterator[str]:
    yield from _offset_faults(table.table, base=0)
    yield from _type_faults(table.table)
    if not header.has_tiny_tables:
        start = table.starts[0] - NORMAL.size(len(table.table)) if table.starts else HEADER_SIZE
        yield from _padding_faults(part.data[start:], len(table.table))


def _offset_faults(entries: Sequence[TableEntry], base: int) -> Iterator[str]:
    for entry in entries:
        if entry.offset != base:
            name = partition_name(entry.type)
            yield f"{name} says it is at offset {entry.offset}, it is at {base}"
        base += entry.size


def _type_faults(entries: Sequence[TableEntry]) -> Iterator[str]:
    for type_, count in Counter(entry.type for entry in entries).items():
        if type_ not in set(PartitionType):
            yield f"partition type {type_} is unknown"
        elif count > 1 and type_ not in REPEATED:
            yield f"{count} partitions of type {partition_name(type_)}, only the first counts"


def _padding_faults(table: memoryview, count: int) -> Iterator[str]:
    """The gaps of a table with 64-bit entries: Netron reads across them."""
    gaps = [4, *(NORMAL.head.size + NORMAL.entry.size * row + 4 for row in range(count))]
    if any(struct.unpack_from("<I", table, gap)[0] for gap in gaps):
        yield "the padding inside the partition table is not zero"
