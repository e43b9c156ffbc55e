"""What the proof of a kernel's flags sees of it: uses of buffers, flags and loops as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from compiler.soc.core import Pipe

PIPES = tuple(Pipe)


class Event(NamedTuple):
    """A flag by source pipe, destination pipe and event id."""

    source: int
    destination: int
    id: int


class Range(NamedTuple):
    """Bytes of a memory: a slot of a local buffer, or what an instruction uses of an argument."""

    space: str
    start: int
    end: int
    local: bool = True

    def overlaps(self, other: Range) -> bool:
        """Whether the two share a byte."""
        return self.space == other.space and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Turn:
    """The next slot of a buffer comes into use, with nothing in it."""

    buffer: int


@dataclass(frozen=True, slots=True)
class Work:
    """An instruction on data: the buffers it reads and writes."""

    pipe: int
    name: str
    reads: Sequence[int] = ()
    writes: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Signal:
    """A flag set or awaited; with a buffer, its slot in use picks the event."""

    number: int
    name: str
    sets: bool
    events: tuple[Event, ...]
    buffer: int | None = None

    @property
    def pipe(self) -> int:
        """The pipe in whose queue it is."""
        return self.events[0].source if self.sets else self.events[0].destination


@dataclass(frozen=True, slots=True)
class Loop:
    """Steps that are repeated: at least once or perhaps never, and at most once or more often."""

    name: str
    body: Sequence[Node]
    may_skip: bool
    may_repeat: bool


Node: TypeAlias = Turn | Work | Signal | Loop


def describe(event: Event) -> str:
    """A flag as messages write it."""
    return f"flag {PIPES[event.source]} -> {PIPES[event.destination]} {event.id}"
