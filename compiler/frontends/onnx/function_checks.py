"""What must hold of model-local functions and their calls before bodies take the place of calls."""

from __future__ import annotations

from collections.abc import Iterable, Set

import onnx

from compiler.errors import UserError
from compiler.frontends.onnx.opsets import describe
from compiler.frontends.onnx.walk import graphs_in, nodes_of


def check_call(node: onnx.NodeProto, function: onnx.FunctionProto) -> None:
    """UserError for inputs, outputs or attributes that the function has not."""
    for kind in ("input", "output"):
        given, taken = len(getattr(node, kind)), len(getattr(function, kind))
        if given > taken:
            raise UserError(
                f"{describe(node)}: has {given} {kind}s, function '{function.name}' has {taken}"
            )
    taken = [*function.attribute, *(attribute.name for attribute in function.attribute_proto)]
    for attribute in node.attribute:
        if attribute.name not in taken:
            known = ", ".join(f"'{name}'" for name in taken) or "none"
            raise UserError(
                f"{describe(node)}: gives attribute '{attribute.name}', function"
                f" '{function.name}' has {known}"
            )


def check_body(function: onnx.FunctionProto) -> None:
    """UserError for a value or an attribute that a function uses and is neither given nor makes."""
    made = _check_values(function, function.node, set(function.input))
    for name in function.output:
        if name not in made:
            raise UserError(f"function '{function.name}' never makes its output '{name}'")
    declared = {*function.attribute, *(attribute.name for attribute in function.attribute_proto)}
    for node, name in _references(function.node):
        if name not in declared:
            raise UserError(
                f"function '{function.name}': {describe(node)} refers to the attribute '{name}',"
                " which the function has not"
            )


def _check_values(
    function: onnx.FunctionProto, nodes: Iterable[onnx.NodeProto], outer: Set[str]
) -> Set[str]:
    """The values known behind the nodes."""
    known = {*outer, ""}
    for node in nodes:
        for name in node.input:
            if name not in known:
                raise UserError(
                    f"function '{function.name}': {describe(node)} reads '{name}', which the"
                    " function neither takes nor makes before it"
                )
        for graph in graphs_in(node):
            own = {value.name for value in (*graph.input, *graph.initializer)}
            own |= {sparse.values.name for sparse in graph.sparse_initializer}
            _check_values(function, graph.node, known | own)
        known |= set(node.output)
    return known


def check_references(graph: onnx.GraphProto) -> None:
    """UserError for an attribute outside functions that refers to one of a function."""
    for node, name in _references(graph.node):
        raise UserError(
            f"{describe(node)}: refers to the attribute '{name}' of a function, and is in none"
        )


def _references(nodes: Iterable[onnx.NodeProto]) -> Iterable[tuple[onnx.NodeProto, str]]:
    """The nodes that refer to attributes of their function, and to which."""
    for node in nodes_of(nodes):
        for attribute in node.attribute:
            if attribute.ref_attr_name:
                yield node, attribute.ref_attr_name
