"""The proof that flags order every two uses of the same local bytes by different pipes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from compiler.soc.core import Pipe

PIPES = tuple(Pipe)


class HazardError(Exception):
    """Two instructions race, or flags are not used as binary semaphores."""


class Event(NamedTuple):
    """A flag by source pipe, destination pipe and event id."""

    source: int
    destination: int
    id: int


@dataclass(frozen=True, slots=True)
class Step:
    """An issued instruction: its pipe, what it does with flags or bytes, and its name."""

    pipe: int
    name: str
    sets: Event | None = None
    waits: Event | None = None
    reads: Sequence[int] = ()
    writes: Sequence[int] = ()
    """Numbers of byte ranges."""


class _Use(NamedTuple):
    time: int
    name: str


_Clock = list[int]


class SyncProof:
    """Vector clocks over the in-order pipes of one core.

    Steps are taken in issue order. Issue order runs without blocking when every wait comes after
    its set, so the proof covers deadlock too.
    """

    def __init__(self, overlaps: Sequence[Sequence[int]]):
        """`overlaps` has, for each byte range, the ranges that share a byte with it."""
        self._overlaps = overlaps
        self._now: list[_Clock] = [[0] * len(PIPES) for _ in PIPES]
        self._raised: dict[Event, tuple[_Clock, str]] = {}
        self._cleared: dict[Event, int] = {}
        self._reads: list[dict[int, _Use]] = [{} for _ in overlaps]
        self._writes: list[dict[int, _Use]] = [{} for _ in overlaps]

    def run(self, steps: Iterable[Step]) -> None:
        """Check a whole program; HazardError names the two instructions of a hazard."""
        for step in steps:
            self._take(step)
        for event, (_, name) in self._raised.items():
            raise HazardError(f"{name} raises {_describe(event)}, which nobody awaits")

    def _take(self, step: Step) -> None:
        clock = self._now[step.pipe]
        clock[step.pipe] += 1
        if step.waits is not None:
            self._wait(step, step.waits, clock)
        elif step.sets is not None:
            self._set(step, step.sets, clock)
        else:
            self._access(step, clock)

    def _wait(self, step: Step, event: Event, clock: _Clock) -> None:
        if event not in self._raised:
            raise HazardError(f"{step.name} waits for {_describe(event)}, which nobody raises")
        raised, _ = self._raised.pop(event)
        clock[:] = map(max, clock, raised)
        self._cleared[event] = clock[step.pipe]

    def _set(self, step: Step, event: Event, clock: _Clock) -> None:
        if event in self._raised:
            other = self._raised[event][1]
            raise HazardError(f"{step.name} raises {_describe(event)}, which {other} has raised")
        if clock[event.destination] < self._cleared.get(event, 0):
            raise HazardError(f"{step.name} may raise {_describe(event)} before it is cleared")
        self._raised[event] = list(clock), step.name

    def _access(self, step: Step, clock: _Clock) -> None:
        use = _Use(clock[step.pipe], step.name)
        for place in step.reads:
            self._against(step, place, self._writes, "reads what", clock)
            self._reads[place][step.pipe] = use
        for place in step.writes:
            self._against(step, place, self._writes, "overwrites what", clock)
            self._against(step, place, self._reads, "overwrites what", clock)
            self._writes[place][step.pipe] = use

    def _against(
        self, step: Step, place: int, uses: list[dict[int, _Use]], verb: str, clock: _Clock
    ) -> None:
        for other in self._overlaps[place]:
            for pipe, use in uses[other].items():
                if use.time > clock[pipe]:
                    done = "writes" if uses is self._writes else "reads"
                    raise HazardError(f"{step.name} {verb} {use.name} {done}, without a flag")


def _describe(event: Event) -> str:
    return f"flag {PIPES[event.source]} -> {PIPES[event.destination]} {event.id}"


def overlapping(ranges: Sequence[tuple[str, int, int]]) -> list[list[int]]:
    """For each byte range (memory, start, end), the numbers of those that share a byte with it."""
    return [
        [
            j
            for j, (other, first, last) in enumerate(ranges)
            if other == space and first < end and start < last
        ]
        for space, start, end in ranges
    ]
