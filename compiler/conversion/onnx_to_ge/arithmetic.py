"""Sums, extremes and bounds of any number of tensors, which GraphEngine takes two by two."""

from __future__ import annotations

from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from compiler.conversion.onnx_to_ge.casts import number_of
from compiler.conversion.onnx_to_ge.checks import result_type
from compiler.conversion.onnx_to_ge.elementwise import broadcast
from compiler.conversion.onnx_to_ge.emitter import Emitter, Rule
from compiler.conversion.onnx_to_ge.values import data_type, integer, real
from dialects.types import shape_of, tensor_of, tensor_type

FLOAT_MAX = 3.402823e38
"""The bounds that Clip has when it is not told any."""


def total(emit: Emitter) -> list[SSAValue]:
    """Sum → AccumulateNV2, or a chain of Add where it would have to broadcast."""
    inputs = [value for value in emit.inputs if value is not None]
    if len({value.type for value in inputs}) == 1:
        results = [result_type(emit, shape_of(inputs[0]))]
        ports = {f"x{i}": value for i, value in enumerate(inputs)}
        return [emit.op("AccumulateNV2", ports, {"N": integer(len(inputs))}, results=results)]
    return _chain(emit, "Add", inputs)


def mean(emit: Emitter) -> list[SSAValue]:
    """Mean → AccumulateNV2, or a chain of Add where it would have to broadcast, times 1 / N."""
    inputs = [value for value in emit.inputs if value is not None]
    alike = len({value.type for value in inputs}) == 1
    data = [f"data_mean_{i}" for i in range(len(inputs))]
    steps = ["AccumulateNV2"] if alike else [f"Add_{i}" for i in range(1, len(inputs))]
    emit.expand(*data, *steps, "Muls")
    if alike:
        ports = {f"x{i}": value for i, value in enumerate(inputs)}
        count = {"N": integer(len(inputs))}
        same = [inputs[0].type]
        sum_of_all = emit.op("AccumulateNV2", ports, count, inner="AccumulateNV2", results=same)
    else:
        sum_of_all = _folded(emit, "Add", inputs, steps)
    factor = {"value": real(1 / len(inputs))}
    return [emit.op("Muls", {"x": sum_of_all}, factor, inner="Muls", results=[sum_of_all.type])]


def chain(type: str) -> Rule:
    """Max and Min of any number of tensors → two-input nodes from left to right."""

    def rule(emit: Emitter) -> list[SSAValue]:
        return _chain(emit, type, [value for value in emit.inputs if value is not None])

    return rule


def _chain(emit: Emitter, type: str, inputs: list[SSAValue]) -> list[SSAValue]:
    if len(inputs) == 1:
        return [emit.op("Identity", {"x": inputs[0]})]
    steps = [f"{type}_{i}" for i in range(1, len(inputs))]
    if len(steps) > 1:
        emit.expand(*(f"data_{i}" for i in range(len(inputs))), *steps)
    return [_folded(emit, type, inputs, steps)]


def _folded(emit: Emitter, type: str, inputs: list[SSAValue], steps: list[str]) -> SSAValue:
    """The inputs joined from left to right, each step under its inner name."""
    *first, last = zip(steps, inputs[1:], strict=True)
    result = inputs[0]
    for step, value in first:
        shape = broadcast(emit, shape_of(result), shape_of(value))
        type_of_step = tensor_type(shape, tensor_of(value).element_type)
        result = emit.op(type, {"x1": result, "x2": value}, inner=step, results=[type_of_step])
    step, value = last
    results = [result_type(emit, broadcast(emit, shape_of(result), shape_of(value)))]
    return emit.op(type, {"x1": result, "x2": value}, inner=step, results=results)


def clip(emit: Emitter) -> list[SSAValue]:
    """Clip → ClipByValue, or Minimum or Maximum where it has one bound."""
    x = emit.needed("input")
    if emit.has("min"):
        return _clip_by_attributes(emit, x)
    low, high = emit.input("min"), emit.input("max")
    for bound in (low, high):
        if bound is not None and shape_of(bound) not in ((), (1,)):
            raise emit.fail(f"a bound must be a scalar, this has shape {list(shape_of(bound))}")
    if low is None and high is None:
        return [emit.op("Identity", {"x": x})]
    if low is None:
        return [emit.op("Minimum", {"x1": x, "x2": high})]
    if high is None:
        return [emit.op("Maximum", {"x1": x, "x2": low})]
    inputs = {"x": x, "clip_value_min": low, "clip_value_max": high}
    return [emit.op("ClipByValue", inputs)]


def _clip_by_attributes(emit: Emitter, x: SSAValue) -> list[SSAValue]:
    """Clip up to opset 10: the bounds are attributes, the input is cast to float32 and back."""
    result = result_type(emit, shape_of(x))
    narrow = tensor_of(x).element_type != f32
    emit.expand("data0", "cast", "ClipByValue", "data1", "data2", *(["back"] if narrow else []))
    given = emit.node.number("min"), emit.node.number("max")
    low = emit.scalar("data1", -FLOAT_MAX if given[0] is None else given[0], f32)
    high = emit.scalar("data2", FLOAT_MAX if given[1] is None else given[1], f32)
    wide = [tensor_type(shape_of(x), f32)]
    x = emit.op("Cast", {"x": x}, {"dst_type": data_type(f32)}, inner="cast", results=wide)
    inputs = {"x": x, "clip_value_min": low, "clip_value_max": high}
    if not narrow:
        return [emit.op("ClipByValue", inputs, inner="ClipByValue", results=[result])]
    clipped = emit.op("ClipByValue", inputs, inner="ClipByValue", results=wide)
    target = {"dst_type": integer(number_of(result))}
    return [emit.op("Cast", {"x": clipped}, target, inner="back", results=[result])]
