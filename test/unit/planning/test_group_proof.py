"""The proof of flags between cores, on groups of a cube core and two vector cores."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from compiler.planning.group_proof import GroupStep, prove_groups
from compiler.planning.sync_program import PIPES, Event
from compiler.planning.sync_proof import HazardError

FIX, MTE2, MTE3 = (PIPES.index(name) for name in ("FIX", "MTE2", "MTE3"))
READY, FREE = 0, 1
DONE = Event(MTE2, MTE3, 0)
MAKE = GroupStep(FIX, "make", writes=(0,))
SET_READY = GroupStep(FIX, "set ready", True, flag=READY)
WAIT_READY = GroupStep(MTE2, "wait ready", flag=READY)
TAKE = GroupStep(MTE2, "take", reads=(0,))
SET_FREE = GroupStep(MTE2, "set free", True, flag=FREE)
WAIT_FREE = GroupStep(FIX, "wait free", flag=FREE)
CUBE, VECTOR = [MAKE, SET_READY], [WAIT_READY, TAKE]


def _prove(cube: Sequence[GroupStep], *vectors: Sequence[GroupStep]) -> None:
    prove_groups([[cube, *vectors]], {place: [place] for place in range(3)})


def test_a_set_is_for_every_vector_core() -> None:
    _prove(CUBE, VECTOR, VECTOR)


def test_the_cube_core_waits_for_every_vector_core() -> None:
    cube, vector = [*CUBE, WAIT_FREE, MAKE, SET_READY], [*VECTOR, SET_FREE, *VECTOR]
    _prove(cube, vector, vector)
    with pytest.raises(HazardError, match="wait free, wait ready, wait ready wait for flags"):
        _prove(cube, vector, [*VECTOR, *VECTOR])


@pytest.mark.parametrize(
    ("cube", "vector", "message"),
    [
        ([MAKE], [TAKE], "take reads what make writes|make overwrites what take reads"),
        ([MAKE, SET_READY], [TAKE, WAIT_READY], "make overwrites what take reads|take reads"),
        ([*CUBE, *CUBE], [*VECTOR, *VECTOR], "make overwrites what take reads|take reads"),
        ([MAKE], VECTOR, "wait ready, wait ready wait for flags that nobody raises"),
        (CUBE, [], "flag 0 between cores is set more often than awaited"),
        ([SET_READY] * 16, [WAIT_READY] * 16, "set ready may be 16 sets ahead of its waits"),
        ([SET_READY], [WAIT_READY], "flag 0 between cores is redundant"),
        (
            [*CUBE, GroupStep(FIX, "again", True, flag=7)],
            [*VECTOR, GroupStep(MTE2, "again", flag=7)],
            "flag 7 between cores is redundant",
        ),
    ],
)
def test_hazards(cube: list[GroupStep], vector: list[GroupStep], message: str) -> None:
    with pytest.raises(HazardError, match=message):
        _prove(cube, vector, vector)


def test_vector_cores_do_not_write_the_same() -> None:
    store = GroupStep(MTE3, "store", writes=(1,))
    with pytest.raises(HazardError, match="store overwrites what store writes"):
        _prove([], [store], [store])
    _prove([], [store], [store._replace(writes=(2,))])


def test_flags_within_a_core_count() -> None:
    store = GroupStep(MTE3, "store", writes=(2,))
    order = [GroupStep(MTE2, "set", True, DONE), GroupStep(MTE3, "wait", event=DONE)]
    first = GroupStep(MTE2, "look", reads=(2,))
    _prove([], [first, *order, store], [])
    with pytest.raises(HazardError, match="store overwrites what look reads"):
        _prove([], [first, store], [])


def test_groups_have_their_own_memory() -> None:
    meets = {0: [0], 1: [1]}
    other = [
        [step._replace(reads=step.reads and (1,), writes=step.writes and (1,)) for step in core]
        for core in (CUBE, VECTOR)
    ]
    prove_groups([[CUBE, VECTOR], other], meets)
    with pytest.raises(HazardError, match="uses what another group of cores writes"):
        prove_groups([[CUBE, VECTOR], [CUBE, VECTOR]], meets)
