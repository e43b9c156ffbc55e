"""The state of one pipe and of one flag while a core is simulated."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import Enum

from compiler.simulator.cost import BARRIER, Cycles
from compiler.simulator.instruction import Flag, Instruction, Pipe


@dataclass(slots=True, eq=False)
class Queue:
    """A pipe: `free` when its next instruction can begin, `done` when all its results are there,
    `since` when it began to work without a pause.

    `depth` (0: unlimited) bounds what the scalar unit can queue; `left` holds when the last
    `depth` instructions left the queue. All times in cycles.
    """

    pipe: Pipe
    depth: int
    scalar: bool = field(init=False)
    free: float = 0.0
    since: float = 0.0
    done: float = 0.0
    busy: float = 0.0
    blocked: float = 0.0
    pending: deque[tuple[int, float]] = field(default_factory=deque[tuple[int, float]])
    left: deque[float] = field(default_factory=deque[float])

    def __post_init__(self) -> None:
        self.scalar = self.pipe is Pipe.S

    def work(self, start: float, cost: Cycles, cube: Queue) -> float:
        """An instruction runs from `start`; the next may begin before its result is there."""
        idle = start - self.done
        occupancy = cost.occupancy + min(cost.fill, max(idle, 0.0))
        if cost.contention:
            overlap = min(start + occupancy, cube.done) - max(start, cube.since)
            occupancy += cost.contention * max(overlap, 0.0)
        if idle > 0:
            self.since = start
        self.free = start + occupancy
        end = self.free + cost.latency
        if end > self.done:
            self.busy += end - max(start, self.done)
            self.done = end
        return end

    def hold(self, start: float, until: float, cycles: float) -> float:
        """Nothing begins before `until`; then the wait itself takes `cycles`."""
        if until > start:
            self.blocked += until - start
            start = until
        self.free = start + cycles
        return self.free


@dataclass(slots=True, eq=False)
class Signal:
    """A flag: sets that no wait has cleared yet (time, instruction), and the last clearing."""

    waiter: Queue
    raised: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])
    cleared: float = 0.0


class Action(Enum):
    """What an instruction does to its queue."""

    WORK = 0
    SET = 1
    WAIT = 2
    BARRIER = 3


@dataclass(slots=True, eq=False)
class Operation:
    """An instruction with its queue, cost and flag looked up."""

    action: Action
    queue: Queue
    cost: Cycles
    signal: Signal

    @staticmethod
    def of(
        instruction: Instruction,
        cost: Cycles,
        queues: Mapping[Pipe, Queue],
        signals: MutableMapping[Flag, Signal],
    ) -> Operation:
        """Look up what `instruction` uses; its flag enters `signals` when it is new."""
        queue = queues[instruction.pipe]
        flag = instruction.flag
        if flag is None:
            action = Action.BARRIER if instruction.mnemonic == BARRIER else Action.WORK
            return Operation(action, queue, cost, Signal(queue))
        if flag not in signals:
            signals[flag] = Signal(queues[flag.destination])
        action = Action.SET if flag.source is instruction.pipe else Action.WAIT
        return Operation(action, queue, cost, signals[flag])
