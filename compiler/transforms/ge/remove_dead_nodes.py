"""ge-remove-dead-nodes: what no output needs disappears."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from compiler.purity import is_pure
from compiler.rewrite import all_graphs, editing
from dialects.ge import GraphOp, NodeOp


@dataclass(frozen=True)
class GERemoveDeadNodesPass(ModulePass):
    """Remove the nodes whose results nobody reads and that nobody waits for, last ones first.

    As GraphEngine's PrunePass. Inputs and variables stay, they are the model's interface; nodes
    with an effect stay; a graph without a NetOutput is there for its effects and stays whole.
    """

    name = "ge-remove-dead-nodes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            if graph.output is not None:
                _prune(graph)


def _prune(graph: GraphOp) -> None:
    waited: set[str] = set()
    with editing(graph) as editor:
        for node in reversed(list(graph.nodes)):
            if _is_dead(node, waited):
                editor.remove(node)
            elif node.after is not None:
                waited.update(node.control_inputs)


def _is_dead(node: NodeOp, waited: set[str]) -> bool:
    used = any(result.uses for result in node.results)
    return not used and node.label not in waited and is_pure(node)
