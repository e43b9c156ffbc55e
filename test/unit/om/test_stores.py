"""Shared objects and tiling data: what loading refuses and what `om verify` says beyond that."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from compiler.inspection.content_faults import content_faults
from compiler.inspection.opened import open_om
from compiler.om.buffers import Held
from compiler.om.encode import encode_message
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.header import ModelFileHeader
from compiler.om.partition_checks import partition_fault
from compiler.om.partitions import PartitionType
from compiler.om.writer import Partition, lay_out_file

SO, TILING = PartitionType.SO_BINS, PartitionType.TILING_DATA
ITEM = struct.pack("<IHHII", 0x5D776EFD, 1, 0, 2, 3) + b"nvvbbb"
OTHER = struct.pack("<IHHII", 7, 0, 0, 0, 1) + b"b"

CASES: dict[str, tuple[PartitionType, bytes, bool, list[str]]] = {
    "sound": (SO, struct.pack("<I", 2) + ITEM * 2, True, []),
    "no count": (SO, b"abc", False, ["3 bytes, no room for"]),
    "one that is cut": (SO, struct.pack("<I", 1) + ITEM[:-1], False, ["1 libr", "21 bytes behind"]),
    "bytes behind": (SO, struct.pack("<I", 1) + ITEM + b"x", True, ["1 bytes behind"]),
    "no magic": (
        SO,
        struct.pack("<I", 3) + OTHER + ITEM + OTHER,
        True,
        ["library 0 has no magic", "library 2 has no magic"],
    ),
    "tiling": (TILING, struct.pack("<III", 0xDD776EFE, 2, 1) + b"x", True, []),
    "a head only": (TILING, struct.pack("<III", 0xDD776EFE, 2, 0), False, ["no more than its"]),
    "tiling without magic": (TILING, bytes(13), True, ["does not begin with its magic"]),
}
"""A partition, whether a model with it loads, and the faults that are found."""


@pytest.mark.parametrize("name", CASES)
def test_faults(name: str, tmp_path: Path) -> None:
    type_, data, loads, expected = CASES[name]
    assert (partition_fault(type_, memoryview(data)) is None) == loads
    bodies = {type_: data, PartitionType.MODEL_DEF: encode_message(ModelDef(name="m"))}
    partitions = [Partition(kind, Held(body)) for kind, body in bodies.items()]
    write_file(tmp_path / "m.om", lay_out_file(ModelFileHeader(), [partitions]))
    file = open_om(str(tmp_path / "m.om"))
    found = [f for f in content_faults(file.tables(file.parts[0])[0]) if type_.name in f]
    assert len(found) == len(expected)
    assert all(part in fault for part, fault in zip(expected, found, strict=True))
