"""Programs made ready to run: their instructions find their queues and flags."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compiler.simulator.cost import BARRIER, Cycles
from compiler.simulator.engine import Engine
from compiler.simulator.fast_forward import Rounds, Steps
from compiler.simulator.instruction import CrossFlag, Flag, Instruction, Pipe
from compiler.simulator.intern import Codes, Repeat, length
from compiler.simulator.operations import (
    Barrier,
    CrossSet,
    CrossWait,
    Operation,
    Set,
    Wait,
    Work,
)
from compiler.simulator.queue import TICKS, Core, Counter, Queue, Signal
from compiler.soc.costs import Costs


@dataclass(frozen=True, slots=True)
class Member:
    """One of the cores that are simulated together, and its program.

    `cycles` are the costs of all codes on it. Flags between cores tell the cube core of a `group`
    from its vector cores; `name` is for messages, where there are several cores.
    """

    codes: Codes
    cycles: Sequence[Cycles]
    cube: bool = True
    group: int = 0
    name: str = ""


class Assembly:
    """Cores, and the operations of each; `distinct` has the instructions by code."""

    def __init__(
        self, members: Sequence[Member], distinct: Sequence[Instruction], costs: Costs, keep: int
    ) -> None:
        self._members = members
        self._distinct = distinct
        self._flag_ticks, self._cross_ticks = _ticks(costs.flag), _ticks(costs.cross_flag)
        self._signals: dict[tuple[int, Flag], Signal] = {}
        self._counters: dict[tuple[int, int, int], Counter] = {}
        self._known: dict[tuple[int, int], Operation] = {}
        cores = [_core(member, costs, keep) for member in members]
        self.engine = Engine(cores, _ticks(costs.issue))
        self.programs = [self._steps(number, m.codes) for number, m in enumerate(members)]
        self.engine.queues += [queue for core in cores for queue in core.queues if queue.used]
        self.engine.signals += self._signals.values()
        self.engine.counters += self._counters.values()

    def _steps(self, member: int, codes: Codes) -> Steps:
        return [self._step(member, code) for code in codes]

    def _step(self, member: int, code: int | Repeat) -> Operation | Rounds:
        if isinstance(code, Repeat):
            return Rounds(code.count, self._steps(member, code.body))
        key = member, code
        if key not in self._known:
            self._known[key] = self._operation(member, code)
        return self._known[key]

    def _operation(self, member: int, code: int) -> Operation:
        instruction = self._distinct[code]
        queues = self.engine.cores[member].queues
        queue = queues[_PLACE[instruction.pipe]]
        queue.used = True
        at = instruction, queue, self.engine.margins
        if instruction.flag is not None:
            signal = self._signal(member, instruction.flag)
            if instruction.flag.source is instruction.pipe:
                return Set(*at, self._flag_ticks, signal, self.engine.awake)
            return Wait(*at, self._flag_ticks, signal)
        if instruction.cross is not None:
            return self._crossed(member, instruction.cross, at)
        if instruction.mnemonic == BARRIER:
            drained = queues if instruction.pipe is Pipe.S else [queue]
            return Barrier(*at, self._flag_ticks, drained)
        cycles = self._members[member].cycles[code]
        occupancy, latency, transport, fill, contention = map(_ticks, cycles)
        cube, facts = queues[_PLACE[Pipe.M]], self.engine.facts
        more = latency, transport, fill, contention
        return Work(*at, occupancy, *more, cube, facts)

    def _crossed(
        self, member: int, flag: CrossFlag, at: tuple[Instruction, Queue, list[int]]
    ) -> Operation:
        """The set or wait of a flag between cores."""
        if flag.sets:
            counters = [self._counter(peer, flag) for peer in self._peers(member, flag.mode)]
            return CrossSet(
                *at, self._flag_ticks, self._cross_ticks, member, counters, self.engine.awake
            )
        counter = self._counter(member, flag)
        counter.waiters.append(at[1])
        return CrossWait(*at, self._flag_ticks, counter)

    def _signal(self, member: int, flag: Flag) -> Signal:
        waiter = self.engine.cores[member].queues[_PLACE[flag.destination]]
        return self._signals.setdefault((member, flag), Signal(flag, waiter))

    def _counter(self, member: int, flag: CrossFlag) -> Counter:
        sets = {peer: deque[int]() for peer in self._peers(member, flag.mode)}
        return self._counters.setdefault((member, flag.mode, flag.flag), Counter(sets))

    def _peers(self, member: int, mode: int) -> Iterator[int]:
        """The cores whose sets one core counts, which are those that count its own."""
        own = self._members[member]
        for number, other in enumerate(self._members):
            near = mode == 0 or other.group == own.group
            if near and (other.cube == own.cube) == (mode != 2):
                yield number


_PLACE = {pipe: place for place, pipe in enumerate(Pipe)}


def _core(member: Member, costs: Costs, keep: int) -> Core:
    core = Core(member.name, min(keep, length(member.codes)))
    core.queues = [Queue(pipe, costs.queue_depth.get(pipe, 0), core) for pipe in Pipe]
    return core


def _ticks(cycles: float) -> int:
    return round(cycles * TICKS)
