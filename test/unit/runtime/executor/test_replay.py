"""Orders of tasks on several streams, and the conflicts that no event orders."""

from __future__ import annotations

import tracemalloc
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.om.contract import TaskType
from runtime.executor.races import Access, first_race
from runtime.executor.replay import Deadlock, Task, replay_order

KERNEL, RECORD, WAIT = TaskType


def test_last_stream_runs_ahead_as_far_as_events_allow() -> None:
    tasks = [
        Task(KERNEL, 0),
        Task(RECORD, 0, 5),
        Task(KERNEL, 1),
        Task(WAIT, 1, 5),
        Task(KERNEL, 1),
        Task(KERNEL, 0),
    ]
    assert replay_order(tasks) == [2, 0, 1, 3, 4, 5]


def test_waiting_for_each_other_is_a_deadlock() -> None:
    tasks = [Task(WAIT, 0, 1), Task(RECORD, 0, 2), Task(WAIT, 1, 2), Task(RECORD, 1, 1)]
    with pytest.raises(Deadlock, match="stream 1 for event 2, stream 0 for event 1"):
        replay_order(tasks)


def write(task: int, start: int = 0, end: int = 8) -> Access:
    """A write of some bytes."""
    return Access(task, start, end, True)


def read(task: int, start: int = 0, end: int = 8) -> Access:
    """A read of some bytes."""
    return Access(task, start, end, False)


TWO = [Task(KERNEL, 0), Task(KERNEL, 1)]
SYNCHRONISED = [Task(KERNEL, 0), Task(RECORD, 0, 0), Task(WAIT, 1, 0), Task(KERNEL, 1)]


@pytest.mark.parametrize(
    ("tasks", "accesses", "race"),
    [
        (TWO, [write(0), read(1)], (0, 1)),
        (TWO, [read(0), write(1)], (0, 1)),
        (TWO, [write(0), write(1, 7, 9)], (0, 1)),
        (TWO, [read(0), read(1)], None),
        (TWO, [write(0), read(1, 8, 16)], None),
        (SYNCHRONISED, [write(0), read(3)], None),
        # The event is recorded before the write.
        ([Task(RECORD, 0, 0), Task(KERNEL, 0), *SYNCHRONISED[2:]], [write(1), read(3)], (1, 3)),
        # Ordered by way of a third stream.
        (
            [*SYNCHRONISED, Task(RECORD, 1, 1), Task(WAIT, 2, 1), Task(KERNEL, 2)],
            [write(0), write(6)],
            None,
        ),
    ],
)
def test_races(tasks: list[Task], accesses: list[Access], race: tuple[int, int] | None) -> None:
    assert first_race(tasks, replay_order(tasks), accesses) == race


def test_memory_grows_with_the_waits_only() -> None:
    tasks = [Task(KERNEL, number % 1000) for number in range(20_000)]
    tasks += [Task(RECORD, 0, 0), Task(WAIT, 1, 0), Task(KERNEL, 1)]
    order = replay_order(tasks)
    tracemalloc.start()
    assert first_race(tasks, order, [write(0), write(len(tasks) - 1)]) is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 * len(tasks)


@st.composite
def programs(draw: st.DrawFn) -> list[Task]:
    """Kernels, records and waits on three streams; every wait comes after its record."""
    kinds = draw(st.lists(st.tuples(st.sampled_from("krw"), st.integers(0, 2)), max_size=12))
    tasks: list[Task] = []
    events = 0
    for kind, stream in kinds:
        if kind == "r":
            tasks.append(Task(RECORD, stream, events))
            events += 1
        elif kind == "w" and events:
            tasks.append(Task(WAIT, stream, draw(st.integers(0, events - 1))))
        else:
            tasks.append(Task(KERNEL, stream))
    return tasks


def _orders(tasks: list[Task]) -> dict[int, set[int]]:
    """The tasks each one comes after, by closing over streams and events."""
    after = {i: set[int]() for i in range(len(tasks))}
    for i, task in enumerate(tasks):
        direct = {j for j in range(i) if tasks[j].stream == task.stream}
        if task.kind is WAIT:
            direct |= {
                j for j in range(i) if tasks[j].kind is RECORD and tasks[j].event == task.event
            }
        after[i] = direct.union(*(after[j] for j in direct))
    return after


@settings(max_examples=200, deadline=None)
@given(programs())
def test_races_are_exactly_the_pairs_nothing_orders(tasks: list[Task]) -> None:
    after, order = _orders(tasks), replay_order(tasks)
    place = {task: at for at, task in enumerate(order)}
    for i, j in combinations(range(len(tasks)), 2):
        assert i not in after[j] or place[i] < place[j]
        if tasks[i].kind is tasks[j].kind is KERNEL:
            race = first_race(tasks, order, [write(i), write(j)])
            assert (race is None) == (i in after[j] or j in after[i])
