"""Elementwise operators and how their operands broadcast: ONNX's rules changed with opset 7."""

from __future__ import annotations

from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from compiler.conversion.onnx_to_ge.checks import Shape, agree, broadcasts_onto, result_type
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import integers, rank_of
from dialects.types import DYNAMIC, shape_of, tensor_of, tensor_type


def broadcast(emit: Emitter, a: Shape, b: Shape) -> Shape:
    """The shape of an elementwise result. An error where two operands do not broadcast."""
    rank = max(len(a), len(b))
    padded = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    pairs = list(zip(*padded, strict=True))
    if not all(1 in pair or agree(*pair) for pair in pairs):
        raise emit.fail(f"{list(a)} and {list(b)} do not broadcast")
    return tuple(_broadcast_dim(*pair) for pair in pairs)


def _broadcast_dim(x: int, y: int) -> int:
    """A dimension that is not known is 1 or the other's; beside a 1 it stays unknown."""
    if 1 in (x, y):
        return x * y if DYNAMIC not in (x, y) else DYNAMIC
    return y if x == DYNAMIC else x


def aligned(emit: Emitter) -> tuple[SSAValue, SSAValue]:
    """The operands of an operator of two before opset 7, where B lies within A from `axis` on.

    GraphEngine broadcasts from the last axis on, so that B gets the ones that are missing there.
    """
    a, b = emit.inputs
    assert a is not None and b is not None, "the schema requires both"
    target, shape = shape_of(a), shape_of(b)
    if not emit.node.integer("broadcast"):
        if len(target) != len(shape) or not all(map(agree, target, shape)):
            raise emit.fail(f"{list(target)} and {list(shape)} differ, and broadcast is 0")
        return a, b
    given = emit.node.integer("axis")
    axis = len(target) - len(shape) if given is None else given % max(len(target), 1)
    missing = len(target) - axis - len(shape)
    if missing < 0 or not broadcasts_onto((*shape, *[1] * missing), target):
        raise emit.fail(f"{list(shape)} does not lie within {list(target)} from axis {given} on")
    return a, _with_trailing_ones(emit, b, missing)


def _with_trailing_ones(emit: Emitter, value: SSAValue, count: int) -> SSAValue:
    """The value with more axes at its end, by an Unsqueeze of its own."""
    if not count:
        return value
    rank = rank_of(value)
    emit.expand("data0", "data1", "Unsqueeze", "result")
    longer = tensor_type((*shape_of(value), *[1] * count), tensor_of(value).element_type)
    axes = {"axes": integers(range(rank, rank + count))}
    return emit.op("Unsqueeze", {"x": value}, axes, inner="Unsqueeze", results=[longer])


def prelu(emit: Emitter) -> list[SSAValue]:
    """PRelu → PRelu where there is a slope per channel, or max(x, 0) - slope * max(-x, 0).

    From opset 7 on the slope broadcasts from the last axis on; before it was per channel.
    """
    x, slope = emit.needed("X"), emit.needed("slope")
    shape, channels = shape_of(x), shape_of(x)[1:2]
    if (emit.node.opset or 7) < 7:
        if shape_of(slope) not in ((1,), channels):
            raise emit.fail(f"the slope is {list(shape_of(slope))}, the input {list(shape)}")
        return [emit.op("PRelu", {"x": x, "weight": slope}, results=[result_type(emit, shape)])]
    if not broadcasts_onto(shape_of(slope), shape):
        raise emit.fail(f"the slope {list(shape_of(slope))} does not broadcast to {list(shape)}")
    padded = (1,) * (len(shape) - rank_of(slope)) + shape_of(slope)
    if all(size == 1 for axis, size in enumerate(padded) if axis != 1):
        return _prelu_by_channel(emit, x, slope)
    emit.expand("data0", "data1", "Relu", "Neg", "NegRelu", "Mul", "Sub")
    same = [x.type]
    above = emit.op("Relu", {"x": x}, inner="Relu", results=same)
    mirrored = emit.op("Neg", {"x": x}, inner="Neg", results=same)
    below = emit.op("Relu", {"x": mirrored}, inner="NegRelu", results=same)
    scaled = emit.op("Mul", {"x1": below, "x2": slope}, inner="Mul", results=same)
    return [emit.op("Sub", {"x1": above, "x2": scaled}, inner="Sub")]


def _prelu_by_channel(emit: Emitter, x: SSAValue, slope: SSAValue) -> list[SSAValue]:
    """GraphEngine's own: its weight is a vector over the channels, or of one element."""
    shape = shape_of(slope)
    long = [size for size in shape if size != 1]
    if rank_of(slope) == 1:
        return [emit.op("PRelu", {"x": x, "weight": slope})]
    emit.expand("data0", "data1", "Reshape", "shape", "PRelu")
    size = long[0] if long else 1
    vector = [tensor_type((size,), tensor_of(slope).element_type)]
    target = emit.vector("shape", [size], i64)
    flat = {"x": slope, "shape": target}
    weight = emit.op("Reshape", flat, inner="Reshape", results=vector)
    return [emit.op("PRelu", {"x": x, "weight": weight}, inner="PRelu")]
