"""The local buffers of a kernel: their lives, and the addresses that its SoC allows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations

from xdsl.dialects.affine import ForOp
from xdsl.ir import Block, Operation

from compiler.planning.local_memory import LocalBuffer, Sharing, plan_local_memory
from compiler.soc import Soc, soc
from dialects.davinci import AllocOp, InstructionOp, KernelOp
from dialects.davinci.attributes import Pipe
from dialects.davinci.types import BITS, buffer_of, byte_size, space_of


def local_addresses(
    kernel: KernelOp, most: Sharing = Sharing.ANY_PIPE
) -> list[tuple[AllocOp, tuple[int, ...]]]:
    """Each buffer with the address of each of its slots; LocalMemoryError when they do not fit."""
    steps = {op: step for step, op in enumerate(kernel.body.walk())}
    numbers = {op: i for i, op in enumerate(op for op in steps if isinstance(op, AllocOp))}
    beside = _read_together(steps, numbers)
    buffers = [_buffer(op, steps, beside[i]) for op, i in numbers.items()]
    plan = plan_local_memory(buffers, capacities(soc(kernel.soc.data)), most)
    return list(zip(numbers, plan, strict=True))


def _read_together(
    ops: Iterable[Operation], numbers: Mapping[AllocOp, int]
) -> Mapping[int, list[int]]:
    """For each buffer the others that a vector instruction reads with it, but for masks."""
    found: dict[int, list[int]] = defaultdict(list)
    for op in ops:
        if isinstance(op, InstructionOp) and op.pipe is Pipe.V:
            sources = [read for read in op.reads if buffer_of(read).element_type != BITS]
            allocs = dict.fromkeys(s.owner for s in sources if isinstance(s.owner, AllocOp))
            for one, other in permutations(allocs, 2):
                found[numbers[one]].append(numbers[other])
    return found


def capacities(target: Soc) -> dict[str, int]:
    """The bytes of each local memory of a core."""
    return {name: getattr(target, name) for name in ("l1", "l0a", "l0b", "l0c", "ub", "bt")}


def _buffer(op: AllocOp, steps: dict[Operation, int], beside: Sequence[int]) -> LocalBuffer:
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
        block=steps[parent] if isinstance(parent := here.parent_op(), ForOp) else 0,
        beside=tuple(dict.fromkeys(beside)),
    )


def _ancestor(op: Operation, block: Block) -> Operation:
    """The operation of a block that an operation is in: a loop keeps a buffer alive to its end."""
    found = block.find_ancestor_op_in_block(op)
    assert found is not None
    return found


def _span(op: Operation, steps: dict[Operation, int]) -> tuple[int, int]:
    return steps[op], max(steps[inner] for inner in op.walk())
