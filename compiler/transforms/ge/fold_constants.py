"""ge-fold-constants: constants that only change shape, or repeat one value, stay references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, IntAttr, ModuleOp, StringAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from compiler.constants import dense_i64, first_element, reshaped
from compiler.rewrite import GraphEditor, all_graphs, carry_location, editing, main_graphs
from dialects.ge import ConstOp, FileConstantOp, NetOutputOp, NodeOp, Op, VariableOp, type_of
from dialects.types import (
    SUB_BYTE,
    element_count,
    element_name,
    is_static,
    shape_of,
    tensor_of,
)
from dialects.weights import SplatAttr


@dataclass(frozen=True)
class GEFoldConstantsPass(ModulePass):
    """Replace nodes whose result is known by constants, without touching a weight's bytes.

    Folded are Fill and Shape, and Reshape, Flatten, Squeeze* and Unsqueeze* of constants. A folded
    node becomes `dynamic_const_<n>`; constants that nobody uses any more are removed. A constant
    or variable that is an output of the model is copied by a TensorMove: outputs are what tasks
    write.
    """

    name = "ge-fold-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        count = 0
        for graph in all_graphs(op):
            with editing(graph) as editor:
                for node in list(graph.nodes):
                    value = fold(node)
                    if value is not None:
                        editor.replace(node, _folded(node, value, count))
                        count += 1
                remove_unused_constants(editor)
        for graph in main_graphs(op):
            for node in list(graph.nodes):
                if isinstance(node, NetOutputOp):
                    _copy_constants(node)


def _copy_constants(output: NetOutputOp) -> None:
    copies: dict[SSAValue, SSAValue] = {}
    for value in output.operands:
        source = value.owner
        if isinstance(source, STORED) and value not in copies:
            copy = Op.of("TensorMove", f"{source.label}_output", {"x": value}, [value.type])
            carry_location(source, copy)
            Rewriter.insert_op(copy, InsertPoint.before(output))
            copies[value] = copy.results[0]
    output.operands = [copies.get(value, value) for value in output.operands]


def fold(node: NodeOp) -> Attribute | None:
    """The value of a node's only result, when it can be told without computing."""
    rule = RULES.get(type_of(node))
    if rule is None or len(node.results) != 1 or not is_static(node.results[0].type):
        return None
    return rule(node)


def _fill(node: NodeOp) -> Attribute | None:
    value = node.input("value")
    if value is None or not isinstance(value.owner, ConstOp):
        return None
    element = first_element(value.owner.value)
    result = tensor_of(node.results[0])
    if element is None or element_name(result.element_type) in SUB_BYTE:
        return None
    return SplatAttr(element, IntAttr(element_count(result.get_shape())))


def _shape(node: NodeOp) -> Attribute | None:
    source = node.operands[0]
    if not is_static(source.type):
        return None
    return dense_i64(shape_of(source))


def _view(node: NodeOp) -> Attribute | None:
    source = node.operands[0].owner
    if not isinstance(source, ConstOp):
        return None
    return reshaped(source.value, tensor_of(node.results[0]))


STORED = (ConstOp, FileConstantOp, VariableOp)
"""What lies in memory before the model runs."""


RULES: dict[str, Callable[[NodeOp], Attribute | None]] = {
    "Fill": _fill,
    "Shape": _shape,
    **dict.fromkeys(
        ("Reshape", "Flatten", "Squeeze", "SqueezeV3", "Unsqueeze", "UnsqueezeV3", "ExpandDims"),
        _view,
    ),
}


def _folded(node: NodeOp, value: Attribute, count: int) -> ConstOp:
    return ConstOp.make(
        f"dynamic_const_{count}",
        results=node.result_types,
        attributes={"_datadump_original_op_names": ArrayAttr([StringAttr(node.label)])},
        value=value,
    )


def remove_unused_constants(editor: GraphEditor) -> None:
    """Erase the constants of a graph that no node reads."""
    for node in list(editor.graph.nodes):
        if isinstance(node, ConstOp) and not node.results[0].uses:
            editor.remove(node)
