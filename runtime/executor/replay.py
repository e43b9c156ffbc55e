"""The order in which a device may run the tasks of several streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.om.contract import TaskType


@dataclass(frozen=True, slots=True)
class Task:
    """What matters for the order: the stream, and the event a record or wait is about."""

    kind: TaskType
    stream: int
    event: int = -1


class Deadlock(Exception):
    """Streams that wait for events nobody will record."""


def replay_order(tasks: Sequence[Task]) -> list[int]:
    """Positions of the tasks in an order that keeps each stream's own and waits for events.

    Nothing else is kept: the last stream runs as far ahead as its waits allow, so that a task
    which should have waited for another stream reads what is not there yet.
    """
    queues: dict[int, list[int]] = {}
    for position, task in enumerate(tasks):
        queues.setdefault(task.stream, []).append(position)
    progress = dict.fromkeys(queues, 0)
    recorded: set[int] = set()
    order: list[int] = []
    while len(order) < len(tasks):
        stream = _ready(tasks, queues, progress, recorded)
        position = queues[stream][progress[stream]]
        progress[stream] += 1
        order.append(position)
        if tasks[position].kind is TaskType.EVENT_RECORD:
            recorded.add(tasks[position].event)
    return order


def _ready(
    tasks: Sequence[Task],
    queues: dict[int, list[int]],
    progress: dict[int, int],
    recorded: set[int],
) -> int:
    waiting: list[str] = []
    for stream in reversed(queues):
        if progress[stream] == len(queues[stream]):
            continue
        task = tasks[queues[stream][progress[stream]]]
        if task.kind is not TaskType.EVENT_WAIT or task.event in recorded:
            return stream
        waiting.append(f"stream {stream} for event {task.event}")
    raise Deadlock("these waits never end: " + ", ".join(waiting))
