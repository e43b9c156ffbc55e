"""Marks the nodes that ATC would refuse to make, and refuses them when that is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from xdsl.dialects.builtin import (
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    ModuleOp,
    NoneType,
    StringAttr,
)
from xdsl.ir import Attribute

from compiler.conversion.onnx_to_ge.values import string
from compiler.errors import UserError
from compiler.kernels.symbols import ATC_REFUSES
from compiler.plugins.conditions import CONDITIONS
from compiler.plugins.node import ModelNode, Value
from compiler.plugins.refusal import refusal
from compiler.rewrite import all_graphs
from dialects.ge import NodeOp
from dialects.onnx.node import NodeOp as OnnxNode
from dialects.onnx.values import integer_of, integers_of, number_of, text_of


def mark_refused(node: OnnxNode, label: str, made: Iterable[NodeOp]) -> None:
    """Note on what a node became why ATC would refuse it; nothing outside a model.

    Where that owns graphs, their owner says it and not what is beside and inside it.
    """
    opset = node.opset
    if opset is None:
        return
    why = refusal(_outline(node, label, opset))
    if why is not None:
        made = list(made)
        for op in [op for op in made if op.regions] or made:
            op.attributes[ATC_REFUSES] = string(why.summary)


def check_refused(module: ModuleOp) -> None:
    """UserError for the first node that ATC would refuse."""
    for graph in all_graphs(module):
        for node in graph.nodes:
            why = node.attributes.get(ATC_REFUSES)
            if isinstance(why, StringAttr):
                raise UserError(f"ATC refuses node '{node.label}': {why.data}")


def _outline(node: OnnxNode, label: str, opset: int) -> ModelNode:
    """What ATC looks at: of most operators no more than the opset."""
    if node.op_type not in CONDITIONS:
        return ModelNode(label, node.domain, opset, node.op_type)
    return ModelNode(
        label,
        node.domain,
        opset,
        node.op_type,
        {name: _plain(a) for name, a in node.attributes.items()},
        tuple(not isinstance(value.type, NoneType) for value in node.operands),
        tuple(bool(result.uses) for result in node.results),
    )


def _plain(value: Attribute) -> Value:
    match value:
        case IntegerAttr():
            return integer_of(value)
        case FloatAttr():
            return number_of(value)
        case DenseArrayBase():
            return integers_of(value)
        case _:
            return text_of(value)
