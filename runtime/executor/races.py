"""Finds two tasks on different streams that touch the same bytes with no event between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

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


Ordered: TypeAlias = npt.NDArray[np.int32]
Positions: TypeAlias = "int | npt.NDArray[np.int64]"


def first_race(
    tasks: Sequence[Task], order: Sequence[int], accesses: Sequence[Access]
) -> tuple[int, int] | None:
    """Positions of the first two conflicting tasks that nothing orders; None when there are none.

    `order` is any order the streams and events allow.
    """
    streams = {stream: column for column, stream in enumerate({task.stream for task in tasks})}
    if len(streams) < 2:
        return None
    clocks = _Clocks(tasks, order, streams)
    for one, others in _conflicts(accesses):
        racing = others[~(clocks.knows(others, one) | clocks.knows(one, others))]
        if racing.size:
            return one, int(racing[0])
    return None


class _Clocks:
    """Vector clocks: when a task runs, how many tasks of each stream are done for certain.

    Of other streams a stream learns by waits only, so that there is a row for each wait.
    """

    def __init__(self, tasks: Sequence[Task], order: Sequence[int], streams: Mapping[int, int]):
        self._column = np.array([streams[task.stream] for task in tasks])
        self._place = np.zeros(len(tasks), np.int32)
        """How many tasks of its own stream each task is behind, itself included."""
        self._row = np.zeros(len(tasks), np.int32)
        """What each task knows of other streams: one of the rows."""
        rows = [np.zeros(len(streams), np.int32)]
        done, row = [0] * len(streams), [0] * len(streams)
        recorded: dict[int, tuple[int, int, int]] = {}
        for position in order:
            task, column = tasks[position], int(self._column[position])
            done[column] += 1
            if task.kind is TaskType.EVENT_WAIT:
                rows.append(_joined(rows, row[column], *recorded[task.event]))
                row[column] = len(rows) - 1
            if task.kind is TaskType.EVENT_RECORD:
                recorded[task.event] = row[column], column, done[column]
            self._place[position], self._row[position] = done[column], row[column]
        self._rows = np.array(rows)

    def knows(self, later: Positions, earlier: Positions) -> npt.NDArray[np.bool_]:
        """Whether the tasks at `earlier` are done for certain when those at `later` run."""
        column, place = self._column[earlier], self._place[earlier]
        own = (self._column[later] == column) & (place <= self._place[later])
        return own | (place <= self._rows[self._row[later], column])


def _joined(rows: Sequence[Ordered], own: int, other: int, column: int, place: int) -> Ordered:
    """What a stream knows when it has waited for a record of another stream."""
    joined = np.maximum(rows[own], rows[other])
    joined[column] = max(joined[column], place)
    return joined


def _conflicts(accesses: Sequence[Access]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Each task with those that touch some of the same bytes, one of the two writing."""
    task = np.array([access.task for access in accesses], np.int64)
    start = np.array([access.start for access in accesses], np.int64)
    end = np.array([access.end for access in accesses], np.int64)
    writes = np.array([access.writes for access in accesses], np.bool_)
    for access in accesses:
        same = (start < access.end) & (end > access.start) & (writes | access.writes)
        yield access.task, task[same & (task != access.task)]
