"""The time of one kernel: its cores, the memory they share, and its launch."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from compiler.simulator.core import CoreTiming, simulate_core
from compiler.simulator.cost import Cycles, Share, cycles
from compiler.simulator.instruction import Program
from compiler.simulator.intern import Interner
from compiler.simulator.kernel_timing import (
    CoreGroup,
    CoreType,
    KernelTiming,
    PipeUse,
    core_count,
    summarise,
)
from compiler.simulator.traffic import Traffic, measure, oversubscription, share
from compiler.soc.table import Soc

_ROUNDS = 6
"""How often the memory rates are adjusted; three rounds suffice for any kernel that was tried."""


def simulate_kernel(
    programs: Sequence[Program],
    soc: Soc,
    *,
    core_type: str,
    keep_schedule: bool = False,
) -> KernelTiming:
    """Time the kernel whose block `i` runs `programs[i]`, at most one block to a core.

    `keep_schedule` keeps the first and last cycle of every instruction, for `trace.json`.
    Raises `ScheduleError` for a program that cannot run, `ValueError` for more blocks than cores
    or another core type than AI_CORE and AI_VECTOR_CORE.
    """
    kind = _kind(core_type)
    _check(len(programs), soc, kind)
    interner = Interner(soc.costs.memory.alignment)
    blocks = _group(programs, interner)
    traffic = measure(programs, soc.l2)
    codes = [array("I", key) for key in blocks]
    timings = _settle(codes, interner, traffic, soc, kind)
    groups = tuple(
        _core_group(tuple(indices), timing, programs, soc, keep_schedule)
        for indices, timing in zip(blocks.values(), timings, strict=True)
    )
    return summarise(groups, traffic, soc, kind)


def _kind(core_type: str) -> CoreType:
    kinds = (CoreType.AI_CORE, CoreType.AI_VECTOR_CORE)
    if core_type not in kinds:
        raise ValueError(f"no kernel runs on '{core_type}': it is {' or '.join(kinds)}")
    return CoreType(core_type)


def _check(blocks: int, soc: Soc, kind: CoreType) -> None:
    cores = core_count(soc, kind)
    if not 0 < blocks <= cores:
        raise ValueError(f"{blocks} blocks on {soc.name}: it has {cores} cores for {kind} kernels")


def _group(programs: Sequence[Program], interner: Interner) -> dict[bytes, list[int]]:
    """Block indices by the codes of their program."""
    known: dict[int, bytes] = {}
    groups: dict[bytes, list[int]] = {}
    for index, program in enumerate(programs):
        if id(program) not in known:
            known[id(program)] = interner.codes(program).tobytes()
        groups.setdefault(known[id(program)], []).append(index)
    return groups


def _settle(
    programs: Sequence[Sequence[int]],
    interner: Interner,
    traffic: Traffic,
    soc: Soc,
    kind: CoreType,
) -> list[CoreTiming]:
    """Time the distinct programs; slow the memory down until it moves no more than it can."""
    stretch = 1.0
    timings = _time(programs, interner, share(traffic, soc), soc, kind)
    for _ in range(_ROUNDS):
        slowest = max(timing.cycles for timing in timings)
        over = oversubscription(traffic, soc, slowest)
        if over <= 1.01:
            break
        stretch *= over
        timings = _time(programs, interner, share(traffic, soc, stretch), soc, kind)
    return timings


def _time(
    programs: Sequence[Sequence[int]],
    interner: Interner,
    rates: Share,
    soc: Soc,
    kind: CoreType,
) -> list[CoreTiming]:
    vector_core = kind is CoreType.AI_VECTOR_CORE
    costs: list[Cycles] = [
        cycles(instruction, soc.costs, rates, vector_core=vector_core)
        for instruction in interner.distinct
    ]
    return [simulate_core(codes, interner.distinct, costs, soc.costs) for codes in programs]


def _core_group(
    blocks: tuple[int, ...],
    timing: CoreTiming,
    programs: Sequence[Program],
    soc: Soc,
    keep_schedule: bool,
) -> CoreGroup:
    mhz = soc.clock_mhz
    return CoreGroup(
        blocks=blocks,
        cycles=timing.cycles,
        core_us=timing.cycles / mhz,
        pipes={p: PipeUse(t.busy / mhz, t.blocked / mhz) for p, t in timing.pipes.items()},
        program=programs[blocks[0]] if keep_schedule else None,
        schedule=timing if keep_schedule else None,
    )
