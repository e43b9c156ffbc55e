"""Pass davinci-inject-sync: the flags between pipes that a kernel's buffers need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.affine import ForOp
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from compiler.planning.sync import EventIds, Flag, SyncError, Touch, Usage, plan_flags
from dialects.davinci import AllocOp, InstructionOp, KernelOp, SetFlagOp, WaitFlagOp
from dialects.davinci.attributes import Pipe


@dataclass(frozen=True)
class DavinciInjectSyncPass(ModulePass):
    """Order the pipes of every kernel that has no flags yet."""

    name = "davinci-inject-sync"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for kernel in op.body.block.ops:
            if isinstance(kernel, KernelOp) and not _has_flags(kernel):
                inject_sync(kernel)


def _has_flags(kernel: KernelOp) -> bool:
    return any(isinstance(op, SetFlagOp | WaitFlagOp) for op in kernel.body.walk())


def inject_sync(kernel: KernelOp) -> None:
    """Synchronise one kernel; PassFailedException where flags cannot be placed."""
    raised: dict[tuple[str, str, int], None] = {}
    try:
        _inject(kernel.body.block, EventIds(), raised, repeats=False)
    except SyncError as error:
        raise PassFailedException(f"kernel {kernel.label}: {error}") from None
    body = kernel.body.block
    first = body.first_op
    if first is None:
        return
    for source, destination, event in raised:
        pipes = Pipe(source), Pipe(destination)
        body.insert_op_before(SetFlagOp.between(*pipes, [event]), first)
        body.add_op(WaitFlagOp.between(*pipes, [event]))


def _inject(
    block: Block, ids: EventIds, raised: dict[tuple[str, str, int], None], *, repeats: bool
) -> None:
    steps = list(block.ops)
    usages = _usages(steps)
    for flag in plan_flags(usages, repeats=repeats):
        events = ids.take(flag)
        _place(flag, events, block, steps)
        if flag.reverse:
            raised.update(dict.fromkeys((flag.source, flag.destination, e) for e in events))
    for op in steps:
        if isinstance(op, ForOp):
            _inject(op.body.block, EventIds(ids), raised, repeats=True)


def _usages(steps: list[Operation]) -> list[Usage]:
    numbers = {op: step for step, op in enumerate(steps)}
    return [
        Usage(numbers[op], op.slots, list(_touches(op, numbers)))
        for op in steps
        if isinstance(op, AllocOp)
    ]


def _touches(alloc: AllocOp, numbers: dict[Operation, int]) -> Iterable[Touch]:
    """The steps of the alloc's block that use its buffer, a loop as one step."""
    block = alloc.parent
    assert block is not None
    pipes: dict[int, str] = {}
    for use in alloc.buffer.uses:
        user = use.operation
        ancestor = block.find_ancestor_op_in_block(user)
        if not isinstance(user, InstructionOp) or ancestor is None:
            continue
        step = numbers[ancestor]
        if pipes.setdefault(step, user.pipe) != user.pipe:
            name = alloc.buffer.name_hint
            raise SyncError(f"several pipes use buffer {name} in a loop: allocate it in there")
    return [Touch(step, pipes[step]) for step in sorted(pipes)]


def _place(flag: Flag, events: tuple[int, ...], block: Block, steps: list[Operation]) -> None:
    pipes = Pipe(flag.source), Pipe(flag.destination)
    sets, waits = (steps[end.buffer] for end in (flag.set_after, flag.wait_before))
    assert isinstance(sets, AllocOp) and isinstance(waits, AllocOp)
    block.insert_op_after(
        SetFlagOp.between(*pipes, events, sets.buffer), steps[flag.set_after.step]
    )
    block.insert_op_before(
        WaitFlagOp.between(*pipes, events, waits.buffer), steps[flag.wait_before.step]
    )
