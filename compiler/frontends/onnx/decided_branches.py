"""An If whose condition is known becomes the branch that it takes, as GraphEngine has it, too.

Its shapes are then those of the one branch: exporters write an If where a shape decides something.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableSequence

import onnx
from onnx import helper, numpy_helper

from compiler.frontends.onnx.known_values import Values, told_types
from compiler.frontends.onnx.walk import graphs_in

BRANCHES = {True: (0, "then_branch"), False: (1, "else_branch")}


def take_decided_branches(model: onnx.ModelProto) -> bool:
    """Replace each If of the main graph that is decided; whether there was one."""
    graph = model.graph
    if not any(_is_if(node) for node in graph.node):
        return False
    values = Values(model, told_types(graph))
    decided = [_decision(node, values) if _is_if(node) else None for node in graph.node]
    if all(taken is None for taken in decided):
        return False
    nodes: list[onnx.NodeProto] = []
    for node, taken in zip(graph.node, decided, strict=True):
        nodes += [node] if taken is None else _branch(graph, node, taken)
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    return True


def _is_if(node: onnx.NodeProto) -> bool:
    return node.op_type == "If" and not node.domain


def _decision(node: onnx.NodeProto, values: Values) -> bool | None:
    """What the condition of an If is; None where it hangs on the model's inputs."""
    told = values.value(node.input[0]) if len(node.input) == 1 else None
    truth = numpy_helper.to_array(told) if told is not None else None
    return bool(truth.reshape(-1)[0]) if truth is not None and truth.size == 1 else None


def _branch(outer: onnx.GraphProto, node: onnx.NodeProto, taken: bool) -> list[onnx.NodeProto]:
    """The nodes that stand for an If; the constants of the branch go to the graph around it."""
    place, name = BRANCHES[taken]
    graph = next(attribute.g for attribute in node.attribute if attribute.name == name)
    prefix = f"{node.name or node.output[0]}_{place}_{name}/"
    made = [output for inner in graph.node for output in inner.output if output]
    constants = [tensor.name for tensor in graph.initializer]
    constants += [sparse.values.name for sparse in graph.sparse_initializer]
    names = {value: f"{prefix}{value}" for value in (*made, *constants)}
    copied: dict[str, str] = {}
    for value, result in zip(graph.output, node.output, strict=False):
        if value.name in made and result and names[value.name].startswith(prefix):
            names[value.name] = result
        elif result:
            copied[result] = value.name
    for inner in graph.node:
        inner.name = inner.name and f"{prefix}{inner.name}"
        _rename(inner, names)
    _move_constants(graph, outer, names)
    sources = {result: names.get(value, value) for result, value in copied.items()}
    identities = [helper.make_node("Identity", [x], [y]) for y, x in sources.items()]
    return [*graph.node, *identities]


def _move_constants(
    graph: onnx.GraphProto, outer: onnx.GraphProto, names: Mapping[str, str]
) -> None:
    """Give the graph around a branch its constants, and what is said of its values."""
    told = {info.name for info in (*outer.value_info, *outer.output)}
    for tensor in graph.initializer:
        tensor.name = names[tensor.name]
    for sparse in graph.sparse_initializer:
        sparse.values.name = names[sparse.values.name]
    for info in graph.value_info:
        info.name = names.get(info.name, info.name)
    outer.initializer.extend(graph.initializer)
    outer.sparse_initializer.extend(graph.sparse_initializer)
    outer.value_info.extend(info for info in graph.value_info if info.name not in told)


def _rename(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Let a node, and the nodes of its graphs, call values by their new names."""
    _rename_all(node.input, names)
    _rename_all(node.output, names)
    for graph in graphs_in(node):
        own = set(_defined(graph))
        outside = {old: new for old, new in names.items() if old not in own}
        for inner in graph.node:
            _rename(inner, outside)
        for value in graph.output:
            value.name = outside.get(value.name, value.name)


def _rename_all(fields: MutableSequence[str], names: Mapping[str, str]) -> None:
    for place, name in enumerate(fields):
        fields[place] = names.get(name, name)


def _defined(graph: onnx.GraphProto) -> Iterator[str]:
    """The names that a graph gives values of its own."""
    yield from (value.name for value in (*graph.input, *graph.initializer))
    yield from (sparse.values.name for sparse in graph.sparse_initializer)
    yield from (name for node in graph.node for name in node.output)
