"""Split, Slice and Pad: the rules for parts of tensors, and for what is put around them."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import NoneType, f32, i32, i64
from xdsl.ir import SSAValue

from compiler.constants import constant_values
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import boolean, integer, integers, is_ranked, string
from dialects.types import DYNAMIC, shape_of


def split(emit: Emitter) -> list[SSAValue]:
    """Split → Split into equal parts, or SplitV where the model lists their sizes."""
    if any(isinstance(result.type, NoneType) for result in emit.node.results):
        raise emit.no_form("leaves out an output")
    x, given, sizes = emit.needed("input"), emit.input("split"), _sizes(emit)
    if given is not None:
        emit.expand("x", "size_splits", "SplitV", "split_dim")
        return _split(emit, "SplitV", {"x": x, "size_splits": given})
    if sizes is not None:
        emit.expand("x", "SplitV", "size_splits", "split_dim")
        listed = emit.vector("size_splits", sizes, i64)
        return _split(emit, "SplitV", {"x": x, "size_splits": listed})
    emit.expand("x", "Split", "split_dim")
    return _split(emit, "Split", {"x": x})


def _axis(emit: Emitter) -> int:
    return emit.node.integer("axis") or 0


def _split(emit: Emitter, type: str, inputs: dict[str, SSAValue | None]) -> list[SSAValue]:
    axis = emit.scalar("split_dim", _axis(emit), i32)
    place = {"split_dim": axis}
    ports = place | inputs if type == "Split" else inputs | place
    count = {"num_split": integer(len(emit.node.results))}
    return emit.ops(type, ports, count, inner=type, results=emit.result_types)


def _sizes(emit: Emitter) -> Sequence[int] | None:
    """The sizes that attributes say; with num_outputs the last part may be smaller."""
    if emit.has("split"):
        return emit.node.integers("split")
    if not emit.has("num_outputs") or emit.node.integer("num_outputs") is None:
        return None
    x, count = emit.needed("input"), len(emit.node.results)
    size = shape_of(x)[_axis(emit)] if is_ranked(x) else DYNAMIC
    if size == DYNAMIC:
        return None
    each = -(-size // count)
    return [each] * (count - 1) + [size - each * (count - 1)]


def slice_(emit: Emitter) -> list[SSAValue]:
    """Slice → StridedSliceV2; up to opset 9 the places are attributes."""
    ports = {"begin": "starts", "end": "ends", "axes": "axes"}
    x = {"x": emit.needed("data")}
    if not emit.has("starts"):
        ports |= {"strides": "steps"}
        return [emit.op("StridedSliceV2", x | {p: emit.input(n) for p, n in ports.items()})]
    emit.expand("input1", "StridedSliceV2", "=axes", "=begin", "=end")
    starts = emit.node.integers("starts") or ()
    axes = emit.node.integers("axes") or range(len(starts))
    listed = {"begin": starts, "end": emit.node.integers("ends") or (), "axes": axes}
    places = {port: emit.vector(f"={port}", values, i64) for port, values in listed.items()}
    return [emit.op("StridedSliceV2", x | places, inner="StridedSliceV2")]


def pad(emit: Emitter) -> list[SSAValue]:
    """Pad → PadV3; up to opset 10 the widths are attributes, and reflection is MirrorPad."""
    mode = emit.node.text("mode") or "constant"
    older = next((name for name in ("pads", "paddings") if emit.has(name)), None)
    if older is not None:
        return _pad_by_attributes(emit, mode, emit.node.integers(older) or ())
    inputs = {"x": emit.needed("data"), "paddings": emit.needed("pads")}
    attributes = {"mode": string(mode), "paddings_contiguous": boolean(False)}
    axes = emit.input("axes")
    if axes is not None:
        listed = constant_values(axes)
        if listed is None:
            raise emit.no_form("has axes that are not constant")
        attributes["axes"] = integers(listed)
    inputs |= {"constant_values": emit.input("constant_value")}
    return [emit.op("PadV3", inputs, attributes)]


def _pad_by_attributes(emit: Emitter, mode: str, widths: Sequence[int]) -> list[SSAValue]:
    half = len(widths) // 2
    pairs = [width for axis in range(half) for width in (widths[axis], widths[axis + half])]
    type = "MirrorPad" if mode == "reflect" else "PadV3"
    emit.expand("data0", type, *(["data2"] if type == "PadV3" else []), "data1")
    paddings = emit.vector("data1", pairs, i32)
    inputs = {"x": emit.needed("data"), "paddings": paddings}
    if type == "MirrorPad":
        return [emit.op(type, inputs, {"mode": string("REFLECT")}, inner=type)]
    inputs["constant_values"] = emit.scalar("data2", emit.node.number("value") or 0.0, f32)
    return [emit.op(type, inputs, {"mode": string(mode)}, inner=type)]
