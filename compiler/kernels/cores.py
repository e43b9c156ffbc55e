"""What the cores of a kernel run, as programs with loops: equal iterations are made once.

A body is gone through once for each value of what its program depends on (sizes at the edges,
alignment, slots in use), however often it runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from compiler.kernels.expressions import ALIGNED, ALIGNMENT
from compiler.kernels.nest import Body, Issue, Nest, Nested, Turn
from compiler.simulator.cost import Stream
from compiler.simulator.instruction import Instruction, Program
from compiler.simulator.moves import Move, move_of
from compiler.simulator.rolled import Rolling

Arguments: TypeAlias = "tuple[int, ...]"
"""The block index, the index in the group, and the variables of the loops around."""


@dataclass(slots=True, eq=False)
class Site:
    """A move of an instruction: the two together, as one object for all equal ones."""

    issue: Issue
    move: Move


@dataclass(slots=True, eq=False)
class Runs:
    """A loop as it runs: the values of its variable, and the body each time."""

    values: range
    bodies: Sequence[Ran]


@dataclass(slots=True, eq=False)
class Ran:
    """A body as it runs.

    `order` has its moves, and its loops that have any. `places` are the offsets of each move, as
    far as the loops inside make them.
    """

    program: Program = ()
    slots: Sequence[int] = ()
    order: list[Site | Runs] = field(default_factory=list["Site | Runs"])
    counts: dict[Site, int] = field(default_factory=dict[Site, int])
    places: dict[Site, set[int]] = field(default_factory=dict[Site, "set[int]"])
    known_reads: dict[Stream, int] = field(default_factory=dict[Stream, int])

    def reads(self, stream: Stream) -> int:
        """How many reads of a stream there are."""
        if stream not in self.known_reads:
            self.known_reads[stream] = sum(n for s, n in self.counts.items() if reads(s, stream))
        return self.known_reads[stream]


def reads(site: Site, stream: Stream) -> bool:
    """Whether a move is a read of a stream."""
    return site.move.stream == stream and not site.move.transfer.write


class Cores:
    """The cores of a kernel that run one function; `describe` tells what is issued."""

    def __init__(self, nest: Nest, describe: Callable[[tuple[int, ...]], Instruction]) -> None:
        self._nest = nest
        self._functions = nest.functions
        self._describe = describe
        self._rolling = Rolling()
        self._known: dict[tuple[object, ...], Ran] = {}
        self._moves: dict[Move, Move] = {}
        self._issued: dict[tuple[object, ...], tuple[Program, Site | None]] = {}
        self._slots: list[int] = []

    def core(self, block: int, sub_block: int = 0) -> Ran:
        """What the core with that index runs."""
        self._slots = [-1] * self._nest.buffers
        return self._run(self._nest.body, (block, sub_block))

    def _run(self, body: Body, at: Arguments) -> Ran:
        """Go through a body, or find an equal one; slots of buffers move on."""
        slots = self._slots
        key = (id(body), self._functions[body.known](*at), *[slots[b] for b in body.buffers])
        ran = self._known.get(key)
        if ran is None:
            ran = self._known[key] = self._new(body, at)
        else:
            for buffer, slot in zip(body.buffers, ran.slots, strict=True):
                slots[buffer] = slot
        return ran

    def _new(self, body: Body, at: Arguments) -> Ran:
        ran, slots = Ran(), self._slots
        programs: list[Program] = []
        for item in body.items:
            match item:
                case Turn():
                    slots[item.buffer] = (slots[item.buffer] + 1) % item.slots
                case Issue():
                    programs.append(self._issue(item, at, ran))
                case Nested():
                    programs.append(self._loop(item, at, ran))
        ran.program = self._rolling.joined(programs)
        ran.slots = [slots[buffer] for buffer in body.buffers]
        return ran

    def _issue(self, issue: Issue, at: Arguments, ran: Ran) -> Program:
        slots = [self._slots[buffer] for buffer in issue.slots]
        known = self._functions[issue.known](*at) if issue.known >= 0 else ()
        key = (issue, known, *slots)
        if key not in self._issued:
            self._issued[key] = self._describe_once(issue, at, slots)
        program, site = self._issued[key]
        if site is not None:
            ran.order.append(site)
            ran.counts[site] = 1
            ran.places[site] = {0}
        return program

    def _describe_once(
        self, issue: Issue, at: Arguments, slots: Sequence[int]
    ) -> tuple[Program, Site | None]:
        indices = self._functions[issue.indices](*at) if issue.indices >= 0 else ()
        instruction, site = self._describe((issue.number, *indices, *slots)), None
        place = move_of(instruction)
        if place is not None:
            move = self._moves.setdefault(place[0], place[0])
            site = Site(issue, move)
            transfer = replace(move.transfer, offset=_aligned_as(place[1], move))
            instruction = replace(instruction, transfer=transfer)
        return self._rolling.instruction(instruction), site

    def _loop(self, loop: Nested, at: Arguments, ran: Ran) -> Program:
        start, end = self._functions[loop.bounds](*at)
        values = range(start, end, loop.step)
        bodies = [self._run(loop.body, (*at, value)) for value in values]
        if any(body.counts for body in bodies):
            ran.order.append(Runs(values, bodies))
            groups: defaultdict[Ran, list[int]] = defaultdict(list)
            for value, body in zip(values, bodies, strict=True):
                groups[body].append(value)
            for body, those in groups.items():
                self._add(ran, body, [(*at, value) for value in those])
        return self._rolling.rolled([body.program for body in bodies])

    def _add(self, ran: Ran, body: Ran, runs: Sequence[Arguments]) -> None:
        """Add the moves of a body that runs with these arguments."""
        for site, inner in body.places.items():
            shift = self._functions[site.issue.shifts[len(runs[0]) - 2]]
            outer = {shift(*at)[0] for at in runs}
            found = inner if outer == {0} else {a + b for a in outer for b in inner}
            ran.places.setdefault(site, set()).update(found)
            ran.counts[site] = ran.counts.get(site, 0) + body.counts[site] * len(runs)


def _aligned_as(offset: int, move: Move) -> int:
    """The least offset that is as well aligned: short bursts want no more than a request."""
    place = ALIGNED[offset % ALIGNMENT]
    return 0 if place > 1 and move.transfer.burst_bytes < ALIGNMENT else place
