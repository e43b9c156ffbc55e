"""ge-merge-duplicates: equal nodes become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass

from compiler.purity import changes_memory, is_pure
from compiler.rewrite import ORIGINS, all_graphs, editing, waited_for
from dialects.ge import ConstOp, FileConstantOp, GraphOp, NodeOp, type_of

Key: TypeAlias = tuple[str, Attribute | None, tuple[SSAValue, ...]]


@dataclass(frozen=True)
class GEMergeDuplicatesPass(ModulePass):
    """Let the readers of a node read an equal earlier one: equal type, inputs and attributes.

    As GraphEngine's CommonSubexpressionElimination and ConstantFuseSame. Constants are compared by
    reference, no weight is read. Nodes with effects or control edges stay, as does every node of
    a graph that writes variables, for its reads are ordered.
    """

    name = "ge-merge-duplicates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            if graph.output is not None and not any(changes_memory(n) for n in graph.nodes):
                _merge(graph)


def _merge(graph: GraphOp) -> None:
    waited = waited_for(graph)
    known: dict[Key, list[NodeOp]] = {}
    with editing(graph) as editor:
        for node in list(graph.nodes):
            if node.after is not None or node.label in waited or not is_pure(node):
                continue
            alike = known.setdefault(_key(node), [])
            same = next((other for other in alike if _is_equal(node, other)), None)
            if same is None:
                alike.append(node)
            else:
                editor.remove(node, same.results)


def _key(node: NodeOp) -> Key:
    """What is cheap to compare; of a constant that is all there is."""
    value = node.value if isinstance(node, ConstOp | FileConstantOp) else node.ports
    return type_of(node), value, tuple(node.operands)


def _is_equal(a: NodeOp, b: NodeOp) -> bool:
    return a.result_types == b.result_types and _relevant(a) == _relevant(b)


def _relevant(node: NodeOp) -> dict[str, Attribute]:
    """The attributes that say what is computed."""
    return {name: value for name, value in node.attributes.items() if name != ORIGINS}
