"""Reductions over axes; the axes are an attribute in older opsets, an input in newer ones."""

from __future__ import annotations

from xdsl.dialects.builtin import i32, i64
from xdsl.ir import Attribute, SSAValue

from compiler.constants import constant_values
from compiler.conversion.onnx_to_ge.emitter import Emitter, Rule
from compiler.conversion.onnx_to_ge.values import boolean, integer, integers, is_ranked, real
from dialects.types import shape_of, tensor_type, unranked_type


def reduce(type: str, after: str = "") -> Rule:
    """ReduceMean and its family → the type of the same name; axes are a constant or an input.

    `after` is the type of a node that works on the result: Log of ReduceLogSum.
    """

    def rule(emit: Emitter) -> list[SSAValue]:
        axes, helpers = emit.input("axes"), [after] if after else []
        inputs: dict[str, SSAValue | None] = {"x": emit.needed("data"), "axes": axes}
        if axes is None:
            emit.expand("data0", type, *helpers, "data1")
            given = (emit.node.integers("axes") if _is_attribute(emit) else None) or ()
            inputs["axes"] = emit.vector("data1", given, i32)
        elif after:
            emit.expand("data0", "data1", type, after)
        y = emit.op(type, inputs, _flags(emit), inner=type)
        return [emit.op(after, {"x": y}, inner=after)] if after else [y]

    return rule


def _is_attribute(emit: Emitter) -> bool:
    """Whether the axes are an attribute in the model's opset."""
    return emit.has("axes")


def _flags(emit: Emitter) -> dict[str, Attribute]:
    return {
        "keep_dims": boolean(emit.integer("keepdims")),
        "noop_with_empty_axes": boolean(_noop(emit)),
    }


def _noop(emit: Emitter) -> bool:
    """Whether no axes mean none rather than all."""
    return emit.has("noop_with_empty_axes") and bool(emit.node.integer("noop_with_empty_axes"))


def square_sum(emit: Emitter) -> list[SSAValue]:
    """ReduceSumSquare → SquareSumV1, whose axes are an attribute."""
    attributes = {"axis": integers(_known_axes(emit)), **_flags(emit)}
    return [emit.op("SquareSumV1", {"x": emit.needed("data")}, attributes)]


def lp_norm(order: int) -> Rule:
    """ReduceL1 and ReduceL2 → LpNormV2, whose axes are an attribute."""

    def rule(emit: Emitter) -> list[SSAValue]:
        axes = _known_axes(emit)
        if not axes and _noop(emit):
            raise emit.no_form("takes the absolute value of each element")
        attributes = {
            "p": real(order),
            "axes": integers(axes),
            "keepdim": _flags(emit)["keep_dims"],
        }
        return [emit.op("LpNormV2", {"x": emit.needed("data")}, attributes)]

    return rule


def _known_axes(emit: Emitter) -> tuple[int, ...]:
    """The axes for a node that has them as an attribute; NoForm where they are not constant."""
    if _is_attribute(emit):
        return emit.node.integers("axes") or ()
    axes = emit.input("axes")
    if axes is None:
        return ()
    known = constant_values(axes)
    if known is None:
        raise emit.no_form("has axes that are not constant")
    return known


def arg(type: str, dtype: Attribute) -> Rule:
    """ArgMax and ArgMin → a type that drops the axis, and ExpandDims where it is to be kept.

    Of several extremes GraphEngine's take the first: `select_last_index` is ours.
    """

    def rule(emit: Emitter) -> list[SSAValue]:
        keep = emit.node.integer("keepdims") != 0
        emit.expand(
            "data0", type, *(["ExpandDims", "const_data", "data1"] if keep else ["const_data"])
        )
        axis = emit.node.integer("axis") or 0
        inputs = {"x": emit.needed("data"), "dimension": emit.scalar("const_data", axis, i32)}
        attributes = {"dtype": dtype}
        if emit.has("select_last_index") and emit.node.integer("select_last_index"):
            attributes["select_last_index"] = integer(1)
        if not keep:
            return [emit.op(type, inputs, attributes, inner=type)]
        found = emit.op(type, inputs, attributes, inner=type, results=[_without(emit, axis)])
        inputs = {"x": found, "axis": emit.scalar("data1", axis, i32)}
        return [emit.op("ExpandDims", inputs, inner="ExpandDims")]

    return rule


def _without(emit: Emitter, axis: int) -> Attribute:
    """The places in the input with one axis less."""
    if not is_ranked(emit.needed("data")):
        return unranked_type(i64)
    shape = list(shape_of(emit.needed("data")))
    if not -len(shape) <= axis < len(shape):
        raise emit.fail(f"axis {axis} is not one of a tensor of rank {len(shape)}")
    del shape[axis]
    return tensor_type(tuple(shape), i64)
