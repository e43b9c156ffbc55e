"""How reads of several cores meet in L2."""

from __future__ import annotations

import pytest

from compiler.simulator.cost import Stream
from compiler.simulator.instruction import Instruction, Pipe, Transfer
from compiler.simulator.locality import readers, sharing
from compiler.simulator.moves import ListedMoves, Moves

STREAM = Stream(0, nz=True, cached=True)
SIZE = 1024


def _reads(*places: int) -> Moves:
    """One core's reads of places of a kibibyte."""
    transfers = [Transfer(0, at * SIZE, 1, SIZE, 0, False) for at in places]
    return ListedMoves([Instruction(Pipe.MTE2, "nd2nz", transfer=item) for item in transfers])


@pytest.fixture
def turned() -> list[Moves]:
    """Four cores that read the same sixteen places, each beginning with another one."""
    return [_reads(*((at + core) % 16 for at in range(16))) for core in range(4)]


def test_cores_that_begin_elsewhere_do_not_meet_at_a_time(turned: list[Moves]) -> None:
    assert sharing(turned, STREAM) == 1
    assert sharing([_reads(*range(16))] * 4, STREAM) == 4


def test_they_share_what_l2_holds(turned: list[Moves]) -> None:
    assert readers(turned, STREAM, 1 << 20) == 4


def test_a_small_l2_has_lost_it_by_then(turned: list[Moves]) -> None:
    assert readers(turned, STREAM, 4 * SIZE) == 1
    assert 1 < readers(turned, STREAM, 16 * SIZE) < 4
