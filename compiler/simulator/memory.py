"""Feature memory over time: which of its bytes hold something that is still needed."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from compiler.simulator.model import TaskSpan


class Range(NamedTuple):
    """Bytes from `start` on."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Accesses:
    """What one task reads and writes in feature memory."""

    task: str
    reads: Sequence[Range]
    writes: Sequence[Range]


class Life(NamedTuple):
    """A tensor in memory, from the start of its writer to the end of its last reader."""

    start_us: float
    end_us: float
    bytes: Range


class InUse(NamedTuple):
    """The bytes that are needed from a moment on, up to the next one."""

    at_us: float
    bytes: int


def lives(accesses: Iterable[Accesses], spans: Sequence[TaskSpan]) -> list[Life]:
    """The tensors that tasks write, in the order of the task list, with their place in time."""
    times = {span.task.name: span for span in spans}
    found: list[Life] = []
    current: dict[int, int] = {}
    for access in accesses:
        span = times[access.task]
        for read in access.reads:
            if read.start in current:
                life = found[current[read.start]]
                found[current[read.start]] = life._replace(end_us=max(life.end_us, span.end_us))
        for written in access.writes:
            current[written.start] = len(found)
            found.append(Life(span.start_us, span.end_us, written))
    return found


def memory_over_time(tensors: Iterable[Life], always: int) -> list[InUse]:
    """How much is in use from each moment on at which that changes, `always` bytes included."""
    order = sorted(tensors)
    alive: list[tuple[float, Range]] = []
    found: list[InUse] = []
    position = 0
    for moment in sorted({time for life in order for time in (life.start_us, life.end_us)}):
        while position < len(order) and order[position].start_us <= moment:
            heapq.heappush(alive, (order[position].end_us, order[position].bytes))
            position += 1
        while alive and alive[0][0] <= moment:
            heapq.heappop(alive)
        found.append(InUse(moment, always + _union(place for _, place in alive)))
    return found


def _union(ranges: Iterable[Range]) -> int:
    """The bytes of ranges that may overlap: a result in the place of an operand counts once."""
    return sum(_lengths(sorted(ranges)))


def _lengths(ranges: Sequence[Range]) -> Iterator[int]:
    end = 0
    for start, size in ranges:
        yield max(0, start + size - max(start, end))
        end = max(end, start + size)
