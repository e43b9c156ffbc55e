"""Which stream runs each step of a model, and which events order the streams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Step:
    """A task to be: the engine that runs it, and the earlier steps it depends on (by index)."""

    engine: str
    depends: frozenset[int]


@dataclass(frozen=True, slots=True)
class Launch:
    """Run a step."""

    step: int


@dataclass(frozen=True, slots=True)
class Record:
    """Raise an event on the stream of the step just launched."""

    stream: int
    event: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Hold a stream until an event is raised."""

    stream: int
    event: int


Task: TypeAlias = "Launch | Record | Wait"


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """The stream of each step, and the task list."""

    streams: tuple[int, ...]
    tasks: tuple[Task, ...]
    events: int

    @property
    def stream_count(self) -> int:
        """The number of streams; a model without tasks still has one."""
        return max(self.streams, default=0) + 1


def plan_streams(steps: Sequence[Step]) -> StreamPlan:
    """One stream per engine in order of first use; an event for each dependence not yet certain."""
    engines = {engine: i for i, engine in enumerate(dict.fromkeys(s.engine for s in steps))}
    streams = tuple(engines[step.engine] for step in steps)
    last: dict[int, int] = {}
    before: list[int] = []
    waits: list[list[int]] = []
    for i, step in enumerate(steps):
        previous = last.get(streams[i])
        done = 0 if previous is None else before[previous] | 1 << previous
        needed: list[int] = []
        for j in sorted(step.depends, reverse=True):  # a later step may settle earlier ones
            if not done >> j & 1:
                needed.append(j)
                done |= before[j] | 1 << j
        before.append(done)
        waits.append(needed)
        last[streams[i]] = i
    tasks, events = _task_list(streams, waits)
    return StreamPlan(streams, tuple(tasks), events)


def certain_before(tasks: Iterable[tuple[int, Task]]) -> list[int]:
    """For each step, in the order of launches, the steps that are done when it starts.

    Of the tasks, each with its stream, a record comes before its waits. Bit j of a result stands
    for step j.
    """
    done: dict[int, int] = {}
    recorded: dict[int, int] = {}
    before: list[int] = []
    for stream, task in tasks:
        match task:
            case Launch(step):
                before.append(done.get(stream, 0))
                done[stream] = before[-1] | 1 << step
            case Record(_, event):
                recorded[event] = done.get(stream, 0)
            case Wait(_, event):
                done[stream] = done.get(stream, 0) | recorded.get(event, 0)
    return before


def _task_list(streams: Sequence[int], waits: Sequence[Iterable[int]]) -> tuple[list[Task], int]:
    """Put each record behind its producer's launch and each wait before its consumer's."""
    event = 0
    records: dict[int, list[int]] = {}
    awaited: list[list[int]] = []
    for needed in waits:
        numbers: list[int] = []
        for producer in needed:
            records.setdefault(producer, []).append(event)
            numbers.append(event)
            event += 1
        awaited.append(numbers)
    tasks: list[Task] = []
    for i, stream in enumerate(streams):
        tasks += [Wait(stream, number) for number in awaited[i]]
        tasks.append(Launch(i))
        tasks += [Record(stream, number) for number in records.get(i, ())]
    return tasks, event
