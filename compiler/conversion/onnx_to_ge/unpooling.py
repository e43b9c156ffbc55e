"""MaxUnpool: what pooling took, put back into zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import i32, i64
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import data_type, integer
from compiler.conversion.onnx_to_ge.windows import Slide
from dialects.types import (
    DYNAMIC,
    AnyTensor,
    element_count,
    is_static,
    shape_of,
    tensor_like,
    tensor_of,
    tensor_type,
)

ORDER = (
    "data0 data1 identity1 reshape2 shape1 reshape1 ScatterElements1 const_data4 sub1"
    " StridedSlice1 reshape4 reshape3 mul1 const1 zeroslike1 const_data6 const_data7 identity2"
    " BroadcastTo1 sub2 const2 const3"
).split()


def max_unpool(emit: Emitter) -> list[SSAValue]:
    """MaxUnpool → its elements scattered into zeros of the shape that the window tells."""
    if emit.input("output_shape") is not None:
        raise emit.no_form("has an output_shape, and indices that are not of it")
    emit.expand(*ORDER)
    x = emit.needed("X")
    element = tensor_of(x).element_type
    x = emit.op("Identity", {"x": x}, inner="identity1", results=[x.type])
    flat = emit.vector("const_data4", [-1], i32)
    shape = _unpooled_shape(emit, x)
    count = element_count(shape_of(x)) if is_static(x.type) else DYNAMIC
    line = [tensor_type((count,), element)]
    values = _reshaped(emit, x, flat, "reshape1", line)
    places = [tensor_type((count,), i64)]
    indices = _reshaped(emit, emit.needed("I"), flat, "reshape2", places)
    full = [tensor_like(cast(AnyTensor, emit.result_types[0]), element)]
    spread = {"x": _zero(emit, values), "shape": shape}
    zeros = emit.op("BroadcastTo", spread, inner="BroadcastTo1", results=full)
    size = element_count(shape_of(zeros)) if is_static(zeros.type) else DYNAMIC
    whole_line = [tensor_type((size,), element)]
    data = _reshaped(emit, zeros, flat, "reshape3", whole_line)
    inputs = {"data": data, "indices": indices, "updates": values}
    axis, inner = {"axis": integer(0)}, "ScatterElements1"
    scattered = emit.op("ScatterElements", inputs, axis, inner=inner, results=whole_line)
    return [_reshaped(emit, scattered, shape, "reshape4", full)]


def _unpooled_shape(emit: Emitter, x: SSAValue) -> SSAValue:
    """(shape - 1) * strides - (pads - kernel), N and C as they are."""
    slide = Slide(emit, x, emit.node.integers("kernel_shape") or (), unit=3)
    axes, strides = slide.axes, slide.given("strides")
    pads = emit.node.integers("pads") or (0,) * (2 * axes)
    less = [pads[i] + pads[i + axes] - size for i, size in enumerate(slide.kernel)]
    sizes = [tensor_type((axes + 2,), i32)]
    steps = ("Sub", "sub1", [0, 0, *[1] * axes]), ("Mul", "mul1", [1, 1, *strides])
    dtype = {"dtype": data_type(i32)}
    shape = emit.op("Shape", {"x": x}, dtype, inner="shape1", results=sizes)
    for i, (type, inner, numbers) in enumerate((*steps, ("Sub", "sub2", [0, 0, *less])), 1):
        by = emit.vector(f"const{i}", numbers, i32)
        shape = emit.op(type, {"x1": shape, "x2": by}, inner=inner, results=sizes)
    return emit.op("Identity", {"x": shape}, inner="identity2", results=sizes)


def _zero(emit: Emitter, values: SSAValue) -> SSAValue:
    """One zero, made from the first of the values."""
    one = [tensor_type((1,), tensor_of(values).element_type)]
    first, second = (emit.vector(f"const_data{6 + place}", [place], i32) for place in (0, 1))
    masks = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    inputs = {"x": values, "begin": first, "end": second, "strides": second}
    none = {f"{mask}_mask": integer(0) for mask in masks}
    head = emit.op("StridedSlice", inputs, none, inner="StridedSlice1", results=one)
    return emit.op("ZerosLike", {"x": head}, inner="zeroslike1", results=one)


def _reshaped(
    emit: Emitter, x: SSAValue, shape: SSAValue, inner: str, results: Sequence[Attribute]
) -> SSAValue:
    whole = {"axis": integer(0), "num_axes": integer(-1)}
    return emit.op("Reshape", {"x": x, "shape": shape}, whole, inner=inner, results=results)
