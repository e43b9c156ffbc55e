"""Running a kernel: the queues of each core's pipes, held together by nothing but flags."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Literal, TypeAlias

import numpy as np
from xdsl.ir import SSAValue

from compiler.kernels.issue import IssueOrder, Record, issue_order
from compiler.soc import soc
from dialects.davinci import (
    CrossSetOp,
    CrossWaitOp,
    InstructionOp,
    KernelOp,
    SetFlagOp,
    WaitFlagOp,
)
from dialects.davinci.attributes import Pipe
from dialects.davinci.cross_core import CROSS_COUNT
from dialects.davinci.functions import MIX
from runtime.kernel_engine import cube, vector
from runtime.kernel_engine.memory import Array, CoreMemory, KernelError

Order: TypeAlias = Literal["producers", "consumers", "program"] | Pipe
"""Which pipe runs when several could: the earliest in the data's way, the latest, by the text, or
any but the pipe given, which runs only when no other can.

Of two instructions that no flag orders, the second runs first when the first's pipe is the late
one: what flags do not put behind an instruction of that pipe comes before it.
"""

_PRIORITY = (Pipe.MTE2, Pipe.MTE1, Pipe.M, Pipe.V, Pipe.FIX, Pipe.MTE3, Pipe.S)

_EXECUTORS = {**vector.EXECUTORS, **cube.EXECUTORS}

_Event: TypeAlias = "tuple[Pipe, Pipe, int]"


def run_kernel(
    kernel: KernelOp,
    arguments: Sequence[Array],
    *,
    order: Order = "producers",
    saturates: bool = False,
) -> None:
    """Execute a scheduled kernel on every core; the outputs among `arguments` are written.

    Arguments are C-contiguous arrays of the types of the kernel's arguments, in order; a workspace
    may be bytes. `saturates` is the overflow mode of the vector unit.
    KernelError where the schedule deadlocks or leaves its memory.
    """
    buffers = kernel.body.block.args
    if len(buffers) != len(arguments):
        raise KernelError(f"{len(arguments)} arguments for {len(buffers)} buffers")
    by_buffer: dict[SSAValue, Array] = dict(zip(buffers, arguments, strict=True))

    def memory() -> CoreMemory:
        return CoreMemory(soc(kernel.soc.data), by_buffer, saturates=saturates)

    with np.errstate(all="ignore"):
        if kernel.core_type.data == MIX:
            run_groups(kernel, memory, order)
            return
        issue = issue_order(kernel)
        for block in range(kernel.blocks):
            execute(issue, memory(), schedule(issue, issue.records(block), order))


def run_groups(kernel: KernelOp, memory: Callable[[], CoreMemory], order: Order) -> None:
    """Execute the functions of a mixed kernel, group by group."""
    target = soc(kernel.soc.data)
    cube, vector = (issue_order(kernel, function) for function in kernel.functions)
    for block in range(kernel.blocks):
        subs = range(target.vector_cores // target.cube_cores)
        cores = [(cube, cube.records(block)), *((vector, vector.records(block, s)) for s in subs)]
        memories = [memory() for _ in cores]
        for core, record in Group(cores).run(_priority(order), last_first=order == "consumers"):
            execute(cores[core][0], memories[core], [record])


def execute(issue: IssueOrder, memory: CoreMemory, records: Iterable[Record]) -> None:
    """Execute instructions on data on one core."""
    for record in records:
        op = issue.ops[record[0]]
        assert isinstance(op, InstructionOp)
        _EXECUTORS[type(op)](memory, op, issue.resolve(record))


def schedule(issue: IssueOrder, records: Sequence[Record], order: Order) -> Iterator[Record]:
    """The instructions on data in one order that the pipes' queues and the flags allow."""
    if order == "program":
        yield from (r for r in records if isinstance(issue.ops[r[0]], InstructionOp))
        return
    queues = Queues(issue, records)
    while queues.is_busy:
        record = queues.take(_priority(order))
        if record is None:
            raise KernelError(f"deadlock: {queues.waiting} wait for flags that nobody raises")
        if isinstance(issue.ops[record[0]], InstructionOp):
            yield record


def _priority(order: Order) -> Sequence[Pipe]:
    match order:
        case Pipe():
            return [*(pipe for pipe in _PRIORITY if pipe is not order), order]
        case "consumers":
            return _PRIORITY[::-1]
        case _:
            return _PRIORITY


class Queues:
    """The in-order queues of a core's pipes, and the flags that are raised.

    `counters` are those of flags between cores; `tell` is what a core does to set one.
    """

    def __init__(
        self,
        issue: IssueOrder,
        records: Sequence[Record],
        counters: Counter[int] | None = None,
        tell: Callable[[int], None] | None = None,
    ):
        self._issue = issue
        self._counters = Counter[int]() if counters is None else counters
        self._tell = tell
        self._raised: set[_Event] = set()
        self._queues: dict[Pipe, deque[Record]] = {pipe: deque() for pipe in _PRIORITY}
        for record in records:
            self._queues[issue.pipes[record[0]]].append(record)

    @property
    def is_busy(self) -> bool:
        """Whether anything is left to do."""
        return any(self._queues.values())

    @property
    def waiting(self) -> str:
        """What the pipes stand at."""
        return ", ".join(self._name(queue[0]) for queue in self._queues.values() if queue)

    def take(self, priority: Sequence[Pipe]) -> Record | None:
        """Run the next instruction of the first pipe in the list that can go on; None if none."""
        for pipe in priority:
            queue = self._queues[pipe]
            if queue and self._passes(queue[0]):
                return queue.popleft()
        return None

    def _passes(self, record: Record) -> bool:
        """Whether an instruction can run now; a flag takes its effect."""
        op = self._issue.ops[record[0]]
        if isinstance(op, CrossSetOp | CrossWaitOp):
            return self._crosses(op)
        if not isinstance(op, SetFlagOp | WaitFlagOp):
            return True
        event = op.source_pipe, op.destination_pipe, self._issue.event(record)
        if not op.SETS:
            found = event in self._raised
            self._raised.discard(event)
            return found
        if event in self._raised:
            raise KernelError(f"{self._name(record)} raises a flag that is raised already")
        self._raised.add(event)
        return True

    def _crosses(self, op: CrossSetOp | CrossWaitOp) -> bool:
        if self._tell is None or op.mode_id != 2:
            raise KernelError(f"{op.name} in mode {op.mode_id} has no cores to go to")
        if op.SETS:
            self._tell(op.flag_id)
            return True
        found = self._counters[op.flag_id] > 0
        self._counters[op.flag_id] -= found
        return found

    def _name(self, record: Record) -> str:
        op = self._issue.ops[record[0]]
        return f"#{record[0]} {op.name.partition('.')[2]} on {op.pipe}"


class Group:
    """A cube core and its vector cores: counters of flags hold them together (mode 2).

    `cores` are their instructions, the cube core's first.
    """

    def __init__(self, cores: Sequence[tuple[IssueOrder, Sequence[Record]]]):
        self._counters = [Counter[int]() for _ in cores]
        self._set = [Counter[int]() for _ in cores]
        self._cores = [
            Queues(issue, records, counters, partial(self._tell, core))
            for core, ((issue, records), counters) in enumerate(
                zip(cores, self._counters, strict=True)
            )
        ]
        self._issues = [issue for issue, _ in cores]

    def run(self, priority: Sequence[Pipe], *, last_first: bool) -> Iterator[tuple[int, Record]]:
        """The instructions on data with their core; one core runs as far ahead as it can."""
        order = range(len(self._cores))[:: -1 if last_first else 1]
        while any(core.is_busy for core in self._cores):
            taken = ((i, self._cores[i].take(priority)) for i in order)
            core, record = next(((i, r) for i, r in taken if r is not None), (0, None))
            if record is None:
                waiting = "; ".join(core.waiting for core in self._cores if core.is_busy)
                raise KernelError(f"deadlock: {waiting} wait for flags that nobody raises")
            if isinstance(self._issues[core].ops[record[0]], InstructionOp):
                yield core, record

    def _tell(self, core: int, flag: int) -> None:
        """A set counts on every vector core, or on the cube core once every vector core has set."""
        if core == 0:
            for vector in range(1, len(self._counters)):
                self._count(vector, flag)
            return
        self._set[core][flag] += 1
        if all(done[flag] for done in self._set[1:]):
            for done in self._set[1:]:
                done[flag] -= 1
            self._count(0, flag)

    def _count(self, core: int, flag: int) -> None:
        self._counters[core][flag] += 1
        if self._counters[core][flag] > CROSS_COUNT:
            raise KernelError(f"flag {flag} is set more than {CROSS_COUNT} times before its wait")
