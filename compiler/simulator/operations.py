"""What the instructions of a core do to its queues and flags.

Whatever depends on which of two times is later notes by how much it is, in `margins`: loops are
fast-forwarded for as long as none of these changes sign. What they depend on in another way is
one of the `facts`, which must stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from compiler.simulator.instruction import Instruction
from compiler.simulator.queue import TICKS, Counter, Queue, Signal


@dataclass(slots=True, eq=False)
class Operation:
    """An instruction with its queue looked up; all times in ticks."""

    waits: ClassVar[bool] = False
    """Whether it may have to wait for what comes later in the program, or for other cores."""

    instruction: Instruction
    queue: Queue
    margins: list[int]
    ticks: int
    """What it takes itself: for a set, until the flag is up."""

    def ready(self) -> bool:
        """Whether all that it waits for is known."""
        return True

    def run(self, start: int, index: int) -> int:
        """Advance the queue over the instruction of that number, from `start` on; its end."""
        raise NotImplementedError

    def hold(self, start: int, until: int) -> int:
        """Nothing begins before `until`; then the instruction itself takes `ticks`."""
        margin = until - start
        self.margins.append(margin)
        if margin >= 0:
            self.queue.blocked += margin
            start = until
        self.queue.free = start + self.ticks
        return self.queue.free

    def later(self, one: int, other: int) -> int:
        """The later of two times."""
        self.margins.append(one - other)
        return one if one >= other else other


@dataclass(slots=True, eq=False)
class Work(Operation):
    """The next instruction may begin after `ticks`; the result is there `latency` later, or after
    its data, `transport` on the way behind that of those before it."""

    latency: int
    transport: int
    fill: int
    """Ticks more after an idle time, at most as many as that."""
    contention: int
    """How much longer it takes for `TICKS` ticks in which the cube works too."""
    cube: Queue
    facts: list[int]

    def run(self, start: int, index: int) -> int:
        queue = self.queue
        behind = queue.done - start
        self.margins.append(behind)
        queue.free = start + self.ticks
        if self.fill or self.contention:
            queue.free += self._longer(start, -behind)
        if behind < 0:
            queue.since = start
        end = queue.free
        if self.transport:
            queue.carried = self.later(queue.carried, start) + self.transport
            end = self.later(end, queue.carried)
        end += self.latency
        after = end - queue.done
        self.margins.append(after)
        if after >= 0:
            queue.busy += end - start if behind < 0 else after
            queue.done = end
        return end

    def _longer(self, start: int, idle: int) -> int:
        """The ticks that depend on what happens meanwhile."""
        more = 0
        if self.fill and idle > 0:
            more = -self.later(-idle, -self.fill)
        if self.contention:
            first = self.later(start, self.cube.since)
            last = -self.later(-(start + self.ticks + more), -self.cube.done)
            overlap = last - first
            self.margins.append(-overlap)
            if overlap > 0:
                self.facts.append(overlap)
                more += self.contention * overlap // TICKS
        return more


@dataclass(slots=True, eq=False)
class Set(Operation):
    """Raised when all before it are done, but it does not hold up those behind it."""

    signal: Signal
    awake: list[Queue]

    def run(self, start: int, index: int) -> int:
        queue, signal = self.queue, self.signal
        raised = self.later(start, queue.done) + self.ticks
        early = raised - signal.cleared
        self.margins.append(early)
        if early < 0:
            signal.set_twice(index)
        signal.raised.append((raised, index))
        queue.free = start + self.ticks
        queue.raised = raised
        if signal.waiter.pending:
            self.awake.append(signal.waiter)
        return raised


@dataclass(slots=True, eq=False)
class Wait(Operation):
    """Holds the queue until the flag is raised, and clears it."""

    waits: ClassVar[bool] = True
    signal: Signal

    def ready(self) -> bool:
        return bool(self.signal.raised)

    def run(self, start: int, index: int) -> int:
        signal = self.signal
        raised, _ = signal.raised.popleft()
        signal.cleared = self.hold(start, raised)
        if signal.raised:
            again, setter = signal.raised[0]
            self.margins.append(again - signal.cleared)
            if again < signal.cleared:
                signal.set_twice(setter)
        return signal.cleared


@dataclass(slots=True, eq=False)
class Barrier(Operation):
    """Holds the queue until all that is before it in `drained` is done."""

    waits: ClassVar[bool] = True
    drained: Sequence[Queue]

    def ready(self) -> bool:
        return not any(queue.pending for queue in self.drained if queue is not self.queue)

    def run(self, start: int, index: int) -> int:
        until = self.queue.done
        for queue in self.drained:
            until = self.later(queue.done, until)
        return self.hold(start, until)


@dataclass(slots=True, eq=False)
class CrossSet(Operation):
    """Counts a flag up on other cores when all before it are done."""

    latency: int
    """Until the other cores see it."""
    source: int
    counters: Sequence[Counter]
    awake: list[Queue]

    def run(self, start: int, index: int) -> int:
        raised = self.later(start, self.queue.done) + self.ticks + self.latency
        for counter in self.counters:
            counter.sets[self.source].append(raised)
            self.awake += [queue for queue in counter.waiters if queue.pending]
        self.queue.free = start + self.ticks
        self.queue.raised = raised
        return raised


@dataclass(slots=True, eq=False)
class CrossWait(Operation):
    """Holds the queue until every core that the flag counts has set it, and counts it down."""

    waits: ClassVar[bool] = True
    counter: Counter

    def ready(self) -> bool:
        return all(self.counter.sets.values())

    def run(self, start: int, index: int) -> int:
        first, *others = [sets.popleft() for sets in self.counter.sets.values()]
        for other in others:
            first = self.later(other, first)
        return self.hold(start, first)
