"""Pass davinci-plan-memory: the addresses of every local buffer."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, i64
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from compiler.planning.local_memory import LocalBuffer, LocalMemoryError, plan_local_memory
from compiler.soc import Soc, soc
from dialects.davinci import AllocOp, InstructionOp, KernelOp
from dialects.davinci.types import buffer_of, byte_size, space_of


@dataclass(frozen=True)
class DavinciPlanMemoryPass(ModulePass):
    """Give each slot of each `davinci.alloc` an address that keeps alignment and capacity."""

    name = "davinci-plan-memory"

    soc: str = "Ascend910B4"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        try:
            target = soc(self.soc)
        except ValueError as error:
            raise PassFailedException(str(error)) from None
        for kernel in op.body.block.ops:
            if isinstance(kernel, KernelOp):
                plan_memory(kernel, target)


def plan_memory(kernel: KernelOp, target: Soc) -> None:
    """Plan one kernel; PassFailedException when its buffers do not fit."""
    steps = {op: step for step, op in enumerate(kernel.body.walk())}
    allocs = [op for op in steps if isinstance(op, AllocOp)]
    try:
        plan = plan_local_memory([_buffer(op, steps) for op in allocs], capacities(target))
    except LocalMemoryError as error:
        raise PassFailedException(f"kernel {kernel.label}: {error}") from None
    for op, addresses in zip(allocs, plan, strict=True):
        op.properties["addresses"] = DenseArrayBase.from_list(i64, list(addresses))


def capacities(target: Soc) -> dict[str, int]:
    """The bytes of each local memory of a core."""
    return {name: getattr(target, name) for name in ("l1", "l0a", "l0b", "l0c", "ub", "bt")}


def _buffer(op: AllocOp, steps: dict[Operation, int]) -> LocalBuffer:
    users = [use.operation for use in op.buffer.uses if isinstance(use.operation, InstructionOp)]
    pipes = {user.pipe for user in users}
    here = op.parent
    assert here is not None
    spans = [_span(_ancestor(user, here), steps) for user in users] or [(steps[op],) * 2]
    return LocalBuffer(
        name=op.buffer.name_hint or "a buffer",
        space=space_of(buffer_of(op.buffer)),
        bytes=byte_size(buffer_of(op.buffer)),
        slots=op.slots,
        first=min(first for first, _ in spans),
        last=max(last for _, last in spans),
        pipe=pipes.pop() if len(pipes) == 1 else None,
    )


def _ancestor(op: Operation, block: Block) -> Operation:
    """The operation of a block that an operation is in: a loop keeps a buffer alive to its end."""
    found = block.find_ancestor_op_in_block(op)
    assert found is not None
    return found


def _span(op: Operation, steps: dict[Operation, int]) -> tuple[int, int]:
    return steps[op], max(steps[inner] for inner in op.walk())
