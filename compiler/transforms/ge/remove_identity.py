"""ge-remove-identity: nodes that pass their input on at inference disappear."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from compiler.rewrite import all_graphs, editing
from dialects.ge import NodeOp, type_of

PASS_THROUGH = frozenset({"Dropout", "Identity"})


@dataclass(frozen=True)
class GERemoveIdentityPass(ModulePass):
    """Remove Identity and Dropout: their consumers read what they read."""

    name = "ge-remove-identity"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            with editing(graph) as editor:
                for node in list(graph.nodes):
                    if _removable(node):
                        editor.remove(node, node.operands)


def _removable(node: NodeOp) -> bool:
    return (
        type_of(node) in PASS_THROUGH
        and len(node.operands) == len(node.results) == 1
        and node.operands[0].type == node.results[0].type
    )
