"""ge-cancel-reshapes: a view that leads back to an earlier shape is that earlier value."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass

from compiler.folding import VIEWS
from compiler.rewrite import all_graphs, editing
from dialects.ge import GraphOp, NodeOp, type_of
from dialects.types import is_static


@dataclass(frozen=True)
class GECancelReshapesPass(ModulePass):
    """Remove Reshape, Flatten, Squeeze and Unsqueeze nodes that change nothing or undo others.

    As GraphEngine's NoUseReshapeRemovePass and ReshapeRemovePass. All views of one value are
    followed, so that of `a → b → a → b` one view is left. Shapes must be static.
    """

    name = "ge-cancel-reshapes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _cancel(graph)


def _cancel(graph: GraphOp) -> None:
    roots: dict[SSAValue, SSAValue] = {}
    shapes: dict[SSAValue, dict[Attribute, SSAValue]] = {}
    with editing(graph) as editor:
        for node in list(graph.nodes):
            if not _is_view(node):
                continue
            source, result = node.operands[0], node.results[0]
            root = roots.get(source, source)
            known = shapes.setdefault(root, {root.type: root})
            same = known.get(result.type)
            if same is not None:
                editor.remove(node, [same])
            else:
                known[result.type] = result
                roots[result] = root


def _is_view(node: NodeOp) -> bool:
    return (
        type_of(node) in VIEWS
        and node.after is None
        and len(node.results) == 1
        and is_static(node.operands[0].type)
        and is_static(node.results[0].type)
    )
