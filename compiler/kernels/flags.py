"""The flags a kernel needs, block by block: planned on its text, which stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from xdsl.dialects.affine import ForOp
from xdsl.ir import Block, Operation

from compiler.planning.sync import EventIds, Flag, SyncError, Touch, Usage, plan_flags
from dialects.davinci import AllocOp, InstructionOp, KernelOp


class BlockFlags(NamedTuple):
    """A block, its operations by step, and its flags with their event ids."""

    block: Block
    steps: Sequence[Operation]
    flags: Sequence[tuple[Flag, tuple[int, ...]]]


def kernel_flags(kernel: KernelOp) -> list[list[BlockFlags]]:
    """The flags of each function's blocks, outer ones first.

    SyncError where they cannot be placed.
    """
    blocks = [function.block for function in kernel.functions]
    return [list(_block_flags(block, EventIds(), repeats=False)) for block in blocks]


def _block_flags(block: Block, ids: EventIds, *, repeats: bool) -> Iterator[BlockFlags]:
    steps = list(block.ops)
    planned = plan_flags(_usages(steps), repeats=repeats)
    yield BlockFlags(block, steps, [(flag, ids.take(flag)) for flag in planned])
    for op in steps:
        if isinstance(op, ForOp):
            yield from _block_flags(op.body.block, EventIds(ids), repeats=True)


def _usages(steps: Sequence[Operation]) -> list[Usage]:
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
