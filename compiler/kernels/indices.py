"""The index values of a kernel as expressions over its loops and its block index."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.affine import ApplyOp, ForOp, MinOp
from xdsl.ir import BlockArgument, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)

from compiler.planning.bounds import Least, Linear, Quotient, Remainder, Variable
from compiler.soc import soc
from dialects.davinci import BlockIdxOp, KernelOp, SubBlockIdxOp
from dialects.davinci.instruction import Mixed


class Indices:
    """Expressions of a kernel's index values; each loop's variable has the bounds of the loop."""

    def __init__(self, kernel: KernelOp):
        self._blocks = kernel.blocks
        self._soc = kernel.soc.data
        self._known: dict[SSAValue, Linear] = {}

    def of(self, value: Mixed) -> Linear:
        """The expression of a value."""
        if isinstance(value, int):
            return Linear.of(value)
        if value not in self._known:
            self._known[value] = self._make(value)
        return self._known[value]

    def trips(self, loop: ForOp) -> Linear:
        """The distance from a loop's start to its end; a loop with several bounds has the least."""
        lower = self._map(loop.lowerBoundMap.data, loop.lowerBoundOperands)
        upper = self._map(loop.upperBoundMap.data, loop.upperBoundOperands)
        spans = tuple(end - start for end in upper for start in lower)
        return spans[0] if len(spans) == 1 else Linear.of(Least(spans))

    def bounds(self, loop: ForOp) -> tuple[Linear, Linear]:
        """A loop's start and end; of several starts the greatest, of several ends the least."""
        lower = self._map(loop.lowerBoundMap.data, loop.lowerBoundOperands)
        upper = self._map(loop.upperBoundMap.data, loop.upperBoundOperands)
        start = lower[0] if len(lower) == 1 else Linear.of(Least(tuple(s * -1 for s in lower))) * -1
        return start, upper[0] if len(upper) == 1 else Linear.of(Least(upper))

    def _make(self, value: SSAValue) -> Linear:
        if isinstance(value, BlockArgument):
            loop = value.block.parent_op()
            assert isinstance(loop, ForOp)
            return Linear.of(self._variable(loop))
        match value.owner:
            case BlockIdxOp():
                return Linear.of(Variable(0, 0, self._blocks - 1))
            case SubBlockIdxOp():
                target = soc(self._soc)
                return Linear.of(Variable(-1, 0, target.vector_cores // target.cube_cores - 1))
            case ApplyOp() as op:
                return self._map(op.map.data, op.operands)[0]
            case MinOp() as op:
                return Linear.of(Least(self._map(op.map.data, op.operands)))
            case _:
                raise ValueError(f"{value} is no index of a kernel")

    def _variable(self, loop: ForOp) -> Variable:
        """A loop that begins at the core's own tile takes every number up to its end."""
        step = loop.step.value.data
        starts = self._map(loop.lowerBoundMap.data, loop.lowerBoundOperands)
        ends = self._map(loop.upperBoundMap.data, loop.upperBoundOperands)
        low = max(start.lower for start in starts)
        last = min(end.upper for end in ends) - 1
        if all(start.lower == start.upper for start in starts):
            last = max(low + (last - low) // step * step, low)
        else:
            step = 1
        return Variable(len(self._known) + 1, low, max(last, low), step)

    def _map(self, map: AffineMap, operands: Sequence[SSAValue]) -> tuple[Linear, ...]:
        values = [self.of(operand) for operand in operands]
        return tuple(_expression(result, values, map.num_dims) for result in map.results)


def _expression(expr: AffineExpr, values: Sequence[Linear], dims: int) -> Linear:
    match expr:
        case AffineConstantExpr():
            return Linear.of(expr.value)
        case AffineDimExpr():
            return values[expr.position]
        case AffineSymExpr():
            return values[dims + expr.position]
        case AffineBinaryOpExpr():
            left, right = (_expression(e, values, dims) for e in (expr.lhs, expr.rhs))
            return _combined(expr.kind, left, right)
        case _:
            raise ValueError(f"no index arithmetic for {expr}")


def _combined(kind: AffineBinaryOpKind, left: Linear, right: Linear) -> Linear:
    if kind is AffineBinaryOpKind.Add:
        return left + right
    if right.terms:
        left, right = right, left
    number = int(right.constant)
    match kind:
        case AffineBinaryOpKind.Mul:
            return left * number
        case AffineBinaryOpKind.Mod:
            return Linear.of(Remainder(left, number))
        case AffineBinaryOpKind.FloorDiv:
            return Linear.of(Quotient(left, number))
        case AffineBinaryOpKind.CeilDiv:
            return Linear.of(Quotient(left * -1, number)) * -1
