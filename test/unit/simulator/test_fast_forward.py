"""Loops that are fast-forwarded take exactly as long as loops that are run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import lcm

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.simulator import fast_forward
from compiler.simulator.core import ScheduleError, simulate_core
from compiler.simulator.cost import Cycles
from compiler.simulator.engine import Engine
from compiler.simulator.instruction import Instruction, Loop, Pipe, Program, instructions
from compiler.simulator.intern import Interner
from compiler.simulator.operations import Operation
from compiler.soc import soc
from workloads.kernels.flags import set_flag, wait_flag

COSTS = soc("Ascend910B1").costs
PIPES = (Pipe.MTE2, Pipe.MTE1, Pipe.M, Pipe.V, Pipe.FIX, Pipe.MTE3)


def work(pipe: Pipe, number: int) -> Instruction:
    """An instruction whose costs follow from its number."""
    return Instruction(pipe, "work", bytes=number)


def cycles(instruction: Instruction) -> Cycles:
    """Odd ones are late, multiples of 5 take long to start, of 7 wait for the cube."""
    number = instruction.bytes
    return Cycles(
        number / 3,
        latency=40 * (number % 2),
        fill=25.5 * (number % 5 == 0),
        contention=0.3 * (number % 7 == 0),
    )


def result(program: Program) -> object:
    """All that the simulation finds out, or the fault it finds."""
    interner = Interner(512)
    codes = interner.codes(program)
    try:
        return simulate_core(codes, interner.distinct, list(map(cycles, interner.distinct)), COSTS)
    except ScheduleError as error:
        return str(error)


@st.composite
def pipelines(draw: st.DrawFn) -> Program:
    """Tiles that pass several pipes, through so many slots between each two: loops in loops."""
    used = draw(st.lists(st.sampled_from(PIPES), min_size=2, max_size=4, unique=True))
    slots = [draw(st.integers(1, 3)) for _ in used[1:]]
    numbers = [draw(st.integers(0, 400)) for _ in used]
    period = lcm(*slots)
    inner, outer = draw(st.integers(1, 30)), draw(st.integers(1, 12))
    tiles = [item for tile in range(period) for item in _tile(used, slots, numbers, tile)]
    extra = [work(draw(st.sampled_from(used)), draw(st.integers(0, 900)))]
    start = [
        set_flag(b, a, s) for (a, b), n in zip(pairwise(used), slots, strict=True) for s in range(n)
    ]
    return [
        *start,
        Loop(outer, [Loop(inner, tiles), *extra]),
        Loop(draw(st.integers(1, 40)), tiles),
    ]


def _tile(
    pipes: Sequence[Pipe], slots: Sequence[int], numbers: Sequence[int], tile: int
) -> Program:
    program: list[Instruction] = []
    for place, (pipe, number) in enumerate(zip(pipes, numbers, strict=True)):
        if place:
            program.append(wait_flag(pipes[place - 1], pipe, tile % slots[place - 1]))
        if place < len(slots):
            program.append(wait_flag(pipes[place + 1], pipe, tile % slots[place]))
        program.append(work(pipe, number))
        if place:
            program.append(set_flag(pipe, pipes[place - 1], tile % slots[place - 1]))
        if place < len(slots):
            program.append(set_flag(pipe, pipes[place + 1], tile % slots[place]))
    return program


MOST_ISSUED = 20_000
"""Loops in loops that never get steady are run through: no example may take minutes."""


def issued(program: Program) -> int:
    """How many instructions a program issues."""
    return sum(step.count * issued(step.body) if isinstance(step, Loop) else 1 for step in program)


FLAGS = st.tuples(st.sampled_from(PIPES[:3]), st.sampled_from(PIPES[:3]), st.integers(0, 1))
ITEMS = st.one_of(
    st.builds(work, st.sampled_from(PIPES[:3]), st.integers(0, 300)),
    FLAGS.filter(lambda flag: flag[0] != flag[1]).map(lambda flag: set_flag(*flag)),
    FLAGS.filter(lambda flag: flag[0] != flag[1]).map(lambda flag: wait_flag(*flag)),
    st.sampled_from([Pipe.S, Pipe.M]).map(lambda pipe: Instruction(pipe, "pipe_barrier")),
)
"""Whatever can be issued: most of it deadlocks or sets a flag twice, at some time."""

ANY = st.recursive(
    st.lists(ITEMS, min_size=1, max_size=6),
    lambda bodies: st.lists(
        st.one_of(ITEMS, st.builds(Loop, st.integers(0, 25), bodies)), min_size=1, max_size=5
    ),
    max_leaves=12,
).filter(lambda program: issued(program) <= MOST_ISSUED)


@settings(max_examples=300, deadline=None)
@given(pipelines())
def test_pipelines(program: Program) -> None:
    assert result(program) == result(list(instructions(program)))


@settings(max_examples=300, deadline=None)
@given(ANY)
def test_any_program_or_its_fault(program: Program) -> None:
    assert result(program) == result(list(instructions(program)))


def pipeline(count: int) -> Program:
    """Two pipes of nearly the same speed with two slots between them."""
    pipes, slots = (Pipe.MTE2, Pipe.V), [2]
    tiles = [item for tile in range(2) for item in _tile(pipes, slots, (100, 101), tile)]
    return [*(set_flag(Pipe.V, Pipe.MTE2, event) for event in range(2)), Loop(count, tiles)]


def drift(count: int) -> Program:
    """V waits for FIX, which falls behind the issue by 10 cycles an iteration: V waits longer and
    longer, until it waits all the time."""
    short, start = work(Pipe.MTE1, 3 * 98), work(Pipe.MTE1, 3 * 3250)
    flags = set_flag(Pipe.FIX, Pipe.V, 0), wait_flag(Pipe.FIX, Pipe.V, 0)
    body = [flags[0], work(Pipe.FIX, 3 * 990), short, flags[1], *[short] * 9]
    return [start, Loop(count, body)]


def effort(program: Program, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many instructions are visited."""
    issue, visited = Engine.issue, 0

    def counted(engine: Engine, operation: Operation) -> None:
        nonlocal visited
        visited += 1
        issue(engine, operation)

    monkeypatch.setattr(Engine, "issue", counted)
    result(program)
    return visited


@pytest.mark.parametrize("program", [pipeline, drift])
def test_the_effort_does_not_grow_with_the_count(
    program: Callable[[int], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert result(program(400)) == result(list(instructions(program(400))))
    efforts = [effort(program(count), monkeypatch) for count in (10**3, 10**6, 10**9)]
    assert efforts[0] == efforts[1] == efforts[2] < 500


def test_what_is_noted_does_not_grow_with_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no loop ever becomes steady, for as long as they are run."""
    noted: list[int] = []
    issue = Engine.issue

    def never(*_: object) -> int:
        return 0

    def watched(engine: Engine, operation: Operation) -> None:
        issue(engine, operation)
        noted.append(len(engine.margins))

    monkeypatch.setattr(Engine, "issue", watched)
    monkeypatch.setattr(fast_forward, "NOTED", 1000)
    monkeypatch.setattr(fast_forward, "PERIODS", 1)
    monkeypatch.setattr(fast_forward, "_steady", never)
    result(pipeline(10**4))
    assert len(noted) > 10**5
    assert max(noted) < 3000
