"""Gather, scatter and search: the rules for operators that look elements up or find them."""

from __future__ import annotations

from xdsl.dialects.builtin import NoneType, i32, i64
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import (
    boolean,
    data_type,
    element_of,
    integer,
    integers,
    is_ranked,
    rank_of,
)
from dialects.types import DYNAMIC, element_count, shape_of, tensor_type


def gather(emit: Emitter) -> list[SSAValue]:
    """Gather → GatherV2, its axis a constant."""
    emit.expand("data0", "data1", "gatherv2", "const_data")
    axis = emit.scalar("const_data", emit.node.integer("axis") or 0, i32)
    inputs = {"x": emit.needed("data"), "indices": emit.needed("indices"), "axis": axis}
    return [emit.op("GatherV2", inputs, GATHER, inner="gatherv2")]


GATHER: dict[str, Attribute] = {
    "batch_dims": integer(0),
    "is_preprocessed": boolean(False),
    "negative_index_support": boolean(True),
}


def gather_nd(emit: Emitter) -> list[SSAValue]:
    """GatherND → GatherNd; ATC writes a `batch_dims` that its prototype has not."""
    batch = emit.node.integer("batch_dims") if emit.has("batch_dims") else 0
    inputs = {"x": emit.needed("data"), "indices": emit.needed("indices")}
    return [emit.op("GatherNd", inputs, {"batch_dims": integer(batch or 0)})]


SCATTERS = {
    "none": "ScatterNdUpdate",
    "add": "ScatterNdAdd",
    "max": "ScatterNdMax",
    "min": "ScatterNdMin",
}


def scatter_nd(emit: Emitter) -> list[SSAValue]:
    """ScatterND → a copy of the data and one of the types that write into it."""
    how = (emit.node.text("reduction") if emit.has("reduction") else None) or "none"
    if how not in SCATTERS:
        raise emit.no_form(f"has the reduction '{how}'")
    type, x = SCATTERS[how], emit.needed("data")
    emit.expand("data", "indices", "updates", "TensorMove", type)
    inputs = {
        "var": emit.op("TensorMove", {"x": x}, inner="TensorMove", results=[x.type]),
        "indices": emit.needed("indices"),
        "updates": emit.needed("updates"),
    }
    return [emit.op(type, inputs, inner=type, results=[x.type])]


def compress(emit: Emitter) -> list[SSAValue]:
    """Compress → GatherV2 at the places where the condition holds."""
    axis, x, condition = emit.node.integer("axis"), emit.needed("input"), emit.needed("condition")
    tail = "squeeze_where"
    if axis is None:
        flat = ("compress_flatten", "compress_condition", "squeeze", tail, "compress", "axis_data")
        emit.expand("data0", "data1", *flat)
        x = _flat(emit, x)
    else:
        names = ("compress", "compress_condition", "axis_data", tail)
        emit.expand("data0", "data1", *names)
    found = [tensor_type((DYNAMIC, 1), i64)]
    places = emit.op("Where", {"x": condition}, inner="compress_condition", results=found)
    column = {"axis": integers([1])}
    line = [tensor_type((DYNAMIC,), i64)]
    indices = emit.op("Squeeze", {"x": places}, column, inner=tail, results=line)
    inputs = {"x": x, "indices": indices, "axis": emit.scalar("axis_data", axis or 0, i32)}
    return [emit.op("GatherV2", inputs, inner="compress")]


def _flat(emit: Emitter, x: SSAValue) -> SSAValue:
    """All elements in a line."""
    shape = shape_of(x)
    count = DYNAMIC if DYNAMIC in shape else element_count(shape)
    row, line = (tensor_type(dims, element_of(x)) for dims in ((1, count), (count,)))
    inner = "compress_flatten"
    x = emit.op("Flatten", {"x": x}, {"axis": integer(0)}, inner=inner, results=[row])
    return emit.op("Squeeze", {"x": x}, {"axis": integers([0])}, inner="squeeze", results=[line])


def top_k(emit: Emitter) -> list[SSAValue]:
    """TopK → TopK; up to opset 9 its k is an attribute."""
    attributes = {"dim": integer(emit.integer("axis"))}
    results = emit.kept_results()
    if not emit.has("k"):
        given = [name for name in ("sorted", "largest") if emit.has(name)]
        flags = {name: boolean(emit.node.integer(name)) for name in given}
        inputs = {"x": emit.needed("X"), "k": emit.needed("K")}
        return emit.ops("TopK", inputs, flags | attributes, results=results)
    emit.expand("data0", "TopK", "data1")
    inputs = {"x": emit.needed("X"), "k": emit.scalar("data1", emit.node.integer("k") or 0, i32)}
    return emit.ops("TopK", inputs, attributes, inner="TopK", results=results)


def one_hot(emit: Emitter) -> list[SSAValue]:
    """OneHot → OneHot of indices that are counted from 0."""
    names = ("identity_1", "identity_2", "Split", "Add", "Mod", "OneHot", "split_dim")
    emit.expand("indicate", "depth", "values", *names)
    indices, depth, values = (emit.needed(name) for name in ("indices", "depth", "values"))
    if rank_of(depth) > rank_of(indices):
        raise emit.no_form("has a depth of higher rank than its indices")
    one = tensor_type((1,), element_of(values))
    ports = {"split_dim": emit.scalar("split_dim", 0, i32), "x": values}
    two = {"num_split": integer(2)}
    off, on = emit.ops("Split", ports, two, inner="Split", results=[one, one])
    x = emit.op("Identity", {"x": indices}, inner="identity_1", results=[indices.type])
    depth = emit.op("Identity", {"x": depth}, inner="identity_2", results=[depth.type])
    # `one_hot_indices` is ours: an index beyond the depth must not come back into it.
    steps: dict[str, dict[str, Attribute]] = {"Add": {}, "Mod": {"one_hot_indices": boolean(True)}}
    for type, flags in steps.items():
        x = emit.op(type, {"x1": x, "x2": depth}, flags, inner=type, results=[indices.type])
    inputs = {"x": x, "depth": depth, "on_value": on, "off_value": off}
    attributes = {"axis": integer(emit.integer("axis"))}
    return [emit.op("OneHot", inputs, attributes, inner="OneHot")]


def non_max_suppression(emit: Emitter) -> list[SSAValue]:
    """NonMaxSuppression → NonMaxSuppressionV6, whose indices are int32, and a Cast."""
    ports = {
        "boxes": "boxes",
        "scores": "scores",
        "max_output_size": "max_output_boxes_per_class",
        "iou_threshold": "iou_threshold",
        "score_threshold": "score_threshold",
    }
    inputs = {port: emit.input(name) for port, name in ports.items()}
    helpers = ["boxes", "scores", "max_output_boxes", "iou_threshold", "score_threshold"]
    given = [name for name, x in zip(helpers, inputs.values(), strict=True) if x is not None]
    emit.expand(*given, "NonMaxSuppressionV6", "Cast")
    flags = {"center_point_box": integer(emit.node.integer("center_point_box") or 0)}
    type = [tensor_type((DYNAMIC, 3), i32)]
    found = emit.op("NonMaxSuppressionV6", inputs, flags, inner="NonMaxSuppressionV6", results=type)
    return [emit.op("Cast", {"x": found}, {"dst_type": data_type(i64)}, inner="Cast")]


def unique(emit: Emitter) -> list[SSAValue]:
    """Unique of all elements → UniqueWithCountsAndSorting.

    It does not say where each value stands first: ATC has zeros there, which nobody may read.
    """
    axis = emit.node.integer("axis")
    if axis is not None and not (axis in (0, -1) and _is_line(emit.needed("X"))):
        raise emit.no_form("has an axis")
    if any(result.uses for result in emit.node.results[1:2]):
        raise emit.no_form("tells where each value stands first")
    emit.expand("x", "UniqueWithCountsAndSorting", "shape", "empty")
    attributes: dict[str, Attribute] = {
        "sorted": boolean(emit.node.integer("sorted") != 0),
        "return_inverse": boolean(True),
        "return_counts": boolean(True),
    }
    line = tensor_type((DYNAMIC,), i64)
    types = emit.result_types + [line] * (4 - len(emit.result_types))
    types = [line if isinstance(type, NoneType) else type for type in types]
    kind = "UniqueWithCountsAndSorting"
    values, inverse, counts = emit.ops(
        kind,
        {"x": emit.needed("X")},
        attributes,
        inner=kind,
        results=[types[0], types[2], types[3]],
    )
    return [values, inverse, inverse, counts]


def _is_line(value: SSAValue) -> bool:
    return is_ranked(value) and rank_of(value) == 1
