"""Kernels made wrong in one place: a flag less, twice or elsewhere, a buffer smaller or moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.ir import Operation
from xdsl.utils.exceptions import PassFailedException, VerifyException

from compiler.planning.local_memory import ALIGNMENT
from conformance.kernel_check import ORDERS, Array, Case, WrongKernelError, compare, proved
from dialects.davinci import AllocOp, CrossSetOp, CrossWaitOp, KernelOp, SetFlagOp, WaitFlagOp
from dialects.davinci.types import buffer_of, buffer_type, layout_of, space_of

Change: TypeAlias = "Callable[[Operation], bool]"
"""Changes an operation of a kernel in place; false where that cannot be."""

FLAGS = (SetFlagOp, WaitFlagOp, CrossSetOp, CrossWaitOp)
CAUGHT, HARMLESS, ESCAPED = "caught", "harmless", "escaped"


def delete(op: Operation) -> bool:
    """One flag less."""
    op.detach()
    op.erase()
    return True


def duplicate(op: Operation) -> bool:
    """One flag more."""
    block = op.parent
    assert block is not None
    block.insert_op_after(op.clone(), op)
    return True


def earlier(op: Operation) -> bool:
    """A flag before the operation that it follows."""
    block, other = op.parent, op.prev_op
    if block is None or other is None or other in [value.owner for value in op.operands]:
        return False
    op.detach()
    block.insert_op_before(op, other)
    return True


def later(op: Operation) -> bool:
    """A flag behind the operation that follows it."""
    block, other = op.parent, op.next_op
    if block is None or other is None or other is block.last_op:
        return False
    op.detach()
    block.insert_op_after(op, other)
    return True


def shrink(op: Operation) -> bool:
    """A buffer of half as many rows, or of elements."""
    assert isinstance(op, AllocOp)
    type = buffer_of(op.buffer)
    first, *rest = type.get_shape()
    if first == 1:
        return False
    shape = (first // 2, *rest)
    less = buffer_type(shape, type.element_type, space_of(type), layout_of(type))
    op.buffer._type = less  # pyright: ignore[reportPrivateUsage]
    return True


def shift(by: int, slot: int) -> Change:
    """One slot of a buffer that many units of its alignment on."""

    def change(op: Operation) -> bool:
        assert isinstance(op, AllocOp)
        addresses = list(op.slot_addresses)
        if slot >= len(addresses):
            return False
        addresses[slot] += by * ALIGNMENT[space_of(buffer_of(op.buffer))]
        op.properties["addresses"] = DenseArrayBase.from_list(i64, addresses)
        return min(addresses) >= 0

    return change


FLAG_CHANGES: tuple[Change, ...] = (delete, duplicate, earlier, later)
ALLOC_CHANGES: tuple[Change, ...] = (shrink, shift(1, 0), shift(-1, 0), shift(1, 1), shift(-1, 1))


@dataclass(frozen=True)
class Mutant:
    """A kernel changed, and what was."""

    name: str
    kernel: KernelOp


def mutants(kernel: KernelOp) -> Iterator[Mutant]:
    """Every kernel that differs from a right one in one flag, size or address."""
    for place, op in enumerate(kernel.walk()):
        changes = FLAG_CHANGES if isinstance(op, FLAGS) else ()
        changes = ALLOC_CHANGES if isinstance(op, AllocOp) else changes
        for change in changes:
            copy = kernel.clone()
            for old, new in zip(kernel.body.block.args, copy.body.block.args, strict=True):
                new.name_hint = old.name_hint
            target = list(copy.walk())[place]
            if change(target):
                name = getattr(change, "__qualname__", "change").partition(".")[0]
                yield Mutant(f"{name} #{place} {op.name}", copy)


def fate(mutant: Mutant, case: Case, expected: list[Array]) -> str:
    """Whether a proof fails, or the numbers are right in every order that the flags allow."""
    try:
        mutant.kernel.verify()
        proved(mutant.kernel)
    except (PassFailedException, VerifyException):
        return CAUGHT
    try:
        for order in ORDERS:
            compare(case, mutant.kernel, expected, order)
    except WrongKernelError:
        return ESCAPED
    return HARMLESS
