"""Node names as GraphEngine's ONNX importer gives them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from xdsl.ir import Operation, SSAValue

from compiler.conversion.onnx_to_ge.emitter import Expansion
from dialects.onnx.graph import GraphOp, InitializerOp
from dialects.onnx.node import NodeOp


def initializer_labels(graph: GraphOp) -> dict[str, str]:
    """`<name>_Initializer_<k>` for each initializer, k its place in alphabetical order."""
    return {name: f"{name}_Initializer_{k}" for k, name in enumerate(sorted(graph.initializers))}


def node_labels(graph: GraphOp) -> dict[NodeOp, str]:
    """The node's own name, or `<OpType>_<k>` with one counter for all nameless nodes."""
    labels: dict[NodeOp, str] = {}
    nameless = 0
    for node in graph.nodes:
        labels[node] = node.label or f"{node.op_type}_{nameless}"
        nameless += not node.label
    return labels


def number_expansions(graph: GraphOp, expansions: Mapping[Operation, Expansion]) -> None:
    """Name the nodes of all expansions: one counter, in the order the importer visits nodes."""
    counter = 0
    for op in visiting_order(graph):
        if op in expansions:
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
