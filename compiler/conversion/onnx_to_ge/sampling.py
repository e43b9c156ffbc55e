"""Reading images between their pixels: along a grid, within regions."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import f32, i32
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import (
    boolean,
    data_type,
    integer,
    integers,
    rank_of,
    real,
    string,
)
from dialects.types import AnyTensor, shape_of, tensor_like, tensor_of, tensor_type


def grid_sample(emit: Emitter) -> list[SSAValue]:
    """GridSample → GridSampler2D or GridSampler3D, the mode by the name that ONNX has for it."""
    x = emit.needed("X")
    axes = rank_of(x) - 2
    if axes not in (2, 3):
        raise emit.no_form(f"samples along {axes} axes")
    attributes = {
        "interpolation_mode": string(emit.node.text("mode") or "bilinear"),
        "padding_mode": string(emit.node.text("padding_mode") or "zeros"),
        "align_corners": boolean(emit.node.integer("align_corners")),
    }
    if axes == 3:
        attributes["data_format"] = string("NCDHW")
    return [emit.op(f"GridSampler{axes}D", {"x": x, "grid": emit.needed("grid")}, attributes)]


def roi_align(emit: Emitter) -> list[SSAValue]:
    """RoiAlign → ROIAlign, the images' numbers beside the corners of each region."""
    emit.expand(*"data0 data1 data2 roialign cast1 unsqueeze concat cast concat_dim".split())
    images = _unsqueezed(emit, emit.needed("batch_indices"))
    columns = _floats(emit, images, "cast"), _floats(emit, emit.needed("rois"), "cast1")
    parts = {"concat_dim": emit.scalar("concat_dim", 1, i32), "x0": columns[0], "x1": columns[1]}
    table = [tensor_type((shape_of(emit.needed("rois"))[0], 5), f32)]
    rois = emit.op("Concat", parts, {"N": integer(2)}, inner="concat", results=table)
    inputs = {"features": emit.needed("X"), "rois": rois}
    return [emit.op("ROIAlign", inputs, _region(emit), inner="roialign")]


def _region(emit: Emitter) -> dict[str, Attribute]:
    """pool_mode, which ATC leaves at its default, is said where it is not that."""
    moved = (
        emit.has("coordinate_transformation_mode")
        and emit.node.text("coordinate_transformation_mode") != "output_half_pixel"
    )
    attributes = {
        "spatial_scale": real(emit.number("spatial_scale")),
        "pooled_height": integer(emit.node.integer("output_height") or 1),
        "pooled_width": integer(emit.node.integer("output_width") or 1),
        "sample_num": integer(emit.node.integer("sampling_ratio") or 0),
        "roi_end_mode": integer(2 if moved else 0),
    }
    if emit.node.text("mode") == "max":
        attributes["pool_mode"] = string("max")
    return attributes


def _unsqueezed(emit: Emitter, x: SSAValue) -> SSAValue:
    column = [tensor_type((*shape_of(x), 1), tensor_of(x).element_type)]
    return emit.op(
        "Unsqueeze", {"x": x}, {"axes": integers([-1])}, inner="unsqueeze", results=column
    )


def _floats(emit: Emitter, x: SSAValue, inner: str) -> SSAValue:
    results = [tensor_like(cast(AnyTensor, x.type), f32)]
    return emit.op("Cast", {"x": x}, {"dst_type": data_type(f32)}, inner=inner, results=results)
