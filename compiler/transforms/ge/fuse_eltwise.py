"""ge-fuse-eltwise: chains of elementwise nodes become one node, which one kernel computes."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from compiler.eltwise import is_eltwise
from compiler.fusing import fuse, sole_reader
from compiler.matching import Matcher
from compiler.rewrite import Names, all_graphs, editing
from dialects.ge import GraphOp, NodeOp, Op, type_of

MOST_PARTS = 6
"""Nodes of a chain (the limit of GraphEngine's pass)."""

MOST_INPUTS = 8
"""Tensors that a kernel reads: each takes a part of UB."""


@dataclass(frozen=True)
class GEFuseEltwisePass(ModulePass):
    """Let one kernel compute elementwise nodes of which each alone reads those before it.

    Inputs may be broadcast, as NumPy does; what is between the nodes stays in UB, in the type it
    has. GraphEngine's TbeEltwiseFusionPass.
    """

    name = "ge-fuse-eltwise"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            if not any(type_of(node) == "Assign" for node in graph.nodes):
                _fuse(graph)


def _fuse(graph: GraphOp) -> None:
    with editing(graph) as editor:
        chains = [chain for chain in _chains(graph) if len(chain) > 1]
        names = Names(graph) if chains else None
        for chain in chains:
            assert names is not None
            fuse(editor, names, chain)


def _chains(graph: GraphOp) -> list[list[Op]]:
    """Nodes that go together, in the order of the graph; each node is in one chain at most."""
    match = Matcher(graph)
    chain_of: dict[NodeOp, list[Op]] = {}
    order = {node: place for place, node in enumerate(graph.nodes)}
    for node in order:
        if not isinstance(node, Op) or not is_eltwise(node):
            continue
        chain = [node]
        for maker in dict.fromkeys(value.owner for value in node.operands):
            before = chain_of.get(maker) if isinstance(maker, NodeOp) else None
            if before is not None and sole_reader(match, before[-1]) is node:
                joined = [*before, *chain]
                if len(joined) <= MOST_PARTS and _inputs(joined) <= MOST_INPUTS:
                    chain = joined
        chain.sort(key=order.__getitem__)
        chain_of.update(dict.fromkeys(chain, chain))
    return list({id(chain): chain for chain in chain_of.values()}.values())


def _inputs(chain: list[Op]) -> int:
    made = {result for node in chain for result in node.results}
    return len({value for node in chain for value in node.operands} - made)
