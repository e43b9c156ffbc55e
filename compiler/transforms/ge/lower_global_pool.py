"""ge-lower-global-pool: GlobalAveragePool becomes ReduceMean over the spatial axes."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i32
from xdsl.passes import ModulePass

from compiler.constants import const_vector
from compiler.rewrite import all_graphs, editing
from dialects.ge import ConstOp, NodeOp, Op, type_of
from dialects.types import shape_of


@dataclass(frozen=True)
class GELowerGlobalPoolPass(ModulePass):
    """What GraphEngine's GlobalavgpoolPass does: axes 2… as an int32 constant, dimensions kept."""

    name = "ge-lower-global-pool"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            with editing(graph) as editor:
                for node in list(graph.nodes):
                    if type_of(node) == "GlobalAveragePool":
                        editor.replace(node, *_reduce_mean(node))


def _reduce_mean(node: NodeOp) -> tuple[ConstOp, Op]:
    axes = tuple(range(2, len(shape_of(node.operands[0]))))
    constant = const_vector(f"{node.label}_axes", axes, i32)
    flags = {"keep_dims": IntegerAttr(1, 1), "noop_with_empty_axes": IntegerAttr(1, 1)}
    inputs = {"x": node.operands[0], "axes": constant.results[0]}
    return constant, Op.of("ReduceMean", node.label, inputs, node.result_types, flags)
