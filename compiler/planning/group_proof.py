"""The proof that flags between cores order what a cube core and its vector cores do with memory.

Instructions of a group run in one order that its flags allow, with vector clocks over the pipes of
all its cores. Each wait for a counter meets a certain set, as pipes work in order: so what these
clocks do not order may happen in either order, whatever order was taken here.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from compiler.planning.sync_program import PIPES, Event, describe
from compiler.planning.sync_proof import HazardError

MOST_AHEAD = 15
"""How often a counter may be set ahead of its waits."""

_Clock: TypeAlias = "list[int]"
_Place: TypeAlias = int


class GroupStep(NamedTuple):
    """An instruction: a flag set or awaited, within its core or between cores, or uses of memory.

    `reads` and `writes` are numbers of parts of global memory.
    """

    pipe: int
    name: str
    sets: bool = False
    event: Event | None = None
    flag: int | None = None
    reads: tuple[_Place, ...] = ()
    writes: tuple[_Place, ...] = ()


class _Use(NamedTuple):
    core: int
    pipe: int
    time: int
    name: str


class GroupProof:
    """Checks the programs of a group's cores, the cube core's first."""

    def __init__(
        self, cores: Sequence[Sequence[GroupStep]], meets: Mapping[_Place, Sequence[_Place]]
    ):
        """`meets` has for each part of memory those that share a byte with it."""
        self._meets = meets
        self._queues = [[deque[GroupStep]() for _ in PIPES] for _ in cores]
        for core, steps in enumerate(cores):
            for step in steps:
                self._queues[core][step.pipe].append(step)
        width = len(cores) * len(PIPES)
        self._clocks = [[[0] * width for _ in PIPES] for _ in cores]
        self._raised: dict[tuple[int, Event], _Clock] = {}
        self._told: dict[tuple[int, int], deque[_Clock]] = defaultdict(deque)
        self._set: dict[tuple[int, int], deque[_Clock]] = defaultdict(deque)
        self._counts: dict[tuple[int, int], int] = defaultdict(int)
        self._waits: dict[int, list[list[_Use]]] = defaultdict(lambda: [[] for _ in cores])
        self._uses: dict[tuple[_Place, bool], dict[tuple[int, int], _Use]] = defaultdict(dict)

    def run(self) -> None:
        """HazardError names the two instructions of a hazard, or the flag that is in the way."""
        while any(queue for core in self._queues for queue in core):
            moved = [
                self._advance(core, pipe)
                for core in range(len(self._queues))
                for pipe in range(len(PIPES))
            ]
            if not any(moved):
                heads = (queue[0].name for core in self._queues for queue in core if queue)
                raise HazardError(f"{', '.join(heads)} wait for flags that nobody raises")
        for _, event in self._raised:
            raise HazardError(f"{describe(event)} is raised, and nobody awaits it")
        for counters in (self._told, self._set):
            for (_, flag), left in counters.items():
                if left:
                    raise HazardError(f"flag {flag} between cores is set more often than awaited")

    def _advance(self, core: int, pipe: int) -> bool:
        """Run a pipe as far as it can go; whether it went."""
        queue, moved = self._queues[core][pipe], False
        while queue and self._passes(core, queue[0]):
            queue.popleft()
            moved = True
        return moved

    def _passes(self, core: int, step: GroupStep) -> bool:
        clock = self._clocks[core][step.pipe]
        if step.event is not None:
            return self._signal(core, step, step.event, clock)
        if step.flag is not None:
            return self._cross(core, step, step.flag, clock)
        self._tick(core, step.pipe)
        for place in step.reads:
            self._against(core, step, place, writes=True)
        for place in step.writes:
            self._against(core, step, place, writes=True)
            self._against(core, step, place, writes=False)
        use = _Use(core, step.pipe, clock[core * len(PIPES) + step.pipe], step.name)
        for place in step.reads:
            self._uses[place, False][core, step.pipe] = use
        for place in step.writes:
            self._uses[place, True][core, step.pipe] = use
        return True

    def _tick(self, core: int, pipe: int) -> int:
        place = core * len(PIPES) + pipe
        self._clocks[core][pipe][place] += 1
        return self._clocks[core][pipe][place]

    def _signal(self, core: int, step: GroupStep, event: Event, clock: _Clock) -> bool:
        if step.sets:
            self._raised[core, event] = list(clock)
            return True
        raised = self._raised.pop((core, event), None)
        if raised is None:
            return False
        clock[:] = map(max, clock, raised)
        return True

    def _cross(self, core: int, step: GroupStep, flag: int, clock: _Clock) -> bool:
        if step.sets:
            self._tell(core, step, flag, clock)
            return True
        told = self._told[core, flag]
        if not told:
            return False
        clock[:] = map(max, clock, told.popleft())
        self._waits[flag][core].append(
            _Use(core, step.pipe, self._tick(core, step.pipe), step.name)
        )
        return True

    def _tell(self, core: int, step: GroupStep, flag: int, clock: _Clock) -> None:
        """A set counts on every vector core, or on the cube core once every vector core has set."""
        others = range(1, len(self._queues)) if core == 0 else (0,)
        self._counts[core, flag] += 1
        ahead = self._counts[core, flag] - MOST_AHEAD - 1
        for other in others if ahead >= 0 else ():
            waits = self._waits[flag][other]
            if len(waits) <= ahead or not _knows(clock, waits[ahead]):
                raise HazardError(f"{step.name} may be {MOST_AHEAD + 1} sets ahead of its waits")
        if core == 0:
            for other in others:
                self._told[other, flag].append(list(clock))
            return
        self._set[core, flag].append(list(clock))
        done = [self._set[other, flag] for other in range(1, len(self._queues))]
        if all(done):
            first, *rest = (clocks.popleft() for clocks in done)
            for more in rest:
                first[:] = map(max, first, more)
            self._told[0, flag].append(first)

    def _against(self, core: int, step: GroupStep, place: _Place, *, writes: bool) -> None:
        clock = self._clocks[core][step.pipe]
        for other in self._meets[place]:
            for use in self._uses[other, writes].values():
                if not _knows(clock, use):
                    verb = "reads" if place in step.reads else "overwrites"
                    done = "writes" if writes else "reads"
                    raise HazardError(
                        f"{step.name} {verb} what {use.name} {done} on another core or pipe, "
                        "without a flag"
                    )


def _knows(clock: _Clock, use: _Use) -> bool:
    return clock[use.core * len(PIPES) + use.pipe] >= use.time


def prove_groups(
    groups: Sequence[Sequence[Sequence[GroupStep]]], meets: Mapping[_Place, Sequence[_Place]]
) -> None:
    """HazardError when flags do not order a group, or groups, which have no flags, share memory."""
    _check_apart(groups, meets)
    for cores in groups:
        GroupProof(cores, meets).run()
    flags = {step.flag for cores in groups for core in cores for step in core}
    for flag in sorted(flags - {None}, key=str):
        less = [_without(cores, flag) for cores in groups]
        if all(_is_proved(cores, meets) for cores in less):
            raise HazardError(f"flag {flag} between cores is redundant")


def _check_apart(
    groups: Sequence[Sequence[Sequence[GroupStep]]], meets: Mapping[_Place, Sequence[_Place]]
) -> None:
    writers: dict[_Place, set[int]] = defaultdict(set)
    for number, cores in enumerate(groups):
        for step in (step for core in cores for step in core):
            for place in step.writes:
                writers[place].add(number)
    for number, cores in enumerate(groups):
        for step in (step for core in cores for step in core):
            for place in (*step.reads, *step.writes):
                if any(writers[other] - {number} for other in meets[place] if other in writers):
                    raise HazardError(f"{step.name} uses what another group of cores writes")


def _without(cores: Sequence[Sequence[GroupStep]], flag: int | None) -> list[list[GroupStep]]:
    return [[step for step in core if step.flag != flag] for core in cores]


def _is_proved(
    cores: Sequence[Sequence[GroupStep]], meets: Mapping[_Place, Sequence[_Place]]
) -> bool:
    try:
        GroupProof(cores, meets).run()
    except HazardError:
        return False
    return True
