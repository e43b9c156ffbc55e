"""Pass davinci-multi-buffer: two slots for buffers that two pipes could use at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.affine import ForOp
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.passes import ModulePass

from compiler.kernels.engines import work_on_kernels
from compiler.kernels.indices import Indices
from compiler.kernels.local_memory import capacities, local_addresses
from compiler.planning.local_memory import ALIGNMENT, LocalMemoryError, Sharing
from compiler.planning.placement import align
from compiler.soc import soc
from dialects.davinci import AllocOp, InstructionOp, KernelOp
from dialects.davinci.types import buffer_of, byte_size, space_of

SLOTS = 2
"""A pipe fills one slot while the next pipe empties the other."""


@dataclass(frozen=True)
class DavinciMultiBufferPass(ModulePass):
    """Give a second slot to every buffer in a loop that one pipe hands over to another.

    A loop of one iteration at most does not count. Where a memory is too small for that, its
    largest buffers keep one slot. Buffers that have several slots or addresses already stay as
    they are.
    """

    name = "davinci-multi-buffer"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        work_on_kernels(op, multi_buffer)


def multi_buffer(kernel: KernelOp) -> None:
    """Decide on the slots of one kernel's buffers."""
    allocs = [op for op in kernel.body.walk() if isinstance(op, AllocOp)]
    indices = Indices(kernel)
    doubled = [op for op in allocs if _is_handed_over(op) and _repeats(op, indices)]
    for op in doubled:
        op.properties["buffers"] = IntegerAttr(SLOTS, i64)
    room = capacities(soc(kernel.soc.data))
    doubled.sort(key=_bytes)
    while doubled and (full := _too_full(kernel, allocs, room)):
        largest = next((op for op in reversed(doubled) if _space(op) == full), None)
        if largest is None:
            return
        largest.properties["buffers"] = IntegerAttr(1, i64)
        doubled.remove(largest)


def _is_handed_over(op: AllocOp) -> bool:
    users = (use.operation for use in op.buffer.uses)
    pipes = {user.pipe for user in users if isinstance(user, InstructionOp)}
    return op.slots == 1 and not op.slot_addresses and len(pipes) > 1


def _repeats(op: AllocOp, indices: Indices) -> bool:
    """Whether the buffer may be used again."""
    loop = op.parent_op()
    while isinstance(loop, ForOp):
        if indices.trips(loop).upper > loop.step.value.data:
            return True
        loop = loop.parent_op()
    return False


def _too_full(kernel: KernelOp, allocs: list[AllocOp], room: Mapping[str, int]) -> str | None:
    """A memory that the buffers do not fit, tried in full only where they might not."""
    used = dict.fromkeys(room, 0)
    for op in allocs:
        used[_space(op)] += _bytes(op) * op.slots
    if all(used[space] <= room[space] for space in room):
        return None
    try:
        local_addresses(kernel, Sharing.SAME_PIPE)
    except LocalMemoryError as error:
        return error.space
    return None


def _space(op: AllocOp) -> str:
    return space_of(buffer_of(op.buffer))


def _bytes(op: AllocOp) -> int:
    return align(byte_size(buffer_of(op.buffer)), ALIGNMENT[_space(op)])
