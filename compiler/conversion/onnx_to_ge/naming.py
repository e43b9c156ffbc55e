"""Node names as GraphEngine's ONNX importer gives them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from xdsl.ir import Operation, SSAValue

from compiler.atc_names import Node, initializer_names, labels
from compiler.conversion.onnx_to_ge.emitter import Expansion
from dialects.onnx.graph import GraphOp, InitializerOp
from dialects.onnx.node import NodeOp


def initializer_labels(graph: GraphOp, prefix: str = "") -> dict[str, str]:
    """The name of the node that each initializer becomes."""
    names = initializer_names(list(graph.initializers))
    return {name: f"{prefix}{label}" for name, label in names.items()}


def node_labels(graph: GraphOp) -> dict[NodeOp, str]:
    """The name of every node, of graphs inside others as well."""
    found: dict[NodeOp, str] = {}
    for inner, _, names in labels(graph, _nodes):
        found.update(zip(inner.nodes, names, strict=True))
    return found


def _nodes(graph: GraphOp) -> Iterator[Node[GraphOp]]:
    for node in graph.nodes:
        graphs = zip(node.graph_labels, _inside(node), strict=True)
        yield Node(node.op_type, node.label or "", tuple(graphs))


def _inside(node: NodeOp) -> Iterator[GraphOp]:
    for region in node.regions:
        yield from (op for op in region.block.ops if isinstance(op, GraphOp))


def number_expansions(graph: GraphOp, expansions: Mapping[Operation, Expansion]) -> None:
    """Name the nodes of all expansions: one counter, in the order the importer visits nodes."""
    counter = 0
    reached = [op for op in visiting_order(graph) if op in expansions]
    for op in dict.fromkeys((*reached, *expansions)):  # those of graphs in graphs come last
        counter = expansions[op].number(counter)


def visiting_order(graph: GraphOp) -> Iterator[Operation]:
    """Breadth first from the graph inputs: a node, its consumers, then its producers.

    Nodes that are not reached follow in file order.
    """
    place = {op: i for i, op in enumerate(graph.body.block.ops)}

    def consumers(value: SSAValue) -> list[Operation]:
        """The nodes that read a value, in file order."""
        readers = {use.operation for use in value.uses if isinstance(use.operation, NodeOp)}
        return sorted((op for op in readers if op in place), key=place.__getitem__)

    queue = deque(op for value in graph.inputs.values() for op in consumers(value))
    seen: set[Operation] = set()
    while queue:
        op = queue.popleft()
        if op in seen:
            continue
        seen.add(op)
        yield op
        for result in op.results:
            queue.extend(consumers(result))
        queue.extend(v.owner for v in op.operands if isinstance(v.owner, NodeOp | InitializerOp))
    yield from (node for node in graph.nodes if node not in seen)
