"""What the simulation of a kernel yields: times, pipes, bytes and the pipe that bounds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from compiler.simulator.core import CoreTiming
from compiler.simulator.instruction import Instruction, Pipe
from compiler.simulator.roofline import Work, floors
from compiler.simulator.traffic import Traffic
from compiler.soc.table import Soc

BOUND_NAMES: Mapping[Pipe, str] = {
    Pipe.S: "scalar",
    Pipe.V: "vector",
    Pipe.M: "cube",
    Pipe.MTE1: "mte1",
    Pipe.MTE2: "mte2",
    Pipe.MTE3: "mte3",
    Pipe.FIX: "fixpipe",
}


class CoreType(StrEnum):
    """Where a task runs, as `Task Type` in op_summary.csv."""

    AI_CORE = "AI_CORE"
    AI_VECTOR_CORE = "AI_VECTOR_CORE"
    MIX_AIC = "MIX_AIC"
    AI_CPU = "AI_CPU"


@dataclass(frozen=True, slots=True)
class PipeUse:
    """Microseconds in which a pipe works, and in which a wait or barrier holds it up."""

    busy_us: float
    blocked_us: float


@dataclass(frozen=True, slots=True)
class CoreGroup:
    """Cores (block indices) whose programs are equal up to addresses, and their timing.

    Of the cores that run a block of a mixed kernel, `core` 0 is the cube core, the others are its
    vector cores: each has a group of its own. `program` has the first instructions of the first of
    them, as many as `schedule` keeps times of.
    """

    blocks: tuple[int, ...]
    core: int
    cycles: float
    core_us: float
    pipes: Mapping[Pipe, PipeUse]
    program: Sequence[Instruction]
    schedule: CoreTiming


_Teams: TypeAlias = "dict[tuple[int, ...], list[CoreGroup]]"


@dataclass(frozen=True, slots=True)
class KernelTiming:
    """What a kernel takes on `soc`: `duration_us` is `head_us` plus `slowest_us`, its slowest core.

    `core_us` and `pipes` are means over the blocks, as profilers report them (published core and
    task times differ by just the idle cores of the last round), of a mixed kernel's cores those of
    the one that takes longest; `bound` names the busiest pipe,
    or "launch" when the head takes longer than the cores. Bytes are those of all cores;
    `gm_bytes` reach memory, the rest stays in L2. `cycles` is the slowest core's. `work` is what
    all cores compute.
    """

    soc: Soc
    core_type: CoreType
    block_dim: int
    duration_us: float
    head_us: float
    core_us: float
    slowest_us: float
    cycles: float
    pipes: Mapping[Pipe, PipeUse]
    bound: str
    read_bytes: int
    written_bytes: int
    gm_bytes: int
    work: Work
    groups: tuple[CoreGroup, ...]
    traffic: Traffic

    @property
    def floors_us(self) -> Mapping[str, float]:
        """How long memory, cubes and vector units of the SoC need at least, by name."""
        return floors(self.work, self.gm_bytes, self.soc)


def core_count(soc: Soc, kind: CoreType) -> int:
    """How many tasks of one block can run at a time."""
    return {
        CoreType.AI_CORE: soc.cube_cores,
        CoreType.AI_VECTOR_CORE: soc.vector_cores,
        CoreType.MIX_AIC: soc.cube_cores,
        CoreType.AI_CPU: soc.ai_cpus,
    }[kind]


def team_size(soc: Soc, kind: CoreType) -> int:
    """How many cores run a block."""
    return 1 + soc.vector_cores // soc.cube_cores if kind is CoreType.MIX_AIC else 1


def summarise(
    groups: tuple[CoreGroup, ...], traffic: Traffic, done: Work, soc: Soc, kind: CoreType
) -> KernelTiming:
    """The timing of a kernel from that of its cores."""
    slowest = max(groups, key=lambda group: group.cycles)
    teams = _teams(groups)
    blocks = sum(len(blocks) for blocks in teams)
    head = _head(soc, kind, blocks)
    core_us = _mean(teams, lambda group: group.core_us)
    pipes = _mean_pipes(teams)
    return KernelTiming(
        soc=soc,
        core_type=kind,
        block_dim=blocks,
        duration_us=head + slowest.core_us,
        head_us=head,
        core_us=core_us,
        slowest_us=slowest.core_us,
        cycles=slowest.cycles,
        pipes=pipes,
        bound=_bound(pipes, core_us, head),
        read_bytes=traffic.read_bytes,
        written_bytes=traffic.written_bytes,
        gm_bytes=traffic.memory_reads + traffic.write_backs(soc.l2),
        work=done,
        groups=groups,
        traffic=traffic,
    )


def _head(soc: Soc, kind: CoreType, blocks: int) -> float:
    """Microseconds before the first instruction: more for each core that is started."""
    launch, vectors = soc.costs.launch, team_size(soc, kind) - 1
    each = {
        CoreType.AI_CORE: launch.cube_core_us,
        CoreType.AI_VECTOR_CORE: launch.vector_core_us,
        CoreType.MIX_AIC: launch.cube_core_us + vectors * launch.vector_core_us,
    }[kind]
    return launch.base_us + each * blocks


def _teams(groups: Sequence[CoreGroup]) -> _Teams:
    """Groups by the blocks that they run."""
    teams: _Teams = {}
    for group in groups:
        teams.setdefault(group.blocks, []).append(group)
    return teams


def _mean(teams: _Teams, value: Callable[[CoreGroup], float]) -> float:
    """Over all blocks, of each block the greatest."""
    blocks = sum(len(blocks) for blocks in teams)
    return sum(max(map(value, team)) * len(blocks) for blocks, team in teams.items()) / blocks


def _mean_pipes(teams: _Teams) -> dict[Pipe, PipeUse]:
    groups = [group for team in teams.values() for group in team]
    used = [pipe for pipe in Pipe if any(pipe in group.pipes for group in groups)]
    return {pipe: _mean_pipe(teams, pipe) for pipe in used}


def _mean_pipe(teams: _Teams, pipe: Pipe) -> PipeUse:
    idle = PipeUse(0.0, 0.0)
    return PipeUse(
        _mean(teams, lambda group: group.pipes.get(pipe, idle).busy_us),
        _mean(teams, lambda group: group.pipes.get(pipe, idle).blocked_us),
    )


def _bound(pipes: Mapping[Pipe, PipeUse], core_us: float, head_us: float) -> str:
    if head_us > core_us or not pipes:
        return "launch"
    return BOUND_NAMES[max(pipes, key=lambda pipe: pipes[pipe].busy_us)]
