"""Banks of UB: two sources meet in a group of banks unless they lie half a row of groups apart."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import DenseArrayBase, f16, i64

from compiler.kernels.banks import bank_ways
from compiler.kernels.issue import Place
from dialects.davinci import AllocOp
from dialects.davinci.attributes import Space
from dialects.davinci.types import buffer_type


def place(address: int | None, offset: int = 0, stride: int = 1) -> Place:
    alloc = AllocOp(buffer_type((1024,), f16, Space.UB))
    if address is not None:
        alloc.properties["addresses"] = DenseArrayBase.from_list(i64, [address])
    return Place(alloc.buffer, 0, (offset,), (stride,))


@pytest.mark.parametrize(
    ("second", "ways"), [(32768, 2), (32768 + 256, 1), (32768 + 128, 2), (65536 - 256, 1)]
)
def test_sources_conflict_unless_half_a_row_apart(second: int, ways: int) -> None:
    assert bank_ways([place(0), place(second)]) == ways


def test_offsets_count() -> None:
    assert bank_ways([place(0), place(32768, offset=128)]) == 1


def test_without_addresses_sources_are_taken_to_conflict() -> None:
    assert bank_ways([place(None), place(None)]) == 2


def test_one_source_never_conflicts() -> None:
    assert bank_ways([place(64)]) == 1
    twice = place(64)
    assert bank_ways([twice, twice]) == 1


def test_a_scalar_is_one_block() -> None:
    assert bank_ways([place(0), place(256, stride=0)]) == 1
    assert bank_ways([place(0), place(32, stride=0)]) == 2
