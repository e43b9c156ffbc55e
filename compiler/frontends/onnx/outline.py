"""Reads the nodes of a model and nothing else: no weights, no external data, no inference."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Set

import onnx
from onnx import AttributeProto

from compiler.atc_names import nameless_node
from compiler.errors import UserError
from compiler.frontends.onnx.opsets import domain_name
from compiler.frontends.onnx.slim import read_slim
from compiler.frontends.onnx.types import is_open
from compiler.frontends.onnx.walk import graphs_in, nodes_of
from compiler.plugins.node import GraphOutline, ModelNode, ModelOutline, Value

_READ: Mapping[int, Callable[[AttributeProto], Value]] = {
    AttributeProto.INT: lambda a: a.i,
    AttributeProto.FLOAT: lambda a: a.f,
    AttributeProto.STRING: lambda a: a.s.decode(errors="replace"),
    AttributeProto.INTS: lambda a: tuple(a.ints),
    AttributeProto.FLOATS: lambda a: tuple(a.floats),
}


def read_outline(path: str) -> ModelOutline:
    """The nodes of the model at `path`. UserError when it is not an ONNX model."""
    try:
        return outline_of(read_slim(path).proto)
    except UserError as error:
        raise error.at(path) from None


def outline_of(model: onnx.ModelProto) -> ModelOutline:
    """The nodes of a model as it was read."""
    opsets = {domain_name(entry.domain): entry.version for entry in model.opset_import}
    functions = {(domain_name(f.domain), f.name) for f in model.functions}
    return _Outliner(opsets or {"ai.onnx": 1}, functions).model(model.graph)


class _Outliner:
    """Goes through a model level by level: one counter names all nodes that have no name."""

    def __init__(self, opsets: Mapping[str, int], functions: Set[tuple[str, str]]):
        self.opsets = opsets
        self.functions = functions
        self.nameless = 0
        self.waiting: deque[tuple[onnx.GraphProto, list[ModelNode]]] = deque()

    def model(self, graph: onnx.GraphProto) -> ModelOutline:
        used = _used(graph)
        outline = self._graph(graph)
        while self.waiting:
            proto, nodes = self.waiting.popleft()
            nodes.extend(self._node(node, used) for node in proto.node)
        constants = set(outline.constants)
        values = [value for value in graph.input if value.name not in constants]
        return ModelOutline(self.opsets, outline, [v.name for v in values if is_open(v.type)])

    def _graph(self, graph: onnx.GraphProto) -> GraphOutline:
        """A graph whose nodes are filled in when its level has come."""
        nodes: list[ModelNode] = []
        self.waiting.append((graph, nodes))
        constants = [tensor.name for tensor in graph.initializer]
        constants += [sparse.values.name for sparse in graph.sparse_initializer]
        inputs = [value.name for value in graph.input]
        return GraphOutline(inputs, [value.name for value in graph.output], constants, nodes)

    def _node(self, node: onnx.NodeProto, used: Set[str]) -> ModelNode:
        domain = domain_name(node.domain)
        name = node.name or nameless_node(node.op_type, self.nameless)
        self.nameless += not node.name
        return ModelNode(
            name,
            domain,
            self.opsets.get(domain),
            node.op_type,
            {a.name: _READ.get(a.type, _unread)(a) for a in node.attribute},
            tuple(map(bool, node.input)),
            tuple(output in used for output in node.output),
            tuple(self._graph(graph) for graph in graphs_in(node)),
            (domain, node.op_type) in self.functions,
        )


def _unread(attribute: AttributeProto) -> None:
    """The value of a tensor, a graph and the like."""


def _used(graph: onnx.GraphProto) -> set[str]:
    """The values that somebody reads, in this graph or in one inside it."""
    used = {name for node in nodes_of(graph.node) for name in node.input}
    used |= {value.name for value in graph.output}
    for node in nodes_of(graph.node):
        for inner in graphs_in(node):
            used |= {value.name for value in inner.output}
    return used - {""}
