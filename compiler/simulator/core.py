"""Event simulation of one core: in-order pipes that are ordered by flags alone."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from compiler.simulator.cost import Cycles
from compiler.simulator.instruction import Flag, Instruction, Pipe
from compiler.simulator.queue import Action, Operation, Queue, Signal
from compiler.soc.costs import Costs


class ScheduleError(ValueError):
    """A program that cannot run: a deadlock, or a flag that is set twice before its wait."""


@dataclass(frozen=True, slots=True)
class PipeTiming:
    """Cycles in which a pipe works, and in which a wait or barrier holds it up."""

    busy: float
    blocked: float


@dataclass(frozen=True, slots=True)
class CoreTiming:
    """When each instruction starts and ends, in cycles, and what each used pipe did."""

    starts: array[float]
    ends: array[float]
    pipes: Mapping[Pipe, PipeTiming]
    cycles: float


def simulate_core(
    codes: Sequence[int],
    distinct: Sequence[Instruction],
    cycles: Sequence[Cycles],
    costs: Costs,
) -> CoreTiming:
    """Time the program `[distinct[c] for c in codes]`, where `distinct[c]` costs `cycles[c]`.

    `ScheduleError` when it deadlocks or sets a flag twice.
    """
    core = _Core(codes, distinct, cycles, costs)
    core.issue(costs.issue)
    core.check_end()
    pipes = {queue.pipe: PipeTiming(queue.busy, queue.blocked) for queue in core.queues}
    return CoreTiming(core.starts, core.ends, pipes, max(core.ends, default=0.0))


class _Core:
    """The queues and flags of a core while a program runs on it.

    Instructions are visited in issue order and timed as soon as what they wait for is known:
    as every queue is first in, first out, the order of the visits does not change the result.
    """

    def __init__(
        self,
        codes: Sequence[int],
        distinct: Sequence[Instruction],
        cycles: Sequence[Cycles],
        costs: Costs,
    ) -> None:
        self.codes = codes
        self.distinct = distinct
        self.flag_cycles = costs.flag
        self.starts = array("d", bytes(8 * len(codes)))
        self.ends = array("d", bytes(8 * len(codes)))
        self.awake: list[Queue] = []
        self.signals: dict[Flag, Signal] = {}
        queues = {pipe: Queue(pipe, costs.queue_depth.get(pipe, 0)) for pipe in Pipe}
        self.cube = queues[Pipe.M]
        self.operations = [
            Operation.of(instruction, cost, queues, self.signals)
            for instruction, cost in zip(distinct, cycles, strict=True)
        ]
        used = {self.operations[code].queue.pipe for code in set(codes)}
        self.queues = [queue for pipe, queue in queues.items() if pipe in used]

    def issue(self, issue_cycles: float) -> None:
        """Queue every instruction in program order; the scalar unit stops at a full queue."""
        clock = 0.0
        operations = self.operations
        for index, code in enumerate(self.codes):
            queue = operations[code].queue
            clock += issue_cycles
            if queue.depth:
                clock = self._place(queue, clock)
            queue.pending.append((index, clock))
            if len(queue.pending) == 1:
                self._drain(queue)
                while self.awake:
                    self._drain(self.awake.pop())
            if queue.scalar:
                if queue.pending:
                    self._deadlock()
                clock = max(clock, queue.free)

    def check_end(self) -> None:
        """Every instruction must have run, and no flag may be left set twice."""
        if any(queue.pending for queue in self.queues):
            self._deadlock()
        for signal in self.signals.values():
            if len(signal.raised) > 1:
                self._set_twice(signal.raised[1][1])

    def _place(self, queue: Queue, clock: float) -> float:
        """When a queue has a free place for one more instruction, from `clock` on."""
        if len(queue.pending) >= queue.depth:
            self._deadlock()
        if len(queue.left) + len(queue.pending) < queue.depth:
            return clock
        return max(clock, queue.left.popleft())

    def _drain(self, queue: Queue) -> None:
        """Run what is in a queue up to the first wait for a flag that nothing has raised yet."""
        pending = queue.pending
        while pending:
            index, issued = pending[0]
            operation = self.operations[self.codes[index]]
            start = queue.free if queue.free > issued else issued
            if operation.action is Action.WAIT and not operation.signal.raised:
                return
            pending.popleft()
            self.starts[index] = start
            self.ends[index] = self._run(operation, queue, start, index)
            if queue.depth:
                queue.left.append(queue.free)

    def _run(self, operation: Operation, queue: Queue, start: float, index: int) -> float:
        """Advance the queue over one instruction; its end."""
        match operation.action:
            case Action.WORK:
                return queue.work(start, operation.cost, self.cube)
            case Action.SET:
                return self._set(operation, queue, start, index)
            case Action.WAIT:
                return self._wait(operation.signal, queue, start)
            case Action.BARRIER:
                drained = self.queues if queue.scalar else [queue]
                if any(other.pending for other in drained):
                    self._deadlock()
                return queue.hold(start, max(other.done for other in drained), self.flag_cycles)

    def _set(self, operation: Operation, queue: Queue, start: float, index: int) -> float:
        """A set is raised when all before it are done, but does not hold up those behind it."""
        signal = operation.signal
        raised = max(start, queue.done) + self.flag_cycles
        if raised < signal.cleared:
            self._set_twice(index)
        signal.raised.append((raised, index))
        queue.free = start + self.flag_cycles
        if signal.waiter.pending:
            self.awake.append(signal.waiter)
        return raised

    def _wait(self, signal: Signal, queue: Queue, start: float) -> float:
        raised, _ = signal.raised.popleft()
        signal.cleared = queue.hold(start, raised, self.flag_cycles)
        if signal.raised and signal.raised[0][0] < signal.cleared:
            self._set_twice(signal.raised[0][1])
        return signal.cleared

    def _set_twice(self, index: int) -> NoReturn:
        flag = self.distinct[self.codes[index]].flag
        assert flag is not None
        raise ScheduleError(
            f"flag {_flag(flag)} is set again by instruction {index} before its wait has cleared it"
        )

    def _deadlock(self) -> NoReturn:
        heads = [queue.pending[0][0] for queue in self.queues if queue.pending]
        waiting = "; ".join(self._describe(index) for index in heads)
        raise ScheduleError(f"deadlock: {waiting}")

    def _describe(self, index: int) -> str:
        instruction = self.distinct[self.codes[index]]
        flag = "" if instruction.flag is None else f" {_flag(instruction.flag)}"
        return f"instruction {index} ({instruction.mnemonic}{flag}) waits in {instruction.pipe}"


def _flag(flag: Flag) -> str:
    return f"{flag.source}→{flag.destination} event {flag.event}"
