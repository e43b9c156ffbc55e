"""Casts: the target by GraphEngine's number, and how it rounds where ONNX says so."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.checks import result_type
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import GE_STRING, boolean, integer
from compiler.sizes import dtype_of
from dialects.types import AnyTensor, element_name, shape_of


def cast_(emit: Emitter) -> list[SSAValue]:
    """Cast → Cast, its target numbered as GraphEngine's memory does."""
    x = emit.needed("input")
    result = _converted(emit, x)
    target = {"dst_type": integer(number_of(result))} | _overflow(emit, result)
    return [emit.op("Cast", {"x": x}, target, results=[result])]


def cast_like(emit: Emitter) -> list[SSAValue]:
    """CastLike → CastLike."""
    inputs = {"x": emit.needed("input"), "target": emit.needed("target_type")}
    result = _converted(emit, inputs["x"])
    return [emit.op("CastLike", inputs, _overflow(emit, result), results=[result])]


def _converted(emit: Emitter, x: SSAValue) -> AnyTensor:
    """The result type of a cast, which has the shape of its input as far as that is known."""
    known = isinstance(x.type, TensorType)
    result = result_type(emit, shape_of(x)) if known else cast("AnyTensor", emit.result_types[0])
    if GE_STRING in (cast("AnyTensor", x.type).element_type, result.element_type):
        raise emit.no_form("reads or writes strings")
    return result


def _overflow(emit: Emitter, result: AnyTensor) -> dict[str, Attribute]:
    """How a cast rounds to an 8-bit float.

    GraphEngine's prototypes have no word for one that does not saturate: `saturate` is ours.
    """
    if element_name(result.element_type) == "f8E8M0FNU":
        raise emit.no_form("rounds to powers of two (round_mode)")
    kept = emit.has("saturate") and emit.node.integer("saturate") == 0
    return {"saturate": boolean(False)} if kept else {}


def number_of(type: AnyTensor) -> int:
    """The number that GraphEngine gives the element type of a tensor type."""
    return dtype_of(type.element_type).cpp
