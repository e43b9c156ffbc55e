"""Replay of a model: streams of tasks in order, ordered among each other by events alone."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from compiler.simulator.core import ScheduleError
from compiler.simulator.kernel_timing import CoreType, KernelTiming, core_count, team_size
from compiler.soc.table import Soc


@dataclass(frozen=True, slots=True)
class TaskTiming:
    """One task of a stream; `kernel` is there when its duration was simulated: that of `symbol`."""

    name: str
    op_type: str
    core_type: CoreType
    stream: int
    duration_us: float
    block_dim: int = 1
    kernel: KernelTiming | None = None
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Raises an event when the tasks before it in its stream are done."""

    stream: int
    event: int


@dataclass(frozen=True, slots=True)
class EventWait:
    """Holds up its stream until an event is raised: the nth wait of a stream, the nth record."""

    stream: int
    event: int


Step: TypeAlias = TaskTiming | EventRecord | EventWait


@dataclass(frozen=True, slots=True)
class TaskSpan:
    """A task with its place in time; it could have started at `ready_us`, had cores been free."""

    task: TaskTiming
    ready_us: float
    start_us: float
    end_us: float


@dataclass(frozen=True, slots=True)
class ModelTiming:
    """All tasks in order of their start, and the end of the last."""

    soc: Soc
    tasks: tuple[TaskSpan, ...]
    total_us: float


def kernel_task(
    name: str, op_type: str, stream: int, kernel: KernelTiming, *, symbol: str = ""
) -> TaskTiming:
    """The task that launches a simulated kernel, called `symbol`."""
    return TaskTiming(
        name,
        op_type,
        kernel.core_type,
        stream,
        kernel.duration_us,
        kernel.block_dim,
        kernel,
        symbol,
    )


def ai_cpu_task(name: str, op_type: str, stream: int, soc: Soc) -> TaskTiming:
    """A task on an AI CPU: its duration is the target's assumption, whatever it computes."""
    return TaskTiming(name, op_type, CoreType.AI_CPU, stream, soc.costs.launch.ai_cpu_us)


def replay(steps: Sequence[Step], soc: Soc) -> ModelTiming:
    """Run the streams of `steps`, each in the order given.

    A task takes as many cores of its kind as it has blocks, and starts when they are free; among
    streams the task that can start first does. `ScheduleError` when streams wait for each other.
    """
    return _Replay(steps, soc).run()


class _Replay:
    """The clocks of streams, cores and events."""

    def __init__(self, steps: Sequence[Step], soc: Soc) -> None:
        self.soc = soc
        self.streams: dict[int, deque[Step]] = {}
        for step in steps:
            self.streams.setdefault(step.stream, deque()).append(step)
        self.clocks: dict[int, float] = dict.fromkeys(self.streams, 0.0)
        self.records: defaultdict[int, list[float]] = defaultdict(list)
        self.waits: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.cores = _pools(soc)
        self.spans: list[TaskSpan] = []

    def run(self) -> ModelTiming:
        """Start tasks until no stream has any left."""
        while True:
            self._pass_events()
            heads = self._tasks()
            if not heads:
                break
            _, _, task = min(heads, key=lambda head: head[:2])
            self._start(task)
        if any(self.streams.values()):
            raise ScheduleError(f"streams wait for each other: {self._waiting()}")
        self.spans.sort(key=lambda span: (span.start_us, span.task.stream))
        total = max((span.end_us for span in self.spans), default=0.0)
        return ModelTiming(self.soc, tuple(self.spans), total)

    def _pass_events(self) -> None:
        """Carry out records and the waits that they satisfy, until neither is left at a head."""
        moved = True
        while moved:
            moved = False
            for stream, steps in self.streams.items():
                while steps and self._pass(stream, steps[0]):
                    steps.popleft()
                    moved = True

    def _pass(self, stream: int, step: Step) -> bool:
        match step:
            case EventRecord(event=event):
                self.records[event].append(self.clocks[stream])
                return True
            case EventWait(event=event):
                count = self.waits[stream, event]
                if count >= len(self.records[event]):
                    return False
                self.waits[stream, event] += 1
                self.clocks[stream] = max(self.clocks[stream], self.records[event][count])
                return True
            case TaskTiming():
                return False

    def _tasks(self) -> list[tuple[float, int, TaskTiming]]:
        """What the streams could start next, and when."""
        heads = [steps[0] for steps in self.streams.values() if steps]
        return [
            (self._possible(task), task.stream, task)
            for task in heads
            if isinstance(task, TaskTiming)
        ]

    def _needed(self, task: TaskTiming) -> list[tuple[list[float], int]]:
        """The pools of cores that a task takes from, and how many of each."""
        kinds = {task.core_type: task.block_dim}
        if task.core_type is CoreType.MIX_AIC:
            vectors = team_size(self.soc, task.core_type) - 1
            kinds[CoreType.AI_VECTOR_CORE] = vectors * task.block_dim
        return [(self.cores[kind], min(n, len(self.cores[kind]))) for kind, n in kinds.items()]

    def _possible(self, task: TaskTiming) -> float:
        free = [heapq.nsmallest(count, pool)[-1] for pool, count in self._needed(task)]
        return max(self.clocks[task.stream], *free)

    def _start(self, task: TaskTiming) -> None:
        ready = self.clocks[task.stream]
        start = self._possible(task)
        end = start + task.duration_us
        for pool, count in self._needed(task):
            for _ in range(count):
                heapq.heapreplace(pool, end)
        self.clocks[task.stream] = end
        self.spans.append(TaskSpan(task, ready, start, end))
        self.streams[task.stream].popleft()

    def _waiting(self) -> str:
        heads = [steps[0] for steps in self.streams.values() if steps]
        return ", ".join(
            f"stream {step.stream} for event {step.event}"
            for step in heads
            if isinstance(step, EventWait)
        )


def _pools(soc: Soc) -> Mapping[CoreType, list[float]]:
    """When each core is free, by kind; coupled cores do both cube and vector work. A mixed kernel
    takes cube cores, and vector cores besides."""
    pools = {kind: [0.0] * core_count(soc, kind) for kind in CoreType}
    pools[CoreType.MIX_AIC] = pools[CoreType.AI_CORE]
    if not soc.split_cores:
        pools[CoreType.AI_CORE] = pools[CoreType.AI_VECTOR_CORE]
    return pools
