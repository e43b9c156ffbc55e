"""The flags a kernel needs, block by block: planned on its text, which stays as it is."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import NamedTuple

from xdsl.dialects.affine import ForOp
from xdsl.ir import Block, Operation

from compiler.planning.sync import EventIds, Flag, Pair, SyncError, Touch, Usage, plan_flags
from dialects.davinci import AllocOp, InstructionOp, KernelOp


class Placed(NamedTuple):
    """A flag with an event id for each slot, and that of the flag which acknowledges it."""

    flag: Flag
    events: tuple[int, ...]
    acknowledging: int | None


class BlockFlags(NamedTuple):
    """A block, its operations by step, and its flags."""

    block: Block
    steps: Sequence[Operation]
    flags: Sequence[Placed]


def kernel_flags(kernel: KernelOp) -> list[list[BlockFlags]]:
    """The flags of each function's blocks, outer ones first.

    SyncError where they cannot be placed.
    """
    return [_function_flags(function.block) for function in kernel.functions]


def _function_flags(block: Block) -> list[BlockFlags]:
    """Every flag with ids of its own, or else loops side by side with the same.

    Pairs of pipes that would still need too many ids get by with few.
    """
    try:
        return list(_block_flags(block, EventIds(), (), repeats=False, apart=True))
    except SyncError as error:
        if error.pair is None:
            raise
    frugal: set[Pair] = set()
    while True:
        try:
            return list(_block_flags(block, EventIds(), frugal, repeats=False, apart=False))
        except SyncError as error:
            if error.pair is None or error.pair in frugal:
                raise
            frugal.add(error.pair)


def _block_flags(
    block: Block, ids: EventIds, frugal: Container[Pair], *, repeats: bool, apart: bool
) -> Iterator[BlockFlags]:
    steps = list(block.ops)
    planned = plan_flags(_usages(steps), repeats=repeats, frugal=frugal)
    flags = [Placed(flag, ids.take(flag), ids.acknowledging(flag)) for flag in planned]
    yield BlockFlags(block, steps, flags)
    for op in steps:
        if isinstance(op, ForOp):
            inner = ids if apart else EventIds(ids)
            yield from _block_flags(op.body.block, inner, frugal, repeats=True, apart=apart)


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
