"""The time of one kernel: its cores, the memory they share, and its launch."""

from __future__ import annotations

from collections.abc import Sequence, Set

from compiler.simulator.core import CoreTiming
from compiler.simulator.instruction import Program, first_instructions
from compiler.simulator.kernel_timing import (
    CoreGroup,
    CoreType,
    KernelTiming,
    PipeUse,
    core_count,
    summarise,
    team_size,
)
from compiler.simulator.roofline import work
from compiler.simulator.teams import Teams
from compiler.simulator.traffic import Traffic, measure
from compiler.soc.table import Soc


def simulate_kernel(
    programs: Sequence[Program],
    soc: Soc,
    *,
    core_type: str,
    keep: int = 0,
    traffic: Traffic | None = None,
    warm: Set[int] = frozenset(),
) -> KernelTiming:
    """Time the kernel whose block `i` runs `programs[i]`, at most one block to a core.

    In a mixed kernel, each block has the program of a cube core and those of its vector cores.
    `traffic` is what they move, where that is known; `warm` are the buffers, by number, that are
    in L2 when the kernel begins. Of the first `keep` instructions of each core the first and last
    cycle are kept, for `trace.json`.
    Raises `ScheduleError` for a program that cannot run, `ValueError` for more blocks than cores
    or another core type than AI_CORE, AI_VECTOR_CORE and MIX_AIC.
    """
    kind = _kind(core_type)
    _check(len(programs), soc, kind)
    teams, size = Teams(programs, soc, kind, keep), team_size(soc, kind)
    traffic = traffic or measure(programs, soc.l2, warm)
    timings = teams.settle(traffic)
    groups = tuple(
        _core_group(tuple(blocks), core, timing, soc.clock_mhz, programs[blocks[0] * size + core])
        for blocks, team in zip(teams.blocks.values(), timings, strict=True)
        for core, timing in enumerate(team)
    )
    return summarise(groups, traffic, work(programs, soc), soc, kind)


def _kind(core_type: str) -> CoreType:
    kinds = (CoreType.AI_CORE, CoreType.AI_VECTOR_CORE, CoreType.MIX_AIC)
    if core_type not in kinds:
        raise ValueError(
            f"no kernel runs on '{core_type}': it is {', '.join(kinds[:-1])} or {kinds[-1]}"
        )
    return CoreType(core_type)


def _check(programs: int, soc: Soc, kind: CoreType) -> None:
    cores, size = core_count(soc, kind), team_size(soc, kind)
    if kind is CoreType.MIX_AIC and not soc.split_cores:
        raise ValueError(f"{soc.name} has no separate vector cores for a mixed kernel")
    if programs % size:
        raise ValueError(f"{programs} programs are not {size} for each block of a mixed kernel")
    blocks = programs // size
    if not 0 < blocks <= cores:
        raise ValueError(f"{blocks} blocks on {soc.name}: it has {cores} cores for {kind} kernels")


def _core_group(
    blocks: tuple[int, ...], core: int, timing: CoreTiming, mhz: int, program: Program
) -> CoreGroup:
    return CoreGroup(
        blocks=blocks,
        core=core,
        cycles=timing.cycles,
        core_us=timing.cycles / mhz,
        pipes={p: PipeUse(t.busy / mhz, t.blocked / mhz) for p, t in timing.pipes.items()},
        program=first_instructions(program, len(timing.starts)),
        schedule=timing,
    )
