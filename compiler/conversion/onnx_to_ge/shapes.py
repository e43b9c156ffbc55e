"""The same elements in another shape or order: reshapes, transposes, joins, blocks."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr, i32, i64
from xdsl.ir import Attribute, SSAValue

from compiler.constants import first_element
from compiler.conversion.onnx_to_ge.checks import agree, result_type, same_count
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import (
    data_type,
    integer,
    integers,
    is_ranked,
    rank_of,
    string,
)
from dialects.ge import ConstOp
from dialects.types import DYNAMIC, shape_of


def concat(emit: Emitter) -> list[SSAValue]:
    """Concat → ConcatD; of one tensor → Identity."""
    inputs = [value for value in emit.inputs if value is not None]
    if len(inputs) == 1:
        return [emit.op("Identity", {"x": inputs[0]})]
    axis = emit.node.integer("axis")
    axis = 1 if axis is None else axis  # of opset 1, where it has a default
    known = all(is_ranked(value) for value in inputs)
    results = [result_type(emit, _joined(emit, inputs, axis))] if known else None
    attributes = {"concat_dim": integer(axis), "N": integer(len(inputs))}
    ports = {f"x{i}": value for i, value in enumerate(inputs)}
    return [emit.op("ConcatD", ports, attributes, results=results)]


def _joined(emit: Emitter, inputs: list[SSAValue], axis: int) -> tuple[int, ...]:
    """The shape of the tensors one after another; beside the axis they must agree."""
    first, *others = shapes = [shape_of(value) for value in inputs]
    if not -len(first) <= axis < len(first):
        raise emit.fail(f"axis {axis} is not one of a tensor of rank {len(first)}")
    axis %= len(first)
    for other in others:
        rest = zip(first[:axis] + first[axis + 1 :], other[:axis] + other[axis + 1 :], strict=False)
        if len(other) != len(first) or not all(agree(a, b) for a, b in rest):
            raise emit.fail(f"{list(first)} and {list(other)} do not join along axis {axis}")
    sizes = [shape[axis] for shape in shapes]
    known = [
        next((s for s in column if s != DYNAMIC), DYNAMIC) for column in zip(*shapes, strict=True)
    ]
    known[axis] = DYNAMIC if DYNAMIC in sizes else sum(sizes)
    return tuple(known)


def flatten(emit: Emitter) -> list[SSAValue]:
    """Flatten → Flatten."""
    axis = {"axis": integer(emit.integer("axis"))}
    return [emit.op("Flatten", {"x": emit.needed("input")}, axis)]


def reshape(emit: Emitter) -> list[SSAValue]:
    """Reshape → Reshape, its shape an input."""
    same_count(emit, emit.needed("data"))
    attributes: dict[str, Attribute] = {"axis": integer(0), "num_axes": integer(-1)}
    if emit.has("allowzero"):
        attributes["allowzero"] = integer(emit.node.integer("allowzero") or 0)
    return [
        emit.op("Reshape", {"x": emit.needed("data"), "shape": emit.needed("shape")}, attributes)
    ]


def transpose(emit: Emitter) -> list[SSAValue]:
    """Transpose → Transpose, its permutation a constant."""
    x = emit.needed("data")
    perm = emit.node.integers("perm") or tuple(reversed(range(rank_of(x))))
    emit.expand("data0", "Transpose", "Const")
    constant = emit.vector("Const", perm, i32)
    return [emit.op("Transpose", {"x": x, "perm": constant}, inner="Transpose")]


def squeeze(emit: Emitter) -> list[SSAValue]:
    """Squeeze → Squeeze with axes as an attribute (to opset 12), SqueezeV3 with an input."""
    x = emit.needed("data")
    if not emit.has("axes"):
        return [emit.op("SqueezeV3", {"x": x, "axes": emit.input("axes")})]
    axes = emit.node.integers("axes") or ()  # none are all of size 1
    return [emit.op("Squeeze", {"x": x}, {"axis": integers(axes)})]


def unsqueeze(emit: Emitter) -> list[SSAValue]:
    """Unsqueeze → Unsqueeze with axes as an attribute (to opset 12), UnsqueezeV3 with an input."""
    x = emit.needed("data")
    if not emit.has("axes"):
        return [emit.op("UnsqueezeV3", {"x": x, "axes": emit.needed("axes")})]
    return [emit.op("Unsqueeze", {"x": x}, {"axes": integers(emit.node.integers("axes") or ())})]


def shape(emit: Emitter) -> list[SSAValue]:
    """Shape → Shape in int64; `start` and `end` are ours."""
    attributes = {"dtype": data_type(i64)}
    for name in ("start", "end"):
        place = emit.node.integer(name) if emit.has(name) else None
        if place is not None and (name, place) != ("start", 0):
            attributes[name] = integer(place)
    return [emit.op("Shape", {"x": emit.needed("data")}, attributes)]


def dropout(emit: Emitter) -> list[SSAValue]:
    """Dropout → Dropout, which passes its input on, unless it may train or the mask is wanted."""
    if any(result.uses for result in emit.node.results[1:]):
        raise emit.no_form("gives a mask")
    mode = emit.input("training_mode")
    if mode is not None:
        told = first_element(mode.owner.value) if isinstance(mode.owner, ConstOp) else None
        if not isinstance(told, IntegerAttr) or told.value.data:
            raise emit.no_form("may train")
    x = emit.needed("data")
    results = [result_type(emit, shape_of(x)) if is_ranked(x) else x.type]
    return [emit.op("Dropout", {"x": x}, results=results)]


def space_to_depth(emit: Emitter) -> list[SSAValue]:
    """SpaceToDepth → SpaceToDepth; `mode` is ours where it is CRD, depth behind the channel."""
    attributes: dict[str, Attribute] = {
        "block_size": integer(emit.node.integer("blocksize") or 1),
        "data_format": string("NCHW"),
    }
    mode = emit.node.text("mode") if emit.has("mode") else "DCR"
    if mode == "CRD":
        attributes["mode"] = string("CRD")
    return [emit.op("SpaceToDepth", {"x": emit.needed("input")}, attributes)]
