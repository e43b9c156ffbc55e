"""Arithmetic, normalisation and reductions: the rules that need more than a change of names."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.checks import result_type
from compiler.conversion.onnx_to_ge.elementwise import broadcast
from compiler.conversion.onnx_to_ge.emitter import Emitter, Rule
from compiler.conversion.onnx_to_ge.values import (
    GE_STRING,
    boolean,
    data_type,
    integer,
    integers,
    rank_of,
    real,
    string,
)
from compiler.sizes import dtype_of
from dialects.onnx.types import StringType
from dialects.types import AnyTensor, element_name, shape_of, tensor_of, tensor_type

FLOAT_MAX = 3.402823e38
"""The bounds that Clip has when it is not told any."""


def batch_normalization(emit: Emitter) -> list[SSAValue]:
    """BatchNormalization → BatchNorm; only its first result has a meaning at inference."""
    if len(emit.node.results) > 1 and any(result.uses for result in emit.node.results[1:]):
        raise emit.no_form("has outputs that only training needs")
    older = {"mean": "mean", "variance": "var"}
    newer = {"mean": "input_mean", "variance": "input_var"}
    if emit.has("training_mode") and emit.node.integer("training_mode"):
        raise emit.no_form("trains (training_mode=1), GraphEngine's form here only infers")
    names = newer if emit.input("input_mean") is not None else older
    inputs = {"x": emit.needed("X"), "scale": emit.needed("scale"), "offset": emit.needed("B")}
    inputs |= {port: emit.needed(name) for port, name in names.items()}
    attributes = {
        "epsilon": real(emit.node.number("epsilon") or 0.0),
        "data_format": string("NCHW"),
        "is_training": boolean(False),
        "onnx": string("onnx"),
    }
    results = [result_type(emit, shape_of(inputs["x"]))]
    return [emit.op("BatchNorm", inputs, attributes, results=results)]


def lrn(emit: Emitter) -> list[SSAValue]:
    """LRN → LRN, its window a radius and alpha per element.

    An even `size`, an attribute of ours, is one channel more behind than before.
    """
    size = emit.node.integer("size") or 1
    attributes = {
        "depth_radius": integer((size - 1) // 2),
        "bias": real(emit.node.number("bias") or 0.0),
        "alpha": real((emit.node.number("alpha") or 0.0) / size),
        "beta": real(emit.node.number("beta") or 0.0),
        "norm_region": string("ACROSS_CHANNELS"),
    }
    even = {} if size % 2 else {"size": integer(size)}
    return [emit.op("LRN", {"x": emit.needed("X")}, attributes | even)]


def softmax(emit: Emitter) -> list[SSAValue]:
    """Softmax → SoftmaxV2. Before opset 13 ONNX normalises over all axes from `axis` on."""
    hint = {"need_fusion": integer(1)} if (emit.node.opset or 13) < 13 else {}
    attributes = {"axes": integers(axes_from(emit)), **hint}
    return [emit.op("SoftmaxV2", {"x": emit.needed("input")}, attributes)]


def axes_from(emit: Emitter) -> list[int]:
    """The axes that an operator takes together: `axis`, and before opset 13 all that follow."""
    axis = emit.node.integer("axis")
    if (emit.node.opset or 13) >= 13:
        return [-1 if axis is None else axis]
    x = emit.needed("input")
    rank = max(rank_of(x), 1)
    axis = 1 if axis is None else axis
    if not -rank <= axis < rank:
        raise emit.fail(f"axis {axis} is not one of a tensor of rank {rank_of(x)}")
    start = axis % rank
    return [start, *(i for i in range(start + 1, rank_of(x)) if shape_of(x)[i] != 1)]


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
    target = {"dst_type": integer(number_of(emit, result))}
    return [emit.op("Cast", {"x": clipped}, target, inner="back", results=[result])]


def to_type(emit: Emitter) -> list[SSAValue]:
    """Cast → Cast, its target numbered as GraphEngine's memory does."""
    x = emit.needed("input")
    if cast("AnyTensor", x.type).element_type == GE_STRING:
        raise emit.no_form("reads strings")
    result = _converted(emit, x)
    target = {"dst_type": integer(number_of(emit, result))} | _overflow(emit, result)
    return [emit.op("Cast", {"x": x}, target, results=[result])]


def to_type_like(emit: Emitter) -> list[SSAValue]:
    """CastLike → CastLike."""
    inputs = {"x": emit.needed("input"), "target": emit.needed("target_type")}
    result = _converted(emit, inputs["x"])
    return [emit.op("CastLike", inputs, _overflow(emit, result), results=[result])]


def _converted(emit: Emitter, x: SSAValue) -> AnyTensor:
    """The result type of a cast, which has the shape of its input as far as that is known."""
    if isinstance(x.type, TensorType):
        return result_type(emit, shape_of(x))
    return cast("AnyTensor", emit.result_types[0])


def _overflow(emit: Emitter, result: AnyTensor) -> dict[str, Attribute]:
    """How a cast rounds to an 8-bit float.

    GraphEngine's prototypes have no word for one that does not saturate: `saturate` is ours.
    """
    if element_name(result.element_type) == "f8E8M0FNU":
        raise emit.no_form("rounds to powers of two (round_mode)")
    kept = emit.has("saturate") and emit.node.integer("saturate") == 0
    return {"saturate": boolean(False)} if kept else {}


def number_of(emit: Emitter, type: AnyTensor) -> int:
    """The number that GraphEngine gives the element type of a tensor type."""
    if isinstance(type.element_type, StringType):
        raise emit.no_form("makes strings")
    return dtype_of(type.element_type).cpp
