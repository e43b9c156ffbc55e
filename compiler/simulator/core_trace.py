"""The instructions of a kernel's cores as trace events: a lane for each pipe, arrows for flags."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from compiler.simulator.core import CoreTiming
from compiler.simulator.instruction import Flag, Instruction, Pipe
from compiler.simulator.kernel_timing import CoreGroup, CoreType, KernelTiming
from compiler.simulator.lanes import (
    PIPE_LANES,
    SET_LANES,
    WAIT_LANES,
    Event,
    Lane,
    metadata,
    microseconds,
)

_MOST_ARROWS = 10**9


@dataclass(frozen=True, slots=True)
class CoreTrace:
    """What to show of one core: the first instructions of its program, from `origin_us` on.

    `number` tells the cores of a trace apart, `order` sorts them.
    """

    process: str
    number: int
    order: int
    program: Sequence[Instruction]
    schedule: CoreTiming
    clock_mhz: int
    origin_us: float

    def events(self) -> Iterator[Event]:
        """Lanes, slices and arrows."""
        yield from metadata(self.process, self.order, _used_lanes(self.program))
        drawn = self._drawn()
        for index, instruction in enumerate(self.program):
            yield self._slice(index, instruction, *drawn[index])
        yield from self._throughputs()
        yield from self._arrows()

    def _drawn(self) -> list[tuple[float, float]]:
        """First and last cycle of each slice: a load is drawn until the next one of its pipe
        begins, a set when it is raised."""
        drawn: list[tuple[float, float]] = []
        following: dict[str, float] = {}
        for index in range(len(self.program) - 1, -1, -1):
            lane = _lane(self.program[index])
            start, end = self.schedule.starts[index], self.schedule.ends[index]
            if lane in SET_LANES.values():
                start = end - 1.0
            drawn.append((start, min(end, following.get(lane.name, end))))
            following[lane.name] = start
        return drawn[::-1]

    def _at(self, cycles: float) -> float:
        return microseconds(self.origin_us + cycles / self.clock_mhz)

    def _slice(self, index: int, instruction: Instruction, start: float, end: float) -> Event:
        lane = _lane(instruction)
        return {
            "name": instruction.mnemonic,
            "cname": lane.colour,
            "ph": "X",
            "ts": self._at(start),
            "dur": microseconds(self._at(end) - self._at(start)),
            "pid": self.process,
            "tid": lane.name,
            "args": {
                "index": str(index),
                "detail": _detail(instruction),
                "process_bytes": str(_moved(instruction)),
                "cycles": f"{self.schedule.starts[index]:.1f}–{self.schedule.ends[index]:.1f}",
            },
        }

    def _throughputs(self) -> Iterator[Event]:
        """How fast transfers with global memory go, as if each went evenly from start to end."""
        for pipe in (Pipe.MTE2, Pipe.MTE3):
            change: defaultdict[float, float] = defaultdict(float)
            for index, instruction in enumerate(self.program):
                if instruction.pipe is pipe and instruction.transfer is not None:
                    start, end = self.schedule.starts[index], self.schedule.ends[index]
                    rate = _moved(instruction) * self.clock_mhz / max(end - start, 1.0)
                    change[start] += rate
                    change[end] -= rate
            rates = accumulate(change[moment] for moment in sorted(change))
            for moment, rate in zip(sorted(change), rates, strict=True):
                yield self._throughput(pipe, moment, rate)

    def _throughput(self, pipe: Pipe, cycles: float, rate: float) -> Event:
        return {
            "name": f"{pipe} Throughput",
            "ph": "C",
            "ts": self._at(cycles),
            "pid": self.process,
            "args": {"throughput(MB/s)": abs(round(rate, 1))},
        }

    def _arrows(self) -> Iterator[Event]:
        """From every set to the wait that clears it."""
        raised: defaultdict[Flag, deque[int]] = defaultdict(deque)
        for index, instruction in enumerate(self.program):
            if instruction.flag is not None and _is_set(instruction, instruction.flag):
                raised[instruction.flag].append(index)
        for index, instruction in enumerate(self.program):
            flag = instruction.flag
            if flag is not None and not _is_set(instruction, flag) and raised[flag]:
                yield from self._arrow(flag, raised[flag].popleft(), index)

    def _arrow(self, flag: Flag, source: int, target: int) -> Iterator[Event]:
        """Both ends lie within their slices, half a cycle before these end."""
        for phase, index in (("s", source), ("f", target)):
            yield {
                "name": str(flag),
                "ph": phase,
                "ts": self._at(self.schedule.ends[index] - 0.5),
                "pid": self.process,
                "tid": _lane(self.program[index]).name,
                "id": self.number * _MOST_ARROWS + source,
                "cat": "flag",
                **({"bp": "e"} if phase == "f" else {}),
            }


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a kernel's cores go in a trace: from when on, under what prefix, numbered from."""

    origin_us: float
    prefix: str
    first_number: int


SHOWN_GROUPS = 2
"""How many groups of blocks of one kernel a trace shows, the slowest first."""


def core_traces(
    kernel: KernelTiming, cap: int, placement: Placement
) -> list[tuple[CoreTrace, CoreGroup]]:
    """The first `cap` instructions of the cores that run the slowest blocks, and their groups.

    `ValueError` when the simulation kept fewer.
    """
    slowest = sorted(kernel.groups, key=lambda group: (-group.cycles, group.blocks))
    blocks = list(dict.fromkeys(group.blocks for group in slowest))[:SHOWN_GROUPS]
    shown = [group for some in blocks for group in kernel.groups if group.blocks == some]
    return [
        (_core_trace(kernel, group, cap, placement, placement.first_number + number), group)
        for number, group in enumerate(shown)
    ]


def _core_trace(
    kernel: KernelTiming, group: CoreGroup, cap: int, placement: Placement, number: int
) -> CoreTrace:
    kept, wanted = len(group.program), min(cap, group.schedule.instructions)
    if kept < wanted:
        raise ValueError(f"{kept} instructions were kept of the simulation, not {wanted}")
    name, order = _process(kernel, group.blocks[0], group.core)
    return CoreTrace(
        process=placement.prefix + name,
        number=number,
        order=order,
        program=group.program[:cap],
        schedule=group.schedule,
        clock_mhz=kernel.soc.clock_mhz,
        origin_us=placement.origin_us,
    )


def _process(kernel: KernelTiming, block: int, core: int) -> tuple[str, int]:
    """Name and order: cube cores by number, vector cores as the two that belong to one."""
    if not kernel.soc.split_cores:
        return f"core{block}", 3 * block + 1
    if kernel.core_type is CoreType.AI_VECTOR_CORE:
        block, half = divmod(block, 2)
        core = half + 1
    name = f"veccore{core - 1}" if core else "cubecore0"
    return f"core{block}.{name}", 3 * block + 1 + core


def _detail(instruction: Instruction) -> str:
    return instruction.detail if instruction.flag is None else str(instruction.flag)


def _moved(instruction: Instruction) -> int:
    transfer = instruction.transfer
    return instruction.bytes or (0 if transfer is None else transfer.bytes)


def _used_lanes(program: Sequence[Instruction]) -> list[Lane]:
    lanes = {lane.name: lane for lane in map(_lane, program)}
    return sorted(lanes.values(), key=lambda lane: lane.order)


def _lane(instruction: Instruction) -> Lane:
    flag = instruction.flag
    if flag is None:
        return PIPE_LANES[instruction.pipe]
    return (SET_LANES if _is_set(instruction, flag) else WAIT_LANES)[instruction.pipe]


def _is_set(instruction: Instruction, flag: Flag) -> bool:
    return instruction.pipe is flag.source
