"""The flags a kernel needs, block by block: planned on its text, which stays as it is."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from xdsl.dialects.affine import ForOp
from xdsl.ir import Block, Operation

from compiler.planning.sync import EventIds, Flag, Pair, SyncError, Touch, Usage, plan_flags
from dialects.davinci import AllocOp, InstructionOp, KernelOp
from dialects.davinci.types import buffer_of, byte_size, space_of


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
    """The use of each buffer, or of several that lie in the same bytes one after the other."""
    numbers = {op: step for step, op in enumerate(steps)}
    groups: list[list[AllocOp]] = []
    for op in steps:
        if isinstance(op, AllocOp):
            met = [group for group in groups if any(_overlap(op, other) for other in group)]
            groups = [group for group in groups if group not in met]
            groups.append([*(other for group in met for other in group), op])
    return [_usage(group, numbers) for group in groups]


def _usage(group: Sequence[AllocOp], numbers: dict[Operation, int]) -> Usage:
    touches = sorted({touch for alloc in group for touch in _touches(alloc, numbers)})
    for one, other in pairwise(touches):
        if one.step == other.step:
            name = group[0].buffer.name_hint
            raise SyncError(f"several pipes use the bytes of buffer {name} in a loop")
    return Usage(numbers[group[0]], group[0].slots, touches)


def _overlap(one: AllocOp, other: AllocOp) -> bool:
    """Whether two buffers share bytes; where they have several slots, one pipe has both alone."""
    if one.slots != 1 or other.slots != 1:
        return False
    places = [
        (space_of(type), address, address + byte_size(type))
        for alloc in (one, other)
        for type in (buffer_of(alloc.buffer),)
        for address in alloc.slot_addresses
    ]
    if len(places) < 2 or places[0][0] != places[1][0]:
        return False
    return places[0][1] < places[1][2] and places[1][1] < places[0][2]


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
