"""The instructions of a kernel in issue order, core by core: loops run, indices become numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from xdsl.dialects.affine import ApplyOp, ForOp, MinOp, YieldOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)

from dialects.davinci import (
    AllocOp,
    BlockIdxOp,
    CrossSetOp,
    CrossWaitOp,
    InstructionOp,
    KernelOp,
    PipeBarrierOp,
    SetFlagOp,
    SubBlockIdxOp,
    WaitFlagOp,
)
from dialects.davinci.attributes import Pipe
from dialects.davinci.instruction import Access, Mixed
from dialects.davinci.kernel import Function

Record: TypeAlias = "tuple[int, ...]"
"""An issued instruction: its number in the kernel, its index operands, its buffers' slots."""

Issued: TypeAlias = (
    InstructionOp | SetFlagOp | WaitFlagOp | PipeBarrierOp | CrossSetOp | CrossWaitOp
)

_Template: TypeAlias = "tuple[Sequence[Access], Sequence[Mixed], Sequence[Mixed]]"

_OPERATORS = {
    AffineBinaryOpKind.Add: "({} + {})",
    AffineBinaryOpKind.Mul: "({} * {})",
    AffineBinaryOpKind.Mod: "({} % {})",
    AffineBinaryOpKind.FloorDiv: "({} // {})",
    AffineBinaryOpKind.CeilDiv: "(-(-{} // {}))",
}


class Place(NamedTuple):
    """Where an issued instruction accesses memory."""

    buffer: SSAValue
    slot: int
    offsets: tuple[int, ...]
    strides: tuple[int, ...]


class Resolved(NamedTuple):
    """An issued instruction with all its numbers."""

    places: tuple[Place, ...]
    sizes: tuple[int, ...]
    params: tuple[int, ...]


class Listing:
    """The instructions of a function by number, in the order of the text."""

    def __init__(self, ops: Sequence[Issued]):
        self.ops = ops
        self._templates: Sequence[_Template | None] = [
            op.resolved() if isinstance(op, InstructionOp) else None for op in ops
        ]

    def event(self, record: Record) -> int:
        """The event id of an issued flag."""
        op = self.ops[record[0]]
        assert isinstance(op, SetFlagOp | WaitFlagOp)
        return op.ids[record[1] if len(record) > 1 else 0]

    def resolve(self, record: Record) -> Resolved:
        """The numbers of an issued instruction on data."""
        template = self._templates[record[0]]
        assert template is not None
        accesses, sizes, params = template
        numbers = iter(record[1:])
        offsets = [_numbers(access.offsets, numbers) for access in accesses]
        size, param = _numbers(sizes, numbers), _numbers(params, numbers)
        places = tuple(
            _place(access, offset, numbers)
            for access, offset in zip(accesses, offsets, strict=True)
        )
        return Resolved(places, size, param)


class IssueOrder(Listing):
    """A function prepared for issue."""

    def __init__(self, ops: Sequence[Issued], run: Callable[[int, int], list[Record]]):
        super().__init__(ops)
        self.pipes: Sequence[Pipe] = [op.pipe for op in ops]
        self._run = run

    def records(self, block: int, sub_block: int = 0) -> list[Record]:
        """What the core with that block index issues; `sub_block` is its place in its group."""
        return self._run(block, sub_block)


def _numbers(values: Sequence[int | SSAValue], numbers: Iterator[int]) -> tuple[int, ...]:
    return tuple(value if isinstance(value, int) else next(numbers) for value in values)


def _place(access: Access, offsets: tuple[int, ...], numbers: Iterator[int]) -> Place:
    slot = next(numbers) if _slots(access.buffer) > 1 else 0
    return Place(access.buffer, slot, offsets, access.strides)


def _slots(buffer: SSAValue) -> int:
    return buffer.owner.slots if isinstance(buffer.owner, AllocOp) else 1


def issue_order(kernel: KernelOp, function: Function | None = None) -> IssueOrder:
    """Prepare a kernel, or one function of it: its control flow is compiled once, to Python."""
    compiler = _Compiler()
    compiler.block((function or kernel.functions[0]).block, 1)
    counters = [f"    {name} = 0" for name in compiler.counters]
    lines = ["def run(block, sub_block):", "    issued = []", "    out = issued.append", *counters]
    source = "\n".join([*lines, *compiler.lines, "    return issued"])
    scope: dict[str, Any] = {}
    exec(compile(source, kernel.label, "exec"), scope)
    return IssueOrder(compiler.ops, scope["run"])


class _Compiler:
    """Python source that appends a record for every instruction a core issues."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.counters: list[str] = []
        self.ops: list[Issued] = []
        self._names: dict[SSAValue, str] = {}

    def block(self, block: Block, depth: int) -> None:
        for op in block.ops:
            self._op(op, depth)

    def _line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def _define(self, value: SSAValue) -> str:
        return self._names.setdefault(value, f"v{len(self._names)}")

    def _op(self, op: Operation, depth: int) -> None:
        match op:
            case ForOp():
                self._loop(op, depth)
            case ApplyOp():
                (text,) = self._map(op.map.data, op.operands)
                self._line(depth, f"{self._define(op.result)} = {text}")
            case MinOp():
                text = ", ".join(self._map(op.map.data, op.operands))
                self._line(depth, f"{self._define(op.result)} = min({text})")
            case BlockIdxOp():
                self._names[op.index] = "block"
            case SubBlockIdxOp():
                self._names[op.index] = "sub_block"
            case AllocOp():
                self._alloc(op, depth)
            case InstructionOp() | SetFlagOp() | WaitFlagOp() | PipeBarrierOp():
                self._issue(op, depth)
            case CrossSetOp() | CrossWaitOp():
                self._issue(op, depth)
            case YieldOp():
                pass
            case _:
                raise ValueError(f"{op.name} has no place in a kernel")

    def _loop(self, op: ForOp, depth: int) -> None:
        lower = self._map(op.lowerBoundMap.data, op.lowerBoundOperands)
        upper = self._map(op.upperBoundMap.data, op.upperBoundOperands)
        start = lower[0] if len(lower) == 1 else f"max({', '.join(lower)})"
        end = upper[0] if len(upper) == 1 else f"min({', '.join(upper)})"
        variable = self._define(op.body.block.args[0])
        step = op.step.value.data
        self._line(depth, f"for {variable} in range({start}, {end}, {step}):")
        self._line(depth + 1, "pass")
        self.block(op.body.block, depth + 1)

    def _alloc(self, op: AllocOp, depth: int) -> None:
        """The slot of this execution, and the counter's next value."""
        if op.slots == 1:
            return
        slot = self._define(op.buffer)
        counter = f"next_{slot}"
        self.counters.append(counter)
        self._line(depth, f"{slot} = {counter}")
        self._line(depth, f"{counter} = ({slot} + 1) % {op.slots}")

    def _issue(self, op: Issued, depth: int) -> None:
        values = [*op.indices, *op.memory] if isinstance(op, InstructionOp) else op.operands
        names = [self._names[value] for value in values if value in self._names]
        self._line(depth, f"out(({', '.join([str(len(self.ops)), *names])},))")
        self.ops.append(op)

    def _map(self, map: AffineMap, operands: Sequence[SSAValue]) -> list[str]:
        names = [self._names[value] for value in operands]
        return [_expression(result, names, map.num_dims) for result in map.results]


def _expression(expr: AffineExpr, names: Sequence[str], dims: int) -> str:
    match expr:
        case AffineConstantExpr():
            return str(expr.value)
        case AffineDimExpr():
            return names[expr.position]
        case AffineSymExpr():
            return names[dims + expr.position]
        case AffineBinaryOpExpr():
            left, right = _expression(expr.lhs, names, dims), _expression(expr.rhs, names, dims)
            return _OPERATORS[expr.kind].format(left, right)
        case _:
            raise ValueError(f"no index arithmetic for {expr}")
