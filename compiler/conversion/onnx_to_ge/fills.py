"""Tensors of one value, and with ones on a diagonal."""

from __future__ import annotations

from xdsl.dialects.builtin import FloatAttr, f32, i32
from xdsl.ir import SSAValue

from compiler.constants import first_element, scalar
from compiler.conversion.onnx_to_ge.casts import number_of
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import data_type, element_of, integer, integers, real
from dialects.onnx.attributes import tensor_parts
from dialects.types import DYNAMIC, shape_of, tensor_of, tensor_type


def constant_of_shape(emit: Emitter) -> list[SSAValue]:
    """ConstantOfShape → Fill of a scalar constant, float32 zero by default."""
    emit.expand("data0", "Fill", "data1")
    given = emit.node.attribute("value")
    element = FloatAttr(0.0, f32) if given is None else first_element(tensor_parts(given)[0])
    if element is None:
        raise emit.fail("attribute 'value' must be a small tensor of one element")
    type = tensor_type((), element_of(emit.node.results[0]))
    value = emit.const("data1", scalar(element), type)
    return [emit.op("Fill", {"dims": emit.needed("input"), "value": value}, inner="Fill")]


EYE = (
    "data shape split add squeeze squeeze1 const3 fill matrix_diagv2 cast const2 const const1"
).split()


def eye_like(emit: Emitter) -> list[SSAValue]:
    """EyeLike → MatrixDiagV2 of ones, as many as the input has rows (and k more)."""
    emit.expand(*EYE)
    x, k = emit.needed("input"), emit.node.integer("k") or 0
    if len(shape_of(x)) == 2 and DYNAMIC != shape_of(x)[0] <= -k:
        raise emit.no_form("has its diagonal outside")
    line = tensor_type((1,), i32)
    result = tensor_of(emit.node.results[0])
    pair = [tensor_type((2,), i32)]
    shape = emit.op("Shape", {"x": x}, {"dtype": data_type(i32)}, inner="shape", results=pair)
    halves = {"split_dim": emit.scalar("const3", 0, i32), "x": shape}
    two = {"num_split": integer(2)}
    rows, columns = emit.ops("Split", halves, two, inner="split", results=[line, line])
    length = emit.op("Adds", {"x": rows}, {"value": real(k)}, inner="add", results=[line])
    fill = {"dims": length, "value": emit.scalar("const2", 1, i32)}
    ones = emit.op("Fill", fill, inner="fill", results=[tensor_type((DYNAMIC,), i32)])
    target = {"dst_type": integer(number_of(result))}
    diagonal = [tensor_type((DYNAMIC,), result.element_type)]
    inputs = {
        "diagonal": emit.op("Cast", {"x": ones}, target, inner="cast", results=diagonal),
        "k": emit.scalar("const", k, i32),
        "num_rows": _scalar(emit, rows, "squeeze"),
        "num_cols": _scalar(emit, columns, "squeeze1"),
        "padding_value": emit.scalar("const1", 0, result.element_type),
    }
    return [emit.op("MatrixDiagV2", inputs, inner="matrix_diagv2")]


def _scalar(emit: Emitter, value: SSAValue, inner: str) -> SSAValue:
    """The one element of a line."""
    kind = [tensor_type((), i32)]
    return emit.op("Squeeze", {"x": value}, {"axis": integers([0])}, inner=inner, results=kind)
