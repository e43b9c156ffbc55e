"""The nodes, graphs and tensors of a ModelProto, wherever they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

_SCALAR_KINDS = {
    AttributeProto.INT,
    AttributeProto.INTS,
    AttributeProto.FLOAT,
    AttributeProto.FLOATS,
    AttributeProto.STRING,
    AttributeProto.STRINGS,
}


def graphs_in(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs that a node has as attributes."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == AttributeProto.GRAPHS:
            yield from attribute.graphs


def graphs_of(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph, and those inside its nodes."""
    yield graph
    for node in graph.node:
        for inner in graphs_in(node):
            yield from graphs_of(inner)


def nodes_of(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """The nodes, and those of the graphs inside them."""
    for node in nodes:
        yield node
        for graph in graphs_in(node):
            yield from nodes_of(graph.node)


def tensors_of(model: ModelProto) -> Iterator[TensorProto]:
    """Every tensor of a model: of its graphs, of its nodes' attributes, of its functions."""
    yield from _of_graph(model.graph)
    for function in model.functions:
        yield from _of_nodes(function.node)
        yield from _of_attributes(function.attribute_proto)
    for training in model.training_info:
        yield from _of_graph(training.initialization)
        yield from _of_graph(training.algorithm)


def _of_graph(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Iterable[NodeProto]) -> Iterator[TensorProto]:
    for node in nodes:
        yield from _of_attributes(node.attribute)


def _of_attributes(attributes: Iterable[AttributeProto]) -> Iterator[TensorProto]:
    for attribute in attributes:
        if attribute.type in _SCALAR_KINDS:
            continue
        yield from (attribute.t, *attribute.tensors)
        for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
            yield from (sparse.values, sparse.indices)
        for graph in (attribute.g, *attribute.graphs):
            yield from _of_graph(graph)


def initializers_of(graph: GraphProto) -> Iterator[TensorProto]:
    """The dense initializers of a graph and of the graphs in it."""
    yield from graph.initializer
    for attribute in _attributes(graph.node):
        for inner in _graphs(attribute):
            yield from initializers_of(inner)


def attribute_tensors_of(nodes: Iterable[NodeProto]) -> Iterator[TensorProto]:
    """The dense tensors that are attributes of nodes and of the nodes in their graphs."""
    for attribute in _attributes(nodes):
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
        for inner in _graphs(attribute):
            yield from attribute_tensors_of(inner.node)


def _attributes(nodes: Iterable[NodeProto]) -> Iterator[AttributeProto]:
    return (attribute for node in nodes for attribute in node.attribute)


def _graphs(attribute: AttributeProto) -> Iterator[GraphProto]:
    if attribute.type not in _SCALAR_KINDS:
        yield from (attribute.g, *attribute.graphs)
