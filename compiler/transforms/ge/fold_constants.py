"""ge-fold-constants: constants that only change shape, or repeat one value, stay references."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.ir import Attribute
from xdsl.passes import ModulePass

from compiler.folding import fold
from compiler.joins import split
from compiler.rewrite import (
    ORIGINS,
    GraphEditor,
    all_graphs,
    editing,
    origins,
)
from dialects.ge import ConstOp, NodeOp


@dataclass(frozen=True)
class GEFoldConstantsPass(ModulePass):
    """Replace nodes whose result is known by constants, without touching a weight's bytes.

    Small operands are computed with. Casts, transposes, joins, parts and float arithmetic of large
    weights become derived weights, views and slices of what lies together stay references. A folded
    node becomes `dynamic_const_<n>`; constants that nobody uses any more are removed.
    """

    name = "ge-fold-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        labels = (f"dynamic_const_{number}" for number in count())
        for graph in all_graphs(op):
            taken = {node.label for node in graph.nodes}
            free = (label for label in labels if label not in taken)
            with editing(graph) as editor:
                for node in list(graph.nodes):
                    value = fold(node)
                    if value is not None:
                        editor.replace(node, _folded(node, 0, value, next(free)))
                    elif (values := split(node)) is not None:
                        parts = [_folded(node, i, v, next(free)) for i, v in enumerate(values)]
                        editor.scatter(node, parts)
                remove_unused_constants(editor)


def _folded(node: NodeOp, result: int, value: Attribute, label: str) -> ConstOp:
    return ConstOp.make(
        label,
        results=[node.result_types[result]],
        attributes={
            ORIGINS: origins([node]),
            "_is_from_constant_folding": IntegerAttr(1, 1),
        },
        value=value,
    )


def remove_unused_constants(editor: GraphEditor) -> None:
    """Erase the constants of a graph that no node reads."""
    for node in list(editor.graph.nodes):
        if isinstance(node, ConstOp) and not node.results[0].uses:
            editor.remove(node)
