"""Shape and data movement: the rules for operators that rearrange or select elements."""

from __future__ import annotations

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, f32, i32
from xdsl.ir import Attribute, SSAValue

from compiler.constants import dense_i32, first_element, scalar
from compiler.conversion.onnx_to_ge.checks import agree, result_type, same_count
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import boolean, integer, integers, rank_of
from dialects.onnx.attributes import tensor_parts
from dialects.types import DYNAMIC, shape_of, tensor_of, tensor_type

SCALAR_I32 = tensor_type((), i32)


def concat(emit: Emitter) -> list[SSAValue]:
    """Concat → ConcatD; of one tensor → Identity."""
    inputs = [value for value in emit.inputs if value is not None]
    if len(inputs) == 1:
        return [emit.op("Identity", {"x": inputs[0]})]
    axis = emit.node.integer("axis")
    axis = 1 if axis is None else axis  # of opset 1, where it has a default
    results = [result_type(emit, _joined(emit, inputs, axis))]
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
    axis = emit.node.integer("axis")
    attributes = {"axis": integer(1 if axis is None else axis)}
    return [emit.op("Flatten", {"x": emit.needed("input")}, attributes)]


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
    constant = emit.const("Const", dense_i32(perm), tensor_type((len(perm),), i32))
    return [emit.op("Transpose", {"x": x, "perm": constant}, inner="Transpose")]


def squeeze(emit: Emitter) -> list[SSAValue]:
    """Squeeze → Squeeze with axes as an attribute (to opset 12), SqueezeV3 with an input."""
    x = emit.needed("data")
    if not emit.has("axes"):
        return [emit.op("SqueezeV3", {"x": x, "axes": emit.input("axes")})]
    axes = emit.node.integers("axes")
    if axes is None:
        axes = tuple(i for i, size in enumerate(shape_of(x)) if size == 1)
    return [emit.op("Squeeze", {"x": x}, {"axis": integers(axes)})]


def unsqueeze(emit: Emitter) -> list[SSAValue]:
    """Unsqueeze → Unsqueeze with axes as an attribute (to opset 12), UnsqueezeV3 with an input."""
    x = emit.needed("data")
    if not emit.has("axes"):
        return [emit.op("UnsqueezeV3", {"x": x, "axes": emit.needed("axes")})]
    return [emit.op("Unsqueeze", {"x": x}, {"axes": integers(emit.node.integers("axes") or ())})]


def constant_of_shape(emit: Emitter) -> list[SSAValue]:
    """ConstantOfShape → Fill of a scalar constant, float32 zero by default."""
    emit.expand("data0", "Fill", "data1")
    given = emit.node.attribute("value")
    element = FloatAttr(0.0, f32) if given is None else first_element(tensor_parts(given)[0])
    if element is None:
        raise emit.fail("attribute 'value' must be a small tensor of one element")
    type = tensor_type((), tensor_of(emit.node.results[0]).element_type)
    value = emit.const("data1", scalar(element), type)
    return [emit.op("Fill", {"dims": emit.needed("input"), "value": value}, inner="Fill")]


def shape(emit: Emitter) -> list[SSAValue]:
    """Shape → Shape in int64; `start` and `end` are ours."""
    attributes = {"dtype": integer(9)}
    for name in ("start", "end"):
        place = emit.node.integer(name) if emit.has(name) else None
        if place is not None and (name, place) != ("start", 0):
            attributes[name] = integer(place)
    return [emit.op("Shape", {"x": emit.needed("data")}, attributes)]


def gather(emit: Emitter) -> list[SSAValue]:
    """Gather → GatherV2, its axis a constant."""
    emit.expand("data0", "data1", "gatherv2", "const_data")
    axis = emit.const(
        "const_data", scalar(IntegerAttr(emit.node.integer("axis") or 0, i32)), SCALAR_I32
    )
    inputs = {"x": emit.needed("data"), "indices": emit.needed("indices"), "axis": axis}
    attributes = {
        "batch_dims": integer(0),
        "is_preprocessed": boolean(False),
        "negative_index_support": boolean(True),
    }
    return [emit.op("GatherV2", inputs, attributes, inner="gatherv2")]
