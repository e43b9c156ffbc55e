"""The lanes of a trace: names, order and colours, as the vendor's operator simulator has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from compiler.simulator.instruction import Pipe

Event: TypeAlias = dict[str, Any]
"""One event of a Chrome trace."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of the timeline: its name, its place from the top, and a reserved Chrome colour."""

    name: str
    order: int
    colour: str


PIPE_LANES: Mapping[Pipe, Lane] = {
    Pipe.S: Lane("SCALAR", 1, "startup"),
    Pipe.MTE1: Lane("MTE1", 3, "thread_state_running"),
    Pipe.M: Lane("CUBE", 4, "background_memory_dump"),
    Pipe.FIX: Lane("FIXP", 5, "thread_state_unknown"),
    Pipe.MTE2: Lane("MTE2", 6, "thread_state_iowait"),
    Pipe.V: Lane("VECTOR", 7, "cq_build_failed"),
    Pipe.MTE3: Lane("MTE3", 8, "rail_response"),
}
SET_LANES: Mapping[Pipe, Lane] = {pipe: Lane(f"SET_FLAG {pipe}", 14, "black") for pipe in Pipe}
WAIT_LANES: Mapping[Pipe, Lane] = {pipe: Lane(f"WAIT_FLAG {pipe}", 15, "yellow") for pipe in Pipe}
"""Flags have a lane for each pipe: viewers drop slices that overlap within a lane."""

TASK_COLOURS: Mapping[str, str] = {
    "AI_CORE": "background_memory_dump",
    "AI_VECTOR_CORE": "cq_build_failed",
    "MIX_AIC": "background_memory_dump",
    "AI_CPU": "startup",
}
"""Tasks by core type, in the colour of the pipe that does their work."""


def metadata(process: str, order: int, lanes: Iterable[Lane]) -> Iterator[Event]:
    """Names and sort order of a process and its lanes."""
    yield _meta("process_name", process, "", name=process)
    yield _meta("process_sort_index", process, "", sort_index=order)
    for lane in lanes:
        yield _meta("thread_name", process, lane.name, name=lane.name)
        yield _meta("thread_sort_index", process, lane.name, sort_index=lane.order)


def _meta(kind: str, process: str, lane: str, **args: str | int) -> Event:
    return {"name": kind, "ph": "M", "ts": 0, "pid": process, "tid": lane, "args": args}


def microseconds(value: float) -> float:
    """A time for a trace, in whole nanoseconds: viewers cut off what is finer."""
    return round(value, 3)
