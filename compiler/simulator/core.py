"""Event simulation of cores: in-order pipes that are ordered by flags alone."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compiler.simulator.assembly import Assembly, Member
from compiler.simulator.cost import Cycles
from compiler.simulator.engine import Engine
from compiler.simulator.fast_forward import run
from compiler.simulator.instruction import Instruction, Pipe
from compiler.simulator.intern import Codes
from compiler.simulator.operations import Operation
from compiler.simulator.queue import TICKS, Core, ScheduleError
from compiler.simulator.side_by_side import side_by_side
from compiler.soc.costs import Costs


@dataclass(frozen=True, slots=True)
class PipeTiming:
    """Cycles in which a pipe works, and in which a wait or barrier holds it up."""

    busy: float
    blocked: float


@dataclass(frozen=True, slots=True)
class CoreTiming:
    """What each used pipe of a core did, in cycles, and how many instructions it ran.

    `starts` and `ends` are those of the first instructions, as many as were to be kept.
    """

    starts: array[float]
    ends: array[float]
    pipes: Mapping[Pipe, PipeTiming]
    cycles: float
    instructions: int


def simulate_core(
    codes: Codes,
    distinct: Sequence[Instruction],
    cycles: Sequence[Cycles],
    costs: Costs,
    *,
    keep: int = 0,
) -> CoreTiming:
    """Time a program whose code `c` is the instruction `distinct[c]` and costs `cycles[c]`.

    `ScheduleError` when it deadlocks or sets a flag twice.
    """
    return simulate_cores([Member(codes, cycles)], distinct, costs, keep=keep)[0]


def simulate_cores(
    members: Sequence[Member], distinct: Sequence[Instruction], costs: Costs, *, keep: int = 0
) -> list[CoreTiming]:
    """Time cores that wait for each other; the first `keep` instructions of each are noted."""
    assembly = Assembly(members, distinct, costs, keep)
    engine = assembly.engine
    run(engine, side_by_side(assembly.programs))
    if any(queue.pending for queue in engine.queues):
        raise ScheduleError(f"deadlock: {_waiting(engine)}")
    for signal in engine.signals:
        if len(signal.raised) > 1:
            signal.set_twice(signal.raised[1][1])
    return [_timing(core, engine.issue_ticks) for core in engine.cores]


def _waiting(engine: Engine) -> str:
    heads = [queue.pending[0] for queue in engine.queues if queue.pending]
    return "; ".join(_describe(operation, index) for operation, index, _ in heads)


def _describe(operation: Operation, index: int) -> str:
    instruction, core = operation.instruction, operation.queue.core
    words = (instruction.mnemonic, instruction.flag or instruction.cross)
    text = " ".join(str(word) for word in words if word is not None)
    where = f" of {core.name}" if core.name else ""
    return f"instruction {index} ({text}) waits in {instruction.pipe}{where}"


def _timing(core: Core, issue_ticks: int) -> CoreTiming:
    """The scalar unit also queues every instruction."""
    used = [queue for queue in core.queues if queue.used]
    core.queues[0].busy += core.issued * issue_ticks
    pipes = {
        queue.pipe: PipeTiming(queue.busy / TICKS, queue.blocked / TICKS)
        for queue in core.queues
        if queue.busy or queue.used
    }
    last = max((max(queue.free, queue.done, queue.raised) for queue in used), default=0)
    return CoreTiming(
        array("d", [core.starts[index] / TICKS for index in range(core.keep)]),
        array("d", [core.ends[index] / TICKS for index in range(core.keep)]),
        pipes,
        last / TICKS,
        core.issued,
    )
