"""The proof of a core's flags, on programs of a few steps."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from compiler.planning.sync_program import PIPES, Event, Loop, Node, Range, Signal, Turn, Work
from compiler.planning.sync_proof import HazardError, prove
from compiler.planning.sync_uses import Uses

M, MTE2, V = (PIPES.index(name) for name in ("M", "MTE2", "V"))
FULL, FREE = Event(MTE2, V, 0), Event(V, MTE2, 0)
LOAD = Work(MTE2, "load", writes=[0])
USE = Work(V, "use", reads=[0])
SET_FULL, WAIT_FULL = Signal(1, "set full", True, (FULL,)), Signal(2, "wait full", False, (FULL,))
SET_FREE, WAIT_FREE = Signal(3, "set free", True, (FREE,)), Signal(4, "wait free", False, (FREE,))
FIRST, LAST = Signal(0, "first", True, (FREE,)), Signal(9, "last", False, (FREE,))
AGAIN = [Signal(n, "again", n == 5, (FULL._replace(id=1),)) for n in (5, 6)]
PASS = [LOAD, SET_FULL, WAIT_FULL, USE]
FLOW = [WAIT_FREE, *PASS, SET_FREE]


def _uses(*buffers: list[tuple[int, int]]) -> Uses:
    return Uses([[Range("ub", *bytes) for bytes in buffer] for buffer in buffers or ([(0, 64)],)])


def _prove(steps: Sequence[Node], *buffers: list[tuple[int, int]]) -> None:
    prove(_uses(*buffers), steps)


def _loop(*body: Node, may_skip: bool = False, may_repeat: bool = True) -> Loop:
    return Loop("the loop", body, may_skip, may_repeat)


def test_flags_prove_a_program() -> None:
    _prove([*PASS, SET_FREE, WAIT_FREE, *PASS])


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([LOAD, USE], "use reads what load writes, without a flag"),
        ([USE, LOAD], "load overwrites what use reads, without a flag"),
        ([LOAD, Work(V, "fill", writes=[0])], "fill overwrites what load writes"),
        ([*PASS, *PASS], "load overwrites what use reads"),
        ([WAIT_FULL], "wait full waits for flag MTE2 -> V 0, which nobody raises"),
        ([LOAD, SET_FULL], "set full raises flag MTE2 -> V 0, which nobody awaits"),
        ([SET_FULL, SET_FULL], "set full raises flag MTE2 -> V 0, which set full has raised"),
        ([SET_FULL, WAIT_FULL, SET_FULL, WAIT_FULL], "before it is cleared"),
        ([FIRST, _loop(*FLOW[:-1]), LAST], "each iteration of the loop clears one more flag V"),
        ([_loop(SET_FULL)], "each iteration of the loop raises one more flag MTE2 -> V 0"),
        ([_loop(*PASS)], "load overwrites what use reads"),
        ([LOAD, SET_FULL, *AGAIN, WAIT_FULL, USE], "set full: flag MTE2 -> V 0 is redundant"),
        ([FIRST, _loop(*FLOW, may_repeat=False), LAST], "first: flag V -> MTE2 0 is redundant"),
    ],
)
def test_hazards_are_named(steps: list[Node], message: str) -> None:
    with pytest.raises(HazardError, match=message):
        _prove(steps)


def test_one_pipe_needs_no_flags() -> None:
    _prove([LOAD, LOAD, Work(MTE2, "read", reads=[0])])


def test_order_passes_through_a_third_pipe() -> None:
    through, first = Event(M, V, 0), Event(MTE2, M, 0)
    steps: list[Node] = [
        LOAD,
        Signal(0, "set", True, (first,)),
        Signal(1, "wait", False, (first,)),
        Signal(2, "set", True, (through,)),
        Signal(3, "wait", False, (through,)),
        USE,
    ]
    _prove(steps)


def test_any_number_of_iterations_is_one_proof() -> None:
    _prove([FIRST, _loop(*FLOW), LAST])


def test_a_loop_that_runs_once_frees_nothing() -> None:
    _prove([_loop(*PASS, may_repeat=False)])


def test_a_loop_that_may_not_run_orders_nothing() -> None:
    flags = SET_FULL, WAIT_FULL
    _prove([LOAD, _loop(*flags, may_repeat=False), USE])
    with pytest.raises(HazardError, match="use reads what load writes"):
        _prove([LOAD, _loop(*flags, may_skip=True, may_repeat=False), USE])


def _slotted(*ids: int) -> list[Node]:
    """A double-buffered loop whose forward flag has those ids."""
    full = tuple(Event(MTE2, V, i) for i in ids)
    free = tuple(Event(V, MTE2, i) for i in (0, 1))
    return [
        *(Signal(20 + i, "first", True, (event,)) for i, event in enumerate(free)),
        _loop(
            Turn(0),
            Signal(0, "wait free", False, free, 0),
            LOAD,
            Signal(1, "set full", True, full, 0),
            Signal(2, "wait full", False, full, 0),
            USE,
            Signal(3, "set free", True, free, 0),
        ),
        *(Signal(30 + i, "last", False, (event,)) for i, event in enumerate(free)),
    ]


def test_slots_take_turns() -> None:
    _prove(_slotted(0, 1), [(0, 64), (64, 128)])


def test_slots_in_one_place_race() -> None:
    with pytest.raises(HazardError, match="load overwrites what use reads"):
        _prove(_slotted(0, 1), [(0, 64), (32, 96)])


def test_one_id_for_two_slots_is_raised_twice() -> None:
    with pytest.raises(HazardError, match="may raise flag MTE2 -> V 0 before it is cleared"):
        _prove(_slotted(0, 0), [(0, 64), (64, 128)])


def test_a_buffer_is_lost_when_another_is_written_over_it() -> None:
    steps = [Turn(0), Work(V, "a", (), [0]), Turn(1), Work(V, "b", (), [1]), Work(V, "c", [0])]
    _prove(steps, [(0, 64)], [(64, 128)])
    with pytest.raises(HazardError, match="c reads what another buffer has overwritten"):
        _prove(steps, [(0, 64)], [(32, 96)])
    _prove([*steps[:4], Turn(0), Work(V, "a", (), [0]), steps[4]], [(0, 64)], [(32, 96)])
    _prove([Turn(0), *steps[2:4], Work(V, "a", (), [0]), steps[4]], [(0, 64)], [(32, 96)])


def test_memories_do_not_overlap() -> None:
    ranges = [Range("ub", 0, 64), Range("ub", 32, 96), Range("ub", 64, 128), Range("l1", 0, 64)]
    found = [[a.overlaps(b) for b in ranges] for a in ranges]
    assert found[0] == [True, True, False, False]
    assert found[3] == [False, False, False, True]
