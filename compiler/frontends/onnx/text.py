"""Names that are not text: protobuf hands them over as bytes where a string is declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import onnx

from compiler.errors import UserError
from compiler.frontends.onnx.walk import tensors_of


def check_text(model: onnx.ModelProto) -> None:
    """UserError for the first name in a model that is not UTF-8."""
    for text in _model(model):
        if not isinstance(text, str):
            raise UserError(f"the name {text!r} is not UTF-8")


def _model(model: onnx.ModelProto) -> Iterator[object]:
    for opset in model.opset_import:
        yield opset.domain
    yield from _graph(model.graph)
    for tensor in tensors_of(model):
        yield tensor.name
        for entry in tensor.external_data:
            yield from (entry.key, entry.value)
    for function in model.functions:
        yield from (function.name, function.domain, function.overload)
        yield from (*function.input, *function.output, *function.attribute)
        yield from _nodes(function.node)


def _graph(graph: onnx.GraphProto) -> Iterator[object]:
    yield graph.name
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield value.name
        yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)
    yield from _nodes(graph.node)


def _nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[object]:
    for node in nodes:
        yield from (node.name, node.op_type, node.domain, node.overload)
        yield from node.input
        yield from node.output
        for attribute in node.attribute:
            yield from (attribute.name, attribute.ref_attr_name)
            if attribute.HasField("g"):
                yield from _graph(attribute.g)
            for graph in attribute.graphs:
                yield from _graph(graph)
