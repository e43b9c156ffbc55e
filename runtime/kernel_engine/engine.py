"""Running a kernel: the queues of each core's pipes, held together by nothing but flags."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import numpy as np
from xdsl.ir import SSAValue

from compiler.kernels.issue import IssueOrder, Record, issue_order
from compiler.soc import soc
from dialects.davinci import InstructionOp, KernelOp, SetFlagOp, WaitFlagOp
from dialects.davinci.attributes import Pipe
from runtime.kernel_engine import cube, vector
from runtime.kernel_engine.memory import Array, CoreMemory, KernelError

Order: TypeAlias = Literal["producers", "consumers", "program"]
"""Which pipe runs when several could: the earliest in the data's way, the latest, or by the text.

The first two run one pipe as far ahead as its flags allow: a missing flag gives wrong numbers.
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

    Arguments are C-contiguous arrays of the types of the kernel's arguments, in order;
    `saturates` is the overflow mode of the vector unit.
    KernelError where the schedule deadlocks or leaves its memory.
    """
    buffers = kernel.body.block.args
    if len(buffers) != len(arguments):
        raise KernelError(f"{len(arguments)} arguments for {len(buffers)} buffers")
    by_buffer: dict[SSAValue, Array] = dict(zip(buffers, arguments, strict=True))
    issue = issue_order(kernel)
    target = soc(kernel.soc.data)
    with np.errstate(all="ignore"):
        for block in range(kernel.blocks):
            memory = CoreMemory(target, by_buffer, saturates=saturates)
            for record in schedule(issue, issue.records(block), order):
                op = issue.ops[record[0]]
                assert isinstance(op, InstructionOp)
                _EXECUTORS[type(op)](memory, op, issue.resolve(record))


def schedule(issue: IssueOrder, records: Sequence[Record], order: Order) -> Iterator[Record]:
    """The instructions on data in one order that the pipes' queues and the flags allow."""
    if order == "program":
        yield from (r for r in records if isinstance(issue.ops[r[0]], InstructionOp))
        return
    priority = _PRIORITY if order == "producers" else _PRIORITY[::-1]
    yield from _Queues(issue, records).run(priority)


class _Queues:
    """The in-order queues of a core's pipes, and the flags that are raised."""

    def __init__(self, issue: IssueOrder, records: Sequence[Record]):
        self._issue = issue
        self._raised: set[_Event] = set()
        self._queues: dict[Pipe, deque[Record]] = {pipe: deque() for pipe in _PRIORITY}
        for record in records:
            self._queues[issue.pipes[record[0]]].append(record)

    def run(self, priority: Sequence[Pipe]) -> Iterator[Record]:
        """Take from the first pipe in the list that can go on, until all are empty."""
        queues = [self._queues[pipe] for pipe in priority]
        while any(queues):
            for queue in queues:
                if queue and self._passes(queue[0]):
                    record = queue.popleft()
                    if isinstance(self._issue.ops[record[0]], InstructionOp):
                        yield record
                    break
            else:
                waiting = ", ".join(self._name(queue[0]) for queue in queues if queue)
                raise KernelError(f"deadlock: {waiting} wait for flags that nobody raises")

    def _passes(self, record: Record) -> bool:
        """Whether an instruction can run now; a flag takes its effect."""
        op = self._issue.ops[record[0]]
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

    def _name(self, record: Record) -> str:
        op = self._issue.ops[record[0]]
        return f"#{record[0]} {op.name.partition('.')[2]} on {op.pipe}"
