"""ge-assign-precision: which element type each node computes in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Literal, cast

from xdsl.context import Context
from xdsl.dialects.builtin import (
    IntegerAttr,
    ModuleOp,
    TensorType,
    UnrankedTensorType,
    f16,
    f32,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from compiler.rewrite import carry_location, editing, main_graphs
from compiler.transforms.ge.fold_constants import remove_unused_constants
from dialects.ge import (
    ConstOp,
    DataOp,
    FileConstantOp,
    NetOutputOp,
    NodeOp,
    Op,
    VariableOp,
    type_of,
)
from dialects.types import AnyTensor, tensor_like, tensor_of, tensor_type
from dialects.weights import CastAttr

GE_DTYPE: dict[Attribute, int] = {f32: 0, f16: 1}
"""The in-memory dtype numbers that Cast's attributes hold."""

SOURCES = (DataOp, ConstOp, FileConstantOp, VariableOp)

KEPT = frozenset({"Assign", "If", "While", "Case", "PartitionedCall", "TensorMove"})
"""Types that keep the types of their inputs: they move tensors, or own graphs of their own."""


WIDE_PORTS: dict[str, frozenset[str]] = {
    "BNInfer": frozenset({"scale", "offset", "mean", "variance"}),
}
"""Inputs that stay float32 on a float16 node: variances down to 1e-14 do occur."""


@dataclass(frozen=True)
class GEAssignPrecisionPass(ModulePass):
    """Choose the element type of every float32 node, as ATC's --precision_mode does.

    `force_fp16`: nodes compute in float16; the model's inputs and outputs keep their type, with
    `trans_Cast_<k>` nodes beside them; weights become lazy casts of what they were.
    `must_keep_origin_dtype`: nothing changes.
    """

    name = "ge-assign-precision"

    mode: Literal["force_fp16", "must_keep_origin_dtype"] = "force_fp16"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.mode == "must_keep_origin_dtype":
            return
        halving = Halving()
        for graph in main_graphs(op):
            with editing(graph) as editor:
                for node in list(graph.nodes):
                    halving.convert(node)
                remove_unused_constants(editor)


class Halving:
    """Turns float32 nodes into float16 ones, in order, and puts casts where the types meet."""

    def __init__(self) -> None:
        self.casts = count()
        self.halves: dict[SSAValue, SSAValue] = {}
        """Of float32 inputs, constants and variables: the same value in float16."""
        self.halved: set[SSAValue] = set()
        """Results that were float32 before."""

    def convert(self, node: NodeOp) -> None:
        """Let a node compute in float16, or give it back the float32 it needs."""
        if isinstance(node, SOURCES):
            return
        if _keeps_types(node):
            operands = [self._single(v, node) if v in self.halved else v for v in node.operands]
        else:
            operands = self._half_operands(node)
            self._halve_results(node)
        node.operands = operands

    def _half_operands(self, node: NodeOp) -> list[SSAValue]:
        wide = WIDE_PORTS.get(type_of(node), frozenset())
        return [
            self._half(value) if element_of(value) == f32 and port not in wide else value
            for port, value in node.named_inputs.items()
        ]

    def _halve_results(self, node: NodeOp) -> None:
        for result in list(node.results):
            if element_of(result) == f32:
                type = tensor_like(cast(AnyTensor, result.type), f16)
                self.halved.add(Rewriter.replace_value_with_new_type(result, type))
                if "dst_type" in node.attributes:
                    node.attributes["dst_type"] = IntegerAttr(GE_DTYPE[f16], i64)

    def _half(self, value: SSAValue) -> SSAValue:
        if value not in self.halves:
            source = value.owner
            assert isinstance(source, NodeOp), "values of a ge.graph are results of its nodes"
            new = _half_constant(source) if isinstance(source, ConstOp) else self._cast(value, f16)
            carry_location(source, new)
            Rewriter.insert_op(new, InsertPoint.after(source))
            self.halves[value] = new.results[0]
        return self.halves[value]

    def _single(self, value: SSAValue, user: NodeOp) -> SSAValue:
        made = self._cast(value, f32)
        carry_location(user, made)
        Rewriter.insert_op(made, InsertPoint.before(user))
        return made.results[0]

    def _cast(self, value: SSAValue, to: Attribute) -> Op:
        target = IntegerAttr(GE_DTYPE[to], i64)
        return Op.of(
            "Cast",
            f"trans_Cast_{next(self.casts)}",
            {"x": value},
            [tensor_like(cast(AnyTensor, value.type), to)],
            {
                "SrcT": IntegerAttr(GE_DTYPE[cast(AnyTensor, value.type).element_type], i64),
                "DstT": target,
                "dst_type": target,
            },
        )


def _half_constant(node: ConstOp) -> ConstOp:
    type = tensor_of(node.results[0])
    readers = [use.operation for use in node.results[0].uses]
    shared = any(isinstance(reader, NodeOp) and _keeps_types(reader) for reader in readers)
    return ConstOp.make(
        f"{node.label}_fp16" if shared else node.label,
        results=[tensor_type(type.get_shape(), f16)],
        attributes=node.attributes,
        after=node.control_inputs,
        value=CastAttr(node.value, type.element_type, f16),
    )


def _keeps_types(node: NodeOp) -> bool:
    """Whether a node has the types of the model: an operator in ONNX's own form is none of ours."""
    in_onnx_form = "onnx_opset" in node.attributes
    return isinstance(node, NetOutputOp) or in_onnx_form or type_of(node) in KEPT


def element_of(value: SSAValue) -> Attribute | None:
    """The element type of a tensor value; None for what is no tensor."""
    type = value.type
    if isinstance(type, TensorType | UnrankedTensorType):
        return cast(AnyTensor, type).element_type
    return None
