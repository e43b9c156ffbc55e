"""The proof of a core's flags, on programs of a few steps."""

from __future__ import annotations

import pytest

from compiler.planning.sync_proof import (
    PIPES,
    Event,
    HazardError,
    Step,
    SyncProof,
    overlapping,
)

MTE2, V = PIPES.index("MTE2"), PIPES.index("V")
FULL, FREE = Event(MTE2, V, 0), Event(V, MTE2, 0)
LOAD = Step(MTE2, "load", writes=[0])
USE = Step(V, "use", reads=[0])
SET_FULL, WAIT_FULL = Step(MTE2, "set full", sets=FULL), Step(V, "wait full", waits=FULL)
SET_FREE, WAIT_FREE = Step(V, "set free", sets=FREE), Step(MTE2, "wait free", waits=FREE)
TURN = [LOAD, SET_FULL, WAIT_FULL, USE]


def _run(steps: list[Step]) -> None:
    SyncProof([[0]]).run(steps)


def test_flags_prove_a_program() -> None:
    _run([*TURN, SET_FREE, WAIT_FREE, *TURN])


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([LOAD, USE], "use reads what load writes, without a flag"),
        ([USE, LOAD], "load overwrites what use reads, without a flag"),
        ([LOAD, Step(V, "fill", writes=[0])], "fill overwrites what load writes"),
        ([*TURN, *TURN], "load overwrites what use reads"),
        ([WAIT_FULL], "wait full waits for flag MTE2 -> V 0, which nobody raises"),
        ([LOAD, SET_FULL], "set full raises flag MTE2 -> V 0, which nobody awaits"),
        ([SET_FULL, SET_FULL], "set full raises flag MTE2 -> V 0, which set full has raised"),
        ([SET_FULL, WAIT_FULL, SET_FULL, WAIT_FULL], "before it is cleared"),
    ],
)
def test_hazards_are_named(steps: list[Step], message: str) -> None:
    with pytest.raises(HazardError, match=message):
        _run(steps)


def test_one_pipe_needs_no_flags() -> None:
    _run([LOAD, LOAD, Step(MTE2, "read", reads=[0])])


def test_order_passes_through_a_third_pipe() -> None:
    m, through = PIPES.index("M"), Event(PIPES.index("M"), V, 0)
    first = Event(MTE2, m, 0)
    steps = [
        LOAD,
        Step(MTE2, "set", sets=first),
        Step(m, "wait", waits=first),
        Step(m, "set", sets=through),
        Step(V, "wait", waits=through),
        USE,
    ]
    _run(steps)


def test_ranges_overlap_by_bytes_of_one_memory() -> None:
    ranges = [("ub", 0, 64), ("ub", 32, 96), ("ub", 64, 128), ("l1", 0, 64)]
    assert overlapping(ranges) == [[0, 1], [0, 1, 2], [1, 2], [3]]
