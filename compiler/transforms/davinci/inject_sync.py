"""Pass davinci-inject-sync: the flags between pipes that a kernel's buffers need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass

from compiler.kernels.engines import work_on_kernels
from compiler.kernels.flags import BlockFlags, Placed, kernel_flags
from compiler.kernels.hazards import HazardProgram
from compiler.planning.sync import End, SyncError
from compiler.planning.sync_proof import HazardError, redundant
from dialects.davinci import AllocOp, KernelOp, SetFlagOp, WaitFlagOp
from dialects.davinci.attributes import Pipe
from dialects.davinci.kernel import Function


@dataclass(frozen=True)
class DavinciInjectSyncPass(ModulePass):
    """Order the pipes of every kernel that has no flags yet."""

    name = "davinci-inject-sync"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        work_on_kernels(op, inject_sync)


def _has_flags(kernel: KernelOp) -> bool:
    return any(isinstance(op, SetFlagOp | WaitFlagOp) for op in kernel.body.walk())


def inject_sync(kernel: KernelOp) -> None:
    """Synchronise a kernel that has no flags; SyncError where they cannot be placed."""
    if _has_flags(kernel):
        return
    for function, blocks in zip(kernel.functions, kernel_flags(kernel), strict=True):
        _synchronise(function.block, blocks)
        _leave_out_redundant(kernel, function)


def _synchronise(body: Block, blocks: Sequence[BlockFlags]) -> None:
    """Place the flags of one function."""
    raised: dict[tuple[str, str, int], None] = {}
    for block in blocks:
        for placed in block.flags:
            _place(placed, block)
            flag, events, acknowledging = placed
            if flag.reverse:
                raised.update(dict.fromkeys((*flag.pair, e) for e in events))
            if acknowledging is not None:
                raised[(*flag.back.pair, acknowledging)] = None
    first = body.first_op
    if first is None:
        return
    for source, destination, event in raised:
        pipes = Pipe(source), Pipe(destination)
        body.insert_op_before(SetFlagOp.between(*pipes, [event]), first)
        body.add_op(WaitFlagOp.between(*pipes, [event]))


def _leave_out_redundant(kernel: KernelOp, function: Function) -> None:
    """Flags are planned buffer by buffer: what one of them orders, others may order as well."""
    program = HazardProgram(kernel, function)
    try:
        for pair in redundant(program.uses, program.nodes):
            for signal in pair:
                flag = program.issued[signal.number]
                flag.detach()
                flag.erase()
    except HazardError as error:
        raise SyncError(str(error)) from None


def _place(placed: Placed, where: BlockFlags) -> None:
    flag, events, acknowledging = placed
    pipes = Pipe(flag.source), Pipe(flag.destination)
    set_op = SetFlagOp.between(*pipes, events, _slots_of(flag.set_after, events, where))
    wait_op = WaitFlagOp.between(*pipes, events, _slots_of(flag.wait_before, events, where))
    block, steps = where.block, where.steps
    block.insert_op_after(set_op, steps[flag.set_after.step])
    block.insert_op_before(wait_op, steps[flag.wait_before.step])
    if acknowledging is not None:
        back = Pipe(flag.destination), Pipe(flag.source)
        block.insert_op_before(WaitFlagOp.between(*back, [acknowledging]), set_op)
        block.insert_op_after(SetFlagOp.between(*back, [acknowledging]), wait_op)


def _slots_of(end: End, events: Sequence[int], where: BlockFlags) -> SSAValue | None:
    """The buffer whose slot in use picks the event; None where all slots have one."""
    alloc = where.steps[end.buffer]
    assert isinstance(alloc, AllocOp)
    return alloc.buffer if len(events) == alloc.slots else None
