"""The time of one kernel: its cores, the memory they share, and its launch."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.simulator.core import CoreTiming, simulate_core
from compiler.simulator.cost import Share, cycles
from compiler.simulator.instruction import Program, first_instructions
from compiler.simulator.intern import Codes, Interner
from compiler.simulator.kernel_timing import (
    CoreGroup,
    CoreType,
    KernelTiming,
    PipeUse,
    core_count,
    summarise,
)
from compiler.simulator.roofline import work
from compiler.simulator.traffic import Traffic, measure, oversubscription, share
from compiler.soc.table import Soc

_ROUNDS = 6
"""How often the memory rates are adjusted; three rounds suffice for any kernel that was tried."""


def simulate_kernel(
    programs: Sequence[Program],
    soc: Soc,
    *,
    core_type: str,
    keep: int = 0,
    traffic: Traffic | None = None,
) -> KernelTiming:
    """Time the kernel whose block `i` runs `programs[i]`, at most one block to a core.

    `traffic` is what they move, where that is known. Of the first `keep` instructions of each
    core the first and last cycle are kept, for `trace.json`.
    Raises `ScheduleError` for a program that cannot run, `ValueError` for more blocks than cores
    or another core type than AI_CORE and AI_VECTOR_CORE.
    """
    kind = _kind(core_type)
    _check(len(programs), soc, kind)
    cores = _Cores(programs, soc, kind, keep)
    traffic = traffic or measure(programs, soc.l2)
    timings = cores.settle(traffic)
    groups = tuple(
        _core_group(tuple(blocks), timing, programs, soc)
        for blocks, timing in zip(cores.groups.values(), timings, strict=True)
    )
    return summarise(groups, traffic, work(programs, soc), soc, kind)


def _kind(core_type: str) -> CoreType:
    kinds = (CoreType.AI_CORE, CoreType.AI_VECTOR_CORE)
    if core_type not in kinds:
        raise ValueError(f"no kernel runs on '{core_type}': it is {' or '.join(kinds)}")
    return CoreType(core_type)


def _check(blocks: int, soc: Soc, kind: CoreType) -> None:
    cores = core_count(soc, kind)
    if not 0 < blocks <= cores:
        raise ValueError(f"{blocks} blocks on {soc.name}: it has {cores} cores for {kind} kernels")


class _Cores:
    """The cores of a kernel: those whose programs are equal are timed once."""

    def __init__(self, programs: Sequence[Program], soc: Soc, kind: CoreType, keep: int):
        self._soc = soc
        self._vector = kind is CoreType.AI_VECTOR_CORE
        self._keep = keep
        self._interner = Interner(soc.costs.memory.alignment)
        self.groups = _group(programs, self._interner)

    def settle(self, traffic: Traffic) -> list[CoreTiming]:
        """Time the distinct programs; slow the memory down until it moves no more than it can."""
        stretch = 1.0
        timings = self._time(share(traffic, self._soc))
        for _ in range(_ROUNDS):
            slowest = max(timing.cycles for timing in timings)
            over = oversubscription(traffic, self._soc, slowest)
            if over <= 1.01:
                break
            stretch *= over
            timings = self._time(share(traffic, self._soc, stretch))
        return timings

    def _time(self, rates: Share) -> list[CoreTiming]:
        distinct, costs = self._interner.distinct, self._soc.costs
        table = [cycles(item, costs, rates, vector_core=self._vector) for item in distinct]
        return [
            simulate_core(codes, distinct, table, costs, keep=self._keep) for codes in self.groups
        ]


def _group(programs: Sequence[Program], interner: Interner) -> dict[Codes, list[int]]:
    """Block indices by the codes of their program."""
    known: dict[int, Codes] = {}
    groups: dict[Codes, list[int]] = {}
    for index, program in enumerate(programs):
        if id(program) not in known:
            known[id(program)] = interner.codes(program)
        groups.setdefault(known[id(program)], []).append(index)
    return groups


def _core_group(
    blocks: tuple[int, ...], timing: CoreTiming, programs: Sequence[Program], soc: Soc
) -> CoreGroup:
    mhz = soc.clock_mhz
    return CoreGroup(
        blocks=blocks,
        cycles=timing.cycles,
        core_us=timing.cycles / mhz,
        pipes={p: PipeUse(t.busy / mhz, t.blocked / mhz) for p, t in timing.pipes.items()},
        program=first_instructions(programs[blocks[0]], len(timing.starts)),
        schedule=timing,
    )
