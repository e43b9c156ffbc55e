"""The state of cores while they are simulated: what they issue, their pipes, their flags."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from compiler.simulator.instruction import Flag, Pipe

TICKS = 1024
"""The clock's steps in a cycle. Times are whole ticks: sums of them are exact."""


class ScheduleError(ValueError):
    """A program that cannot run: a deadlock, or a flag that is set twice before its wait."""


@dataclass(slots=True, eq=False)
class Queue:
    """A pipe: `free` when its next instruction can begin, `done` when all its results are there,
    `since` when it began to work without a pause, `raised` when its last flag was. `carried`: when
    the data of all its instructions is through the way to memory, one behind the other.

    `depth` (0: unlimited) bounds what the scalar unit can queue; `left` holds when the last
    `depth` instructions left the queue. All times in ticks.
    """

    pipe: Pipe
    depth: int
    core: Core
    used: bool = False
    free: int = 0
    since: int = 0
    done: int = 0
    raised: int = 0
    carried: int = 0
    busy: int = 0
    blocked: int = 0
    pending: deque[tuple[Any, int, int]] = field(default_factory=deque[tuple[Any, int, int]])
    """Operations that were issued and wait, each with its number and its time of issue."""
    left: deque[int] = field(default_factory=deque[int])


@dataclass(slots=True, eq=False)
class Core:
    """What a core has issued, and when; a full queue holds up the `backlog`.

    `queues` begins with that of the scalar unit, which issues nothing while it waits. `starts`
    and `ends` are kept of the first `keep` instructions.
    """

    name: str
    keep: int = 0
    clock: int = 0
    issued: int = 0
    queues: Sequence[Queue] = ()
    backlog: deque[Any] = field(default_factory=deque[Any])
    starts: dict[int, int] = field(default_factory=dict[int, int])
    ends: dict[int, int] = field(default_factory=dict[int, int])


@dataclass(slots=True, eq=False)
class Signal:
    """A flag: sets that no wait has cleared yet (time, instruction), and the last clearing."""

    flag: Flag
    waiter: Queue
    raised: deque[tuple[int, int]] = field(default_factory=deque[tuple[int, int]])
    cleared: int = 0

    def set_twice(self, index: int) -> NoReturn:
        """The set of that number came too early."""
        raise ScheduleError(
            f"flag {self.flag} is set again by instruction {index} before its wait has cleared it"
        )


@dataclass(slots=True, eq=False)
class Counter:
    """A core's counter of a flag between cores: by setting core, the sets not awaited yet.

    `waiters` are the queues of the core that wait for it.
    """

    sets: Mapping[int, deque[int]]
    waiters: list[Queue] = field(default_factory=list[Queue])
