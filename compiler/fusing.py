"""Nodes that become one, which one kernel computes, and back (GraphEngine's UB fusion)."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import SSAValue

from compiler.matching import Matcher
from compiler.om.contract import PARENT_INDEX_NAME
from compiler.rewrite import ORIGINS, FreshNames, GraphEditor
from dialects.ge import DataOp, FusedOp, GraphOp, NetOutputOp, NodeOp, Op

LONGEST_NAME = 512
"""A fused node is called by all its parts, up to so many characters (`fusion_op_comm.cc`)."""


def sole_reader(match: Matcher, node: NodeOp) -> NodeOp | None:
    """The node that alone reads a node's one result, however often; None for what is bound."""
    if len(node.results) != 1 or not match.is_free(node):
        return None
    readers = {use.operation for use in node.results[0].uses}
    reader = readers.pop() if len(readers) == 1 else None
    return reader if isinstance(reader, NodeOp) and match.is_free(reader) else None


def fuse(editor: GraphEditor, names: FreshNames, parts: Sequence[Op]) -> FusedOp:
    """Put one node in the place of the last of some parts, which are in order.

    Each part but the last is read by others of them alone.
    """
    joined = "".join(part.label for part in parts)
    if len(joined) > LONGEST_NAME:
        joined = f"{parts[0].label}_ub_fusion"
    name = names.fresh(joined)
    inside = {result for part in parts for result in part.results}
    read = dict.fromkeys(v for part in parts for v in part.operands if v not in inside)
    first = {value: port for port, value in reversed(parts[0].named_inputs.items())}
    inputs = {first.get(v, f"__input{place}"): v for place, v in enumerate(read)}
    attributes = {k: v for k, v in parts[0].attributes.items() if k != ORIGINS}
    graph = _graph(name, list(read), parts)
    fused = FusedOp.of(name, inputs, parts[-1].result_types, attributes, graph)
    editor.fuse(parts, fused)
    return fused


def _graph(name: str, inputs: Sequence[SSAValue], parts: Sequence[Op]) -> GraphOp:
    """The parts as a graph of its own."""
    values: dict[SSAValue, SSAValue] = {}
    nodes: list[NodeOp] = []
    for place, value in enumerate(inputs):
        index = IntegerAttr(place, i64)
        numbers = {"index": index, PARENT_INDEX_NAME: index}
        data = DataOp.make(f"{name}/input{place}", {}, [value.type], numbers)
        values[value] = data.results[0]
        nodes.append(data)
    for part in parts:
        nodes.append(_copy(part, values))
        values.update(zip(part.results, nodes[-1].results, strict=True))
    results = {f"input{i}": values[result] for i, result in enumerate(parts[-1].results)}
    return GraphOp(name, [*nodes, NetOutputOp.make(f"{name}/NetOutput", results)])


def _copy(node: Op, values: dict[SSAValue, SSAValue]) -> Op:
    inputs = {port: values[value] for port, value in node.named_inputs.items()}
    copy = Op.of(node.type_name, node.label, inputs, node.result_types, node.attributes)
    copy.location = node.location
    return copy


def split(editor: GraphEditor, node: FusedOp) -> list[Op]:
    """Put the parts of a fused node in its place."""
    data: list[SSAValue] = [input.results[0] for input in node.graph.inputs]
    values = dict(zip(data, node.operands, strict=True))
    parts: list[Op] = []
    for part in node.parts:
        parts.append(_copy(part, values))
        values.update(zip(part.results, parts[-1].results, strict=True))
    editor.replace(node, *parts)
    return parts
