"""A kernel as the proof of its flags sees it: buffers, uses of them, flags and loops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects.affine import ForOp
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from compiler.kernels.extents import Extent, extents
from compiler.kernels.indices import Indices
from compiler.planning.sync_program import PIPES, Event, Loop, Node, Range, Signal, Turn, Work
from compiler.planning.sync_uses import Uses
from dialects.davinci import AllocOp, InstructionOp, KernelOp, MmadOp, SetFlagOp, WaitFlagOp
from dialects.davinci.kernel import Function
from dialects.davinci.sync import FlagOp
from dialects.davinci.types import buffer_of, byte_size, space_of


class HazardProgram:
    """The uses of memory of one function of a kernel, and its steps.

    Buffers without addresses are apart from each other.

    What an instruction uses of a kernel's argument is a buffer of its own, from the first to the
    last byte it may reach on any core in any iteration.
    """

    def __init__(self, kernel: KernelOp, function: Function):
        self._indices = Indices(kernel)
        self._buffers: list[list[Range]] = []
        self._numbers: dict[SSAValue, int] = {}
        self.issued: list[Operation] = []
        """The instructions by the number that their steps have."""
        self.nodes = list(self._nodes(function.block))
        self.uses = Uses(self._buffers)

    def _nodes(self, block: Block) -> Iterator[Node]:
        for op in block.ops:
            match op:
                case AllocOp():
                    self._numbers[op.buffer] = self._number(self._slots(op))
                    yield Turn(self._numbers[op.buffer])
                case ForOp():
                    yield self._loop(op)
                case InstructionOp():
                    yield self._work(op, self._name(op, op.memory))
                case SetFlagOp() | WaitFlagOp():
                    yield self._signal(op, self._name(op, op.operands))
                case _:
                    pass

    def _slots(self, op: AllocOp) -> list[Range]:
        type = buffer_of(op.buffer)
        space, size = space_of(type), byte_size(type)
        if op.slot_addresses:
            return [Range(space, address, address + size) for address in op.slot_addresses]
        return [Range(f"{space} {len(self._buffers)} {slot}", 0, size) for slot in range(op.slots)]

    def _number(self, ranges: list[Range]) -> int:
        self._buffers.append(ranges)
        return len(self._buffers) - 1

    def _name(self, op: Operation, buffers: Sequence[SSAValue]) -> str:
        """How a message calls an instruction: its place in the kernel, its text without types."""
        names = ", ".join(f"%{value.name_hint or '?'}" for value in buffers)
        self.issued.append(op)
        return f"#{len(self.issued) - 1} {op.name.partition('.')[2]} {names}".rstrip()

    def _loop(self, op: ForOp) -> Loop:
        name = f"the loop over %{op.body.block.args[0].name_hint or '?'}"
        distance = self._indices.trips(op)
        body = tuple(self._nodes(op.body.block))
        return Loop(name, body, distance.lower <= 0, distance.upper > op.step.value.data)

    def _work(self, op: InstructionOp, name: str) -> Work:
        places = {extent.buffer: extent for extent in extents(op, self._indices)}
        first, *others = (self._buffer(buffer, places) for buffer in op.memory)
        if isinstance(op, MmadOp):
            others.append(first)
        return Work(PIPES.index(op.pipe), name, others, [first])

    def _buffer(self, value: SSAValue, places: dict[SSAValue, Extent]) -> int:
        if not isinstance(value, BlockArgument):
            return self._numbers[value]
        used = places[value]
        return self._number(
            [Range(f"gm {value.index}", used.first.lower, used.last.upper + 1, False)]
        )

    def _signal(self, op: FlagOp, name: str) -> Signal:
        pipes = PIPES.index(op.source_pipe), PIPES.index(op.destination_pipe)
        buffer = self._numbers[op.buffer] if op.buffer and len(op.ids) > 1 else None
        return Signal(
            len(self.issued) - 1, name, op.SETS, tuple(Event(*pipes, id) for id in op.ids), buffer
        )
