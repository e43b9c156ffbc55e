"""Puts the bodies of model-local functions where they are called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import onnx
from onnx import inliner

from compiler.errors import UserError
from compiler.frontends.onnx.function_checks import check_body, check_call, check_references
from compiler.frontends.onnx.opsets import (
    KNOWN_DOMAINS,
    Opsets,
    describe,
    domain_name,
    opset_imports,
)
from compiler.frontends.onnx.walk import nodes_of
from dialects.onnx.schema import operator_name, schema

Key: TypeAlias = tuple[str, str, str]
"""The domain, name and overload of a function."""


def inline_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without functions.

    ONNX leaves open what a function with the name of a standard operator means: the operator goes
    before it, as in onnx's reference and in ONNX Runtime. UserError for recursion, for calls and
    bodies that do not fit, and for a function whose opset gives an operator another meaning than
    the model's.
    """
    check_references(model.graph)
    opsets = opset_imports(model)
    others = [function for function in model.functions if not _is_operator(function, opsets)]
    del model.functions[:]
    model.functions.extend(others)
    if not model.functions:
        return model
    functions = _by_key(model.functions)
    for part in (model.graph, *model.functions):
        for node in nodes_of(part.node):
            if (key := _node_key(node)) in functions:
                _complete_call(node, functions[key])
    for key in _called(model.graph.node, functions, ()):
        check_body(functions[key])
        _adopt_opsets(model, functions[key], opsets)
    try:
        inlined = inliner.inline_local_functions(model)
    except (onnx.checker.ValidationError, RuntimeError, ValueError) as error:
        raise UserError(f"its functions cannot be inlined: {error}") from None
    for node in nodes_of(inlined.graph.node):
        if _node_key(node) in functions:
            raise UserError(f"{describe(node)}: the function it calls cannot be inlined")
    del inlined.functions[:]
    return inlined


def _is_operator(function: onnx.FunctionProto, opsets: Opsets) -> bool:
    """Whether the model's opset has an operator of a function's name."""
    domain = domain_name(function.domain)
    operator = operator_name(domain, function.name)
    known = domain in KNOWN_DOMAINS and domain in opsets
    return known and schema(operator, opsets[domain]) is not None


def _by_key(functions: Iterable[onnx.FunctionProto]) -> dict[Key, onnx.FunctionProto]:
    found: dict[Key, onnx.FunctionProto] = {}
    for function in functions:
        if found.setdefault(_function_key(function), function) is not function:
            domain = domain_name(function.domain)
            raise UserError(f"two functions are called '{function.name}' in the domain '{domain}'")
    return found


def _complete_call(node: onnx.NodeProto, function: onnx.FunctionProto) -> None:
    """Give a call the attributes it leaves out and the function has defaults for."""
    check_call(node, function)
    named = {attribute.name for attribute in node.attribute}
    node.attribute.extend(a for a in function.attribute_proto if a.name not in named)


def _function_key(function: onnx.FunctionProto) -> Key:
    return domain_name(function.domain), function.name, function.overload


def _node_key(node: onnx.NodeProto) -> Key:
    return domain_name(node.domain), node.op_type, node.overload


def _called(
    nodes: Iterable[onnx.NodeProto], functions: dict[Key, onnx.FunctionProto], path: tuple[Key, ...]
) -> set[Key]:
    """The functions that nodes call, directly or through others."""
    called: set[Key] = set()
    for node in nodes_of(nodes):
        key = _node_key(node)
        if key in path:
            raise UserError(f"{describe(node)}: function '{key[1]}' calls itself")
        if key in functions and key not in called:
            called |= {key} | _called(functions[key].node, functions, (*path, key))
    return called


def _adopt_opsets(model: onnx.ModelProto, function: onnx.FunctionProto, opsets: Opsets) -> None:
    """Let the function use the model's opsets, where that changes no operator it uses."""
    own = opset_imports(function)
    for node in nodes_of(function.node):
        domain = domain_name(node.domain)
        if domain in KNOWN_DOMAINS and domain in own and domain in opsets:
            _check_same_operator(function, node, own[domain], opsets[domain])
    for entry in function.opset_import:
        domain = domain_name(entry.domain)
        if domain in opsets:
            entry.version = opsets[domain]
        else:
            opsets[domain] = entry.version
            model.opset_import.add(domain=entry.domain, version=entry.version)


def _check_same_operator(
    function: onnx.FunctionProto, node: onnx.NodeProto, inside: int, outside: int
) -> None:
    operator = operator_name(domain_name(node.domain), node.op_type)
    there, here = schema(operator, inside), schema(operator, outside)
    if there is not here:
        raise UserError(
            f"function '{function.name}' uses {operator} of opset {inside}, which is not that of"
            f" the model's opset {outside}: convert the model to one opset"
        )
