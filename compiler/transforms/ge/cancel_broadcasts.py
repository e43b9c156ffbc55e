"""ge-cancel-broadcasts: broadcasts that the operator behind them does by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from compiler.rewrite import all_graphs
from dialects.ge import NodeOp, type_of
from dialects.types import is_static, shape_of

BROADCASTS = ("BroadcastTo", "Expand")
ELEMENTWISE = frozenset(
    {
        "Add",
        "Div",
        "Equal",
        "Greater",
        "GreaterEqual",
        "Less",
        "LessEqual",
        "LogicalAnd",
        "LogicalOr",
        "Maximum",
        "Minimum",
        "Mul",
        "NotEqual",
        "Pow",
        "RealDiv",
        "SelectV2",
        "SquaredDifference",
        "Sub",
    }
)
"""Operators whose inputs are broadcast as in NumPy."""


@dataclass(frozen=True)
class GECancelBroadcastsPass(ModulePass):
    """Let operators read what BroadcastTo or Expand repeats, where that gives the same result.

    Those are elementwise operators whose result keeps its shape, and LayerNorm, whose gamma and
    beta may have the shape of the normalised axes. A tensor is then neither written nor read in
    full only to hold a few elements many times.
    """

    name = "ge-cancel-broadcasts"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            for node in graph.nodes:
                if type_of(node) in ELEMENTWISE or type_of(node) == "LayerNorm":
                    _cancel(node)
                if type_of(node) == "LayerNorm":
                    _name_axis(node)


def _cancel(node: NodeOp) -> None:
    """Let a node read what its operands are broadcast from, one after the other."""
    for place, value in enumerate(node.operands):
        maker = value.owner
        if not isinstance(maker, NodeOp) or type_of(maker) not in BROADCASTS:
            continue
        source = maker.operands[0]
        operands = [*node.operands[:place], source, *node.operands[place + 1 :]]
        types = [value.type for value in (*node.operands, *node.results, source)]
        if all(map(is_static, types)) and _is_same(node, operands, place):
            node.operands[place] = source


def _name_axis(node: NodeOp) -> None:
    """Say from which axis on gamma and beta have those of x."""
    if not all(is_static(value.type) for value in node.operands):
        return
    x, *parameters = map(shape_of, node.operands)
    axis = node.integer("begin_norm_axis", 0) % len(x)
    if all(shape == x[axis:] for shape in parameters):
        node.attributes["begin_params_axis"] = IntegerAttr(axis, i64)


def _is_same(node: NodeOp, operands: Sequence[SSAValue], place: int) -> bool:
    """Whether a node has the same result with those operands, of which one was broadcast before."""
    if type_of(node) == "LayerNorm":
        x = shape_of(operands[0])
        axis = node.integer("begin_norm_axis", 0) % len(x)
        return place > 0 and shape_of(operands[place]) == x[axis:]
    shape = broadcast(*map(shape_of, operands))
    return shape == shape_of(node.results[0])


def broadcast(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that shapes which fit together are broadcast to."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(max(sizes) for sizes in zip(*padded, strict=True))
