"""Pass davinci-verify-sync: the proof that a scheduled kernel has no hazard and fits its core."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from compiler.kernels.issue import Issued, IssueOrder, Record, issue_order
from compiler.kernels.local_memory import capacities
from compiler.planning.local_memory import ALIGNMENT
from compiler.planning.sync_proof import (
    PIPES,
    Event,
    HazardError,
    Step,
    SyncProof,
    overlapping,
)
from compiler.soc import Soc, soc
from dialects.davinci import AllocOp, InstructionOp, KernelOp, SetFlagOp, WaitFlagOp
from dialects.davinci.types import buffer_of, byte_size, space_of


@dataclass(frozen=True)
class DavinciVerifySyncPass(ModulePass):
    """Prove every kernel; nothing is changed.

    On every core: uses of the same bytes by different pipes are ordered by flags, no wait blocks
    for ever, flags are balanced binary semaphores, buffers are aligned and within capacity.
    """

    name = "davinci-verify-sync"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for kernel in op.body.block.ops:
            if isinstance(kernel, KernelOp):
                verify_sync(kernel)


def verify_sync(kernel: KernelOp) -> None:
    """Prove one kernel; PassFailedException names what is wrong."""
    try:
        memory = _Memory(kernel, soc(kernel.soc.data))
        order = issue_order(kernel)
        steps = _Steps(order, memory)
        proved: set[tuple[Record, ...]] = set()
        for block in range(kernel.blocks):
            program = tuple(steps.key(record) for record in order.records(block))
            if program not in proved:
                SyncProof(memory.overlaps).run(steps.of(key) for key in program)
                proved.add(program)
    except HazardError as error:
        raise PassFailedException(f"kernel {kernel.label}: {error}") from None


class _Memory:
    """The byte ranges of a kernel's buffers, one for each slot."""

    def __init__(self, kernel: KernelOp, target: Soc):
        self.first: dict[SSAValue, int] = {}
        ranges: list[tuple[str, int, int]] = []
        for op in kernel.body.walk():
            if isinstance(op, AllocOp):
                self.first[op.buffer] = len(ranges)
                ranges.extend(_ranges(op, target))
        self.overlaps = overlapping(ranges)


def _ranges(op: AllocOp, target: Soc) -> Iterator[tuple[str, int, int]]:
    space, size = space_of(buffer_of(op.buffer)), byte_size(buffer_of(op.buffer))
    name = op.buffer.name_hint
    if not op.slot_addresses:
        raise HazardError(f"buffer {name} has no address: plan memory first")
    for address in op.slot_addresses:
        if address % ALIGNMENT[space]:
            raise HazardError(f"buffer {name} at {address} is not aligned to {ALIGNMENT[space]}")
        if not 0 <= address <= capacities(target)[space] - size:
            raise HazardError(f"buffer {name} at {address} is outside of {space}")
        yield space, address, address + size


class _Steps:
    """Steps of the proof by what distinguishes them: the instruction and its buffers' slots."""

    def __init__(self, order: IssueOrder, memory: _Memory):
        self._order = order
        self._memory = memory
        self._skipped = [
            len(op.indices) if isinstance(op, InstructionOp) else 0 for op in order.ops
        ]
        self._known: dict[Record, Step] = {}

    def key(self, record: Record) -> Record:
        """The record without its index operands, which do not matter to flags."""
        skipped = self._skipped[record[0]]
        return record if skipped == 0 else (record[0], *record[1 + skipped :])

    def of(self, key: Record) -> Step:
        """The step, made once."""
        if key not in self._known:
            self._known[key] = self._make(key)
        return self._known[key]

    def _make(self, key: Record) -> Step:
        op = self._order.ops[key[0]]
        pipe = PIPES.index(op.pipe)
        name = _name(op, key[0])
        if isinstance(op, SetFlagOp | WaitFlagOp):
            event = Event(
                PIPES.index(op.source_pipe),
                PIPES.index(op.destination_pipe),
                self._order.event(key),
            )
            return Step(pipe, name, **{"sets" if op.SETS else "waits": event})
        if not isinstance(op, InstructionOp):
            return Step(pipe, name)
        slots = iter(key[1:])
        places = [self._place(buffer, slots) for buffer in op.memory]
        reads = [place for place in places[1:] if place is not None]
        return Step(pipe, name, reads=reads, writes=[places[0]] if places[0] is not None else [])

    def _place(self, buffer: SSAValue, slots: Iterator[int]) -> int | None:
        """The number of the byte range; None for global memory."""
        alloc = buffer.owner
        if not isinstance(alloc, AllocOp):
            return None
        return self._memory.first[buffer] + (next(slots) if alloc.slots > 1 else 0)


def _name(op: Issued, number: int) -> str:
    """How a message calls an instruction: its place in the kernel, its text without types."""
    buffers = op.memory if isinstance(op, InstructionOp) else op.operands
    names = ", ".join(f"%{value.name_hint or '?'}" for value in buffers)
    return f"#{number} {op.name.partition('.')[2]} {names}".rstrip()
