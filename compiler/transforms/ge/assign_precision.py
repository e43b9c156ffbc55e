"""ge-assign-precision: which element type each node computes in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import (
    ArrayAttr,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    TensorType,
    UnrankedTensorType,
    bf16,
    f16,
    f32,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.hints import isa

from compiler.errors import UnknownNode
from compiler.om.dtypes import BY_MLIR
from compiler.precision_modes import KEEP, Choice, PrecisionMode, choice
from compiler.rewrite import ORIGINS, all_graphs, carry_location, editing
from compiler.transforms.ge.fold_constants import remove_unused_constants
from dialects.ge import (
    ConstOp,
    DataOp,
    DTypeType,
    FileConstantOp,
    NetOutputOp,
    NodeOp,
    Op,
    VariableOp,
    type_of,
)
from dialects.ge.catalogue import signature
from dialects.op import origin
from dialects.types import AnyTensor, element_name, tensor_like, tensor_of, tensor_type
from dialects.weights import CastAttr

SOURCES = (DataOp, ConstOp, FileConstantOp, VariableOp)

KEPT = frozenset({"Assign", "Case", "Cast", "If", "PartitionedCall", "TensorMove", "While"})
"""Types that keep the types of their inputs and results in every mode: they move tensors, own
graphs of their own, or are there for their type."""


WIDE_PORTS: dict[str, frozenset[str]] = {
    "BNInfer": frozenset({"scale", "offset", "mean", "variance"}),
    "Resize": frozenset({"roi", "scales"}),
}
"""Inputs that stay as they are: variances down to 1e-14 do occur, and scales say the shape."""

SUFFIX: dict[Attribute, str] = {f16: "fp16", bf16: "bf16", f32: "fp32"}
"""What a constant's name ends with where the constant exists in several types."""
BY_TYPE = "OpType::"
"""What comes before an operator type among the names of `keep`."""


@dataclass(frozen=True)
class GEAssignPrecisionPass(ModulePass):
    """Choose the element type in which every operator computes, as ATC's --precision_mode does.

    The model's inputs and outputs keep their types, and so do those of graphs that an If or a
    While owns, whose nodes compute in the mode's types like all others. `trans_Cast_<k>` nodes
    stand where types meet; weights become lazy casts of what they were. `keep` are operators that
    stay as they are: names of ONNX or GraphEngine nodes, or `OpType::<type>`.
    """

    name = "ge-assign-precision"

    mode: PrecisionMode = "force_fp16"
    keep: tuple[str, ...] = ()

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.mode == "must_keep_origin_dtype":
            return
        assignment = Assignment(self.mode, frozenset(self.keep))
        for graph in all_graphs(op):
            with editing(graph) as editor:
                for node in list(graph.nodes):
                    assignment.convert(node)
                assignment.name_constants()
                remove_unused_constants(editor)


class Assignment:
    """Gives nodes their element types, producers first, and puts casts where types meet."""

    def __init__(self, mode: PrecisionMode, keep: frozenset[str]) -> None:
        self.mode: PrecisionMode = mode
        self.keep = keep
        self.casts = count()
        self.origin: dict[SSAValue, Attribute] = {}
        """What results were that are of another type now."""
        self.made: dict[tuple[SSAValue, Attribute], SSAValue] = {}
        """Values in other types than their producers make them."""
        self.constants: dict[ConstOp, list[ConstOp]] = {}

    def convert(self, node: NodeOp) -> None:
        """Let a node compute in the types chosen for it, whatever those of its producers are."""
        if isinstance(node, SOURCES):
            return
        chosen = self._choice(node)
        wide = chosen.wide | WIDE_PORTS.get(type_of(node), frozenset())
        node.operands = [
            self._as(value, self._wanted(value, chosen, port in wide), node)
            for port, value in node.named_inputs.items()
        ]
        for result in list(node.results):
            element = element_of(result)
            if element is not None and element in chosen.replaced and element != chosen.makes:
                self._retype(node, result, element, chosen.makes)

    def _choice(self, node: NodeOp) -> Choice:
        if _keeps_types(node) or self.keep.intersection(names_of(node)):
            return KEEP
        inputs = [
            v
            for v in node.operands
            if not isinstance(v.owner, ConstOp | FileConstantOp | VariableOp)
        ]
        elements = [element for v in inputs if (element := element_of(v)) is not None]
        return choice(self.mode, type_of(node), elements)

    def _wanted(self, value: SSAValue, chosen: Choice, wide: bool) -> Attribute | None:
        element = self.origin.get(value, element_of(value))
        return chosen.reads if element in chosen.replaced and not wide else element

    def _retype(self, node: NodeOp, result: SSAValue, element: Attribute, to: Attribute) -> None:
        type = tensor_like(cast(AnyTensor, result.type), to)
        self.origin[Rewriter.replace_value_with_new_type(result, type)] = element
        if "dst_type" in node.attributes:
            node.attributes["dst_type"] = IntegerAttr(_number(to), i64)

    def _as(self, value: SSAValue, element: Attribute | None, user: NodeOp) -> SSAValue:
        """A value in a type: made once, beside its source or before its first user."""
        if element is None or element_of(value) == element:
            return value
        if (value, element) not in self.made:
            source = value.owner
            assert isinstance(source, NodeOp), "values of a ge.graph are results of its nodes"
            new, beside = self._converted(value, source, element), isinstance(source, SOURCES)
            carry_location(source if beside else user, new)
            place = InsertPoint.after(source) if beside else InsertPoint.before(user)
            Rewriter.insert_op(new, place)
            self.made[value, element] = new.results[0]
        return self.made[value, element]

    def _converted(self, value: SSAValue, source: NodeOp, element: Attribute) -> NodeOp:
        if isinstance(source, ConstOp):
            return self._constant(source, element)
        target = IntegerAttr(_number(element), i64)
        type = cast(AnyTensor, value.type)
        return Op.of(
            "Cast",
            f"trans_Cast_{next(self.casts)}",
            {"x": value},
            [tensor_like(type, element)],
            {
                "SrcT": IntegerAttr(_number(type.element_type), i64),
                "DstT": target,
                "dst_type": target,
            },
        )

    def _constant(self, node: ConstOp, element: Attribute) -> ConstOp:
        type = tensor_of(node.results[0])
        new = ConstOp.make(
            f"{node.label}_{SUFFIX[element]}",
            results=[tensor_type(type.get_shape(), element)],
            attributes=node.attributes,
            after=node.control_inputs,
            value=CastAttr(node.value, type.element_type, element),
        )
        self.constants.setdefault(node, []).append(new)
        return new

    def name_constants(self) -> None:
        """Give the name of a constant that nobody reads as it was to what it became."""
        for node, converted in self.constants.items():
            if not node.results[0].uses and len(converted) == 1:
                converted[0].node_name = node.node_name
        self.constants.clear()


def _keeps_types(node: NodeOp) -> bool:
    """Whether a node has the types of the model: in ONNX's own form, or for handles of tensors.

    `_keep_dtype` is GraphEngine's own note of that (ge: graph/debug/ge_attr_define.h).
    """
    values = (*node.operands, *node.results)
    return (
        isinstance(node, NetOutputOp)
        or type_of(node) in KEPT
        or not {"onnx_opset", "_keep_dtype"}.isdisjoint(node.attributes)
        or any(isinstance(element_of(value), DTypeType) for value in values)
    )


def names_of(node: NodeOp) -> set[str]:
    """What `keep` may call a node: its name, those of its ONNX nodes, its type."""
    return {node.label, origin(node) or node.label, BY_TYPE + type_of(node), *_origins(node)}


def check_names(module: ModuleOp, names: Iterable[str]) -> None:
    """UnknownNode for the first of some names that no operator of a module has.

    An operator type that the model has not yet may still come of a fusion.
    """
    known = {
        name for graph in all_graphs(module) for node in graph.nodes for name in names_of(node)
    }
    for name in names:
        of_type = name.startswith(BY_TYPE) and signature(name.removeprefix(BY_TYPE)) is not None
        if name not in known and not of_type:
            what = "operator type" if name.startswith(BY_TYPE) else "node"
            near = get_close_matches(name, known, 1)
            hint = f", the nearest is '{near[0]}'" if near else ""
            raise UnknownNode(name, f"keep_dtype: the model has no {what} '{name}'{hint}")


def _origins(node: NodeOp) -> list[str]:
    noted = node.attributes.get(ORIGINS)
    return [name.data for name in noted] if isa(noted, ArrayAttr[StringAttr]) else []


def _number(element: Attribute) -> int:
    """The in-memory number of a data type, which Cast's attributes hold."""
    return BY_MLIR[element_name(element) or ""].cpp


def element_of(value: SSAValue) -> Attribute | None:
    """The element type of a tensor value; None for what is no tensor."""
    type = value.type
    if isinstance(type, TensorType | UnrankedTensorType):
        return cast(AnyTensor, type).element_type
    return None
