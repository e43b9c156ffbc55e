"""A function of a kernel as nested loops: what each body issues, and what that depends on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.affine import ForOp
from xdsl.ir import Block, Operation, SSAValue

from compiler.kernels.expressions import (
    ALIGNMENT,
    AT_ALIGNMENT,
    Functions,
    Need,
    Numbers,
    without,
)
from compiler.kernels.indices import Indices
from compiler.kernels.issue import Issued
from compiler.planning.bounds import Atom, Linear, Variable
from dialects.davinci import (
    AllocOp,
    CrossSetOp,
    CrossWaitOp,
    InstructionOp,
    KernelOp,
    PipeBarrierOp,
    SetFlagOp,
    WaitFlagOp,
)
from dialects.davinci.attributes import Pipe, Space
from dialects.davinci.instruction import Access
from dialects.davinci.kernel import Function
from dialects.davinci.types import BITS, element_bytes, space_of


@dataclass(slots=True)
class Turn:
    """The next slot of a buffer comes into use."""

    buffer: int
    slots: int


@dataclass(slots=True, eq=False)
class Issue:
    """An instruction: its number in the text, the buffers whose slots it uses, its index operands.

    What it is depends on what `known` yields and on the slots. `shifts` has functions for an access
    to global memory: the offset in bytes outside of all loops, and what each loop adds to that.
    """

    number: int
    slots: Sequence[int]
    indices: int = -1
    known: int = -1
    shifts: Sequence[int] = ()


@dataclass(slots=True)
class Nested:
    """A loop: its bounds, and its body."""

    bounds: int
    step: int
    body: Body


@dataclass(slots=True)
class Body:
    """What a block issues. Its program depends on what `known` yields and on the slots in use of
    `buffers`; `depth` counts the loops around."""

    depth: int
    items: list[Turn | Issue | Nested] = field(default_factory=list["Turn | Issue | Nested"])
    buffers: list[int] = field(default_factory=list[int])
    known: int = 0


class Nest:
    """The loops of a function of a kernel."""

    def __init__(self, kernel: KernelOp, function: Function) -> None:
        self._indices = Indices(kernel)
        self._functions = Functions()
        self._buffers: dict[SSAValue, int] = {}
        self.ops: list[Issued] = []
        """The instructions by number, in the order of the text."""
        self.body, _ = self._body(function.block, ())
        self.functions: Sequence[Numbers] = self._functions.compiled()
        self.buffers = len(self._buffers)

    def _body(self, block: Block, loops: Sequence[Variable]) -> tuple[Body, dict[Need, None]]:
        """A block, and what must be known to know its program."""
        body = Body(len(loops))
        needs: dict[Need, None] = {}
        for op in block.ops:
            item, more = self._item(op, loops)
            if item is not None:
                body.items.append(item)
            needs.update(dict.fromkeys(more))
        body.known = self._functions.add(needs, loops)
        body.buffers = list(dict.fromkeys(_buffers(body)))
        return body, needs

    def _item(
        self, op: Operation, loops: Sequence[Variable]
    ) -> tuple[Turn | Issue | Nested | None, Iterable[Need]]:
        match op:
            case ForOp():
                return self._loop(op, loops)
            case AllocOp() if op.slots > 1:
                return Turn(self._buffers.setdefault(op.buffer, len(self._buffers)), op.slots), ()
            case InstructionOp():
                return self._instruction(op, loops)
            case SetFlagOp() | WaitFlagOp() | PipeBarrierOp() | CrossSetOp() | CrossWaitOp():
                return self._issue(op, op.operands), ()
            case _:
                return None, ()

    def _loop(self, op: ForOp, loops: Sequence[Variable]) -> tuple[Nested, Iterable[Need]]:
        bounds = [(bound, 0) for bound in self._indices.bounds(op)]
        [(variable, _)] = self._indices.of(op.body.block.args[0]).terms
        assert isinstance(variable, Variable)
        body, inner = self._body(op.body.block, (*loops, variable))
        needs = [outer for need in inner for outer in without(need, variable)]
        loop = Nested(self._functions.add(bounds, loops), op.step.value.data, body)
        return loop, [*bounds, *needs]

    def _issue(self, op: Issued, memory: Iterable[SSAValue]) -> Issue:
        self.ops.append(op)
        used = [self._buffers[value] for value in memory if value in self._buffers]
        return Issue(len(self.ops) - 1, used)

    def _instruction(
        self, op: InstructionOp, loops: Sequence[Variable]
    ) -> tuple[Issue, Iterable[Need]]:
        issue = self._issue(op, op.memory)
        accesses, sizes, _ = op.resolved()
        numbers = [(self._indices.of(value), 0) for value in op.indices]
        issue.indices = self._functions.add(numbers, loops)
        needs = [(size, 0) for size in map(self._indices.of, sizes) if size.lower < size.upper]
        mixed: list[Need] = []
        for access in accesses:
            if space_of(access.type) is Space.GM:
                offset = self._bytes(access)
                needs.append((offset, AT_ALIGNMENT))
                mixed += [(Linear.of(atom), 0) for atom, _ in offset.terms if _is_mixed(atom)]
                issue.shifts = self._shifts(offset, loops)
            elif op.pipe is Pipe.V:
                needs.append((self._bytes(access), ALIGNMENT))
        issue.known = self._functions.add(needs, loops)
        return issue, [*needs, *mixed]

    def _bytes(self, access: Access) -> Linear:
        """The offset of an access, in bytes."""
        element = access.type.element_type
        size = 1 if element == BITS else element_bytes(element)  # masks begin with their buffers
        return self._indices.of(access.offsets[0]) * size

    def _shifts(self, offset: Linear, loops: Sequence[Variable]) -> Sequence[int]:
        """The part of an offset that depends on no loop, then what each loop adds, outer first."""
        parts = [Linear(offset.constant), *(Linear.of(0) for _ in loops)]
        for atom, factor in offset.terms:
            inside = Linear.of(atom).variables
            places = [place for place, loop in enumerate(loops, start=1) if loop in inside]
            parts[max(places, default=0)] += Linear.of(atom) * factor
        return [self._functions.add([(part, 0)], loops[:place]) for place, part in enumerate(parts)]


def _is_mixed(atom: Atom) -> bool:
    """Whether loops do not just add up in it."""
    return len(Linear.of(atom).variables) > 1


def _buffers(body: Body) -> Iterator[int]:
    for item in body.items:
        match item:
            case Turn():
                yield item.buffer
            case Issue():
                yield from item.slots
            case Nested():
                yield from item.body.buffers
