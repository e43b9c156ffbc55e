"""How passes change graphs of ge nodes: replacement that keeps names and locations."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.ir import Operation
from xdsl.rewriter import Rewriter

from dialects.ge import BundleOp, GraphOp, NodeOp, subgraphs_of


def main_graphs(module: ModuleOp) -> Iterator[GraphOp]:
    """The graphs that become models: those of the module, and those of its bundles."""
    for op in module.body.block.ops:
        if isinstance(op, GraphOp):
            yield op
        elif isinstance(op, BundleOp):
            yield from op.graphs


def all_graphs(module: ModuleOp) -> Iterator[GraphOp]:
    """Every graph of the module, an owner before its subgraphs."""
    for graph in main_graphs(module):
        yield from nested_graphs(graph)


def nested_graphs(graph: GraphOp) -> Iterator[GraphOp]:
    """A graph and all graphs inside it."""
    yield graph
    for node in graph.nodes:
        for inner in subgraphs_of(node):
            yield from nested_graphs(inner)


def replace_node(old: NodeOp, *new: NodeOp) -> None:
    """Put new nodes in the place of an old one; the last one's results take its results' uses."""
    for node in new:
        carry_location(old, node)
    Rewriter.replace_op(old, list(new))


def carry_location(old: Operation, new: Operation) -> None:
    """Give a new operation the ONNX origin of the one it stands for."""
    if isinstance(new.location, UnknownLoc):
        new.location = old.location
