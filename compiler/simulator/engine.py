"""The pace of cores: what they issue goes to in-order queues, and runs when it can.

Instructions are visited in issue order and timed as soon as what they wait for is known: as every
queue is first in, first out, the order of the visits does not change the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from compiler.simulator.operations import Operation
from compiler.simulator.queue import Core, Counter, Queue, Signal


@dataclass(slots=True, eq=False)
class Engine:
    """Cores with their flags; `issue_ticks` is what the scalar unit takes for an instruction.

    `awake` are queues whose first instruction may have become ready; operations note `margins`
    and `facts`.
    """

    cores: list[Core]
    issue_ticks: int
    signals: list[Signal] = field(default_factory=list[Signal])
    counters: list[Counter] = field(default_factory=list[Counter])
    queues: list[Queue] = field(default_factory=list[Queue])
    awake: list[Queue] = field(default_factory=list[Queue])
    margins: list[int] = field(default_factory=list[int])
    facts: list[int] = field(default_factory=list[int])

    def issue(self, operation: Operation) -> None:
        """Queue an operation on its core; the scalar unit stops at a full queue."""
        core = operation.queue.core
        if core.backlog or not self._queue(core, operation):
            core.backlog.append(operation)
        while self.awake:
            self._drain(self.awake.pop())

    def _queue(self, core: Core, operation: Operation) -> bool:
        """Whether there was a place in the queue for it."""
        queue = operation.queue
        if core.queues[0].pending or 0 < queue.depth <= len(queue.pending):
            return False
        core.clock += self.issue_ticks
        if queue.depth and len(queue.left) + len(queue.pending) >= queue.depth:
            core.clock = self._later(core.clock, queue.left.popleft())
        index = core.issued
        core.issued += 1
        if queue.pending or (operation.waits and not operation.ready()):
            queue.pending.append((operation, index, core.clock))
        else:
            self._run(operation, index, core.clock)
        return True

    def _run(self, operation: Operation, index: int, issued: int) -> None:
        """Time an operation; what follows it in its queue can begin after it."""
        queue = operation.queue
        core = queue.core
        start = self._later(queue.free, issued)
        end = operation.run(start, index)
        if index < core.keep:
            core.starts[index], core.ends[index] = start, end
        if queue.depth:
            queue.left.append(queue.free)
        if queue is core.queues[0]:
            core.clock = self._later(core.clock, queue.free)

    def _drain(self, queue: Queue) -> None:
        """Run what is in a queue up to the first wait for what nobody has raised yet."""
        pending, core = queue.pending, queue.core
        while pending and pending[0][0].ready():
            self._run(*pending.popleft())
        if not pending and core.queues[0].pending and queue is not core.queues[0]:
            self.awake.append(core.queues[0])
        while core.backlog and self._queue(core, core.backlog[0]):
            core.backlog.popleft()

    def _later(self, one: int, other: int) -> int:
        self.margins.append(one - other)
        return one if one >= other else other

    def shape(self) -> tuple[object, ...]:
        """What of the state is no time: what waits where, and how many times there are."""
        return (
            [id(operation) for core in self.cores for operation in core.backlog],
            [id(operation) for queue in self.queues for operation, _, _ in queue.pending],
            [(len(queue.left), len(queue.pending)) for queue in self.queues],
            [len(signal.raised) for signal in self.signals],
            [len(sets) for counter in self.counters for sets in counter.sets.values()],
            [len(core.backlog) for core in self.cores],
        )

    def times(self) -> list[int]:
        """All times of the state, and the numbers of the instructions that wait."""
        found: list[int] = []
        for core in self.cores:
            found += (core.clock, core.issued)
        for queue in self.queues:
            found += (queue.free, queue.done, queue.since, queue.raised, queue.carried)
            found += queue.left
            for _, index, issued in queue.pending:
                found += (index, issued)
        for signal in self.signals:
            found.append(signal.cleared)
            for raised in signal.raised:
                found += raised
        for counter in self.counters:
            for sets in counter.sets.values():
                found += sets
        return found

    def set_times(self, times: Iterator[int]) -> None:
        """The state of the same shape with other times."""
        for core in self.cores:
            core.clock, core.issued = next(times), next(times)
        for queue in self.queues:
            queue.free, queue.done = next(times), next(times)
            queue.since, queue.raised, queue.carried = next(times), next(times), next(times)
            for place in range(len(queue.left)):
                queue.left[place] = next(times)
            for place, (operation, _, _) in enumerate(queue.pending):
                queue.pending[place] = operation, next(times), next(times)
        for signal in self.signals:
            signal.cleared = next(times)
            for place in range(len(signal.raised)):
                signal.raised[place] = next(times), next(times)
        for counter in self.counters:
            for sets in counter.sets.values():
                for place in range(len(sets)):
                    sets[place] = next(times)

    def totals(self) -> list[int]:
        """The ticks in which each queue was busy, and blocked."""
        return [total for queue in self.queues for total in (queue.busy, queue.blocked)]

    def set_totals(self, totals: Iterator[int]) -> None:
        """The same as they shall be."""
        for queue in self.queues:
            queue.busy, queue.blocked = next(totals), next(totals)
