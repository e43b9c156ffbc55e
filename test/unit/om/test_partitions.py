"""Partition tables, against the worked examples of GraphEngine's files."""

from pathlib import Path

from compiler.om.partitions import (
    NORMAL,
    TINY,
    PartitionType,
    TableEntry,
    pack_table,
    unpack_count,
    unpack_entries,
)

ROWS = [(8, 140), (0, 1798), (2, 16)]
ENTRIES = (TableEntry(8, 0, 140), TableEntry(0, 140, 1798), TableEntry(2, 1938, 16))

# bytes 256 to 335 of GraphEngine's root_model.om
GOLDEN = bytes.fromhex(
    "03000000 00000000"
    "08000000 00000000 0000000000000000 8c00000000000000"
    "00000000 00000000 8c00000000000000 0607000000000000"
    "02000000 00000000 9207000000000000 1000000000000000"
)


def test_the_table_graphengine_wrote(root_model: Path) -> None:
    assert root_model.read_bytes()[256:336] == GOLDEN


def test_type_numbers() -> None:
    assert list(PartitionType) == [*range(13), *range(20, 27)]


def test_normal_table() -> None:
    assert pack_table(ROWS) == GOLDEN
    assert unpack_count(GOLDEN, 0) == 3
    assert unpack_entries(GOLDEN, 0, 3) == ENTRIES
    assert NORMAL.size(3) == len(GOLDEN)


def test_tiny_table() -> None:
    tiny = pack_table(ROWS, TINY)
    assert tiny.hex() == (
        "03000000" + "08000000000000008c000000" + "000000008c00000006070000020000009207000010000000"
    )
    assert unpack_entries(b"xx" + tiny, 2, 3, TINY) == ENTRIES
    assert TINY.size(3) == len(tiny)


def test_offsets_may_start_elsewhere() -> None:
    table = pack_table([(25, 8), (24, 5752), (24, 5752)], base=80)
    offsets = [entry.offset for entry in unpack_entries(table, 0, 3)]
    assert offsets == [80, 88, 5840]


def test_dirty_padding_is_not_read() -> None:
    dirty = bytearray(GOLDEN)
    for gap in (4, 12, 36):
        dirty[gap : gap + 4] = b"\xaa\xbb\xcc\xdd"
    assert unpack_entries(dirty, 0, unpack_count(dirty, 0)) == ENTRIES


def test_sizes_beyond_32_bits() -> None:
    table = pack_table([(PartitionType.WEIGHTS_DATA, 5 << 32), (PartitionType.TASK_INFO, 1)])
    assert unpack_entries(table, 0, 2)[1] == TableEntry(2, 5 << 32, 1)
