"""Finds two tasks on different streams that touch the same bytes with no event between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compiler.om.contract import TaskType
from runtime.executor.replay import Task


@dataclass(frozen=True, slots=True)
class Access:
    """A task, by its position in the task list, that reads or writes bytes [start, end)."""

    task: int
    start: int
    end: int
    writes: bool


Ordered = npt.NDArray[np.int64]


def first_race(
    tasks: Sequence[Task], order: Sequence[int], accesses: Sequence[Access]
) -> tuple[int, int] | None:
    """Positions of the first two conflicting tasks that nothing orders; None when there are none.

    `order` is any order the streams and events allow.
    """
    streams = {stream: column for column, stream in enumerate({task.stream for task in tasks})}
    if len(streams) < 2:
        return None
    clocks = _clocks(tasks, order, streams)
    column = np.array([streams[task.stream] for task in tasks])
    # How many tasks of its own stream each task is behind, itself included.
    place = clocks[np.arange(len(tasks)), column]
    for one, others in _conflicts(accesses):
        before = place[others] <= clocks[one, column[others]]
        after = clocks[others, column[one]] >= place[one]
        racing = others[~(before | after)]
        if racing.size:
            return one, int(racing[0])
    return None


def _clocks(tasks: Sequence[Task], order: Sequence[int], streams: dict[int, int]) -> Ordered:
    """Per task, how many tasks of each stream are done when it is: its vector clock."""
    clocks = np.zeros((len(tasks), len(streams)), np.int64)
    now = np.zeros((len(streams), len(streams)), np.int64)
    recorded: dict[int, Ordered] = {}
    for position in order:
        task = tasks[position]
        column = streams[task.stream]
        now[column, column] += 1
        if task.kind is TaskType.EVENT_WAIT:
            now[column] = np.maximum(now[column], recorded[task.event])
        if task.kind is TaskType.EVENT_RECORD:
            recorded[task.event] = now[column].copy()
        clocks[position] = now[column]
    return clocks


def _conflicts(accesses: Sequence[Access]) -> Iterator[tuple[int, Ordered]]:
    """Each task with those that touch some of the same bytes, one of the two writing."""
    task = np.array([access.task for access in accesses], np.int64)
    start = np.array([access.start for access in accesses], np.int64)
    end = np.array([access.end for access in accesses], np.int64)
    writes = np.array([access.writes for access in accesses], np.bool_)
    for access in accesses:
        same = (start < access.end) & (end > access.start) & (writes | access.writes)
        yield access.task, task[same & (task != access.task)]
