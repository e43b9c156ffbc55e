"""Pooling over one, two or three spatial axes: maximum, average, p-norm, within regions."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from xdsl.dialects.builtin import i32
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import boolean, integer, rank_of, real, string
from compiler.conversion.onnx_to_ge.windows import Slide


def max_pool(emit: Emitter) -> list[SSAValue]:
    """MaxPool → MaxPoolV3 or MaxPool3D, which have no Indices output."""
    if len(emit.node.results) > 1 and emit.node.results[1].uses:
        raise emit.no_form("has an output Indices")
    slide = _slide(emit)
    window = _window(slide)
    if slide.axes == 3:
        window["padding"] = window.pop("padding_mode")
        window["dilation"] = slide.attribute("dilations")
        window["ceil_mode"] = integer(slide.ceils)
        window.pop("dilations", None)
        return [emit.op("MaxPool3D", {"x": slide.x}, window)]
    return _planar(slide, "MaxPoolV3", window, "SqueezeMaxpoolv3")


def average_pool(emit: Emitter) -> list[SSAValue]:
    """AveragePool → AvgPoolV2 or AvgPool3D, which say with different words what padding counts."""
    counts = bool(emit.has("count_include_pad") and emit.node.integer("count_include_pad") == 1)
    slide = _slide(emit)
    window = _window(slide)
    if slide.axes == 3:
        window["count_include_pad"] = boolean(counts)
        return [emit.op("AvgPool3D", {"x": slide.x}, window)]
    window["exclusive"] = boolean(not counts)
    return _planar(slide, "AvgPoolV2", window, "SqueezeAvgpoolv2")


def lp_pool(emit: Emitter) -> list[SSAValue]:
    """LpPool → the p-th root of the sum of p-th powers, which is an average times its count."""
    slide, order = _slide(emit), norm_order(emit)
    pool = "AvgPool3D" if slide.axes == 3 else "AvgPoolV2"
    steps = ("UnsqueezeX", pool, "SqueezeAvgpoolv2") if slide.axes == 1 else (pool,)
    emit.expand("data0", "Abs", "Power_0", *steps, "Muls", "Power_1")
    count = prod(slide.kernel)
    window = _window(slide)
    if slide.axes == 3:
        window["count_include_pad"] = boolean(True)
    else:
        window["exclusive"] = boolean(False)
    if slide.ceils:  # the average of a window that leaves the padding has a smaller count
        window["divisor_override"] = integer(count)
    same = [slide.x.type]
    y = emit.op("Abs", {"x": slide.x}, inner="Abs", results=same)
    y = emit.op("Power", {"x": y}, _power(order), inner="Power_0", results=same)
    y = _pooled(replace(slide, x=y), pool, window, "SqueezeAvgpoolv2")
    factor = {"value": real(float(count))}
    y = emit.op("Muls", {"x": y}, factor, inner="Muls", results=[y.type])
    return [emit.op("Power", {"x": y}, _power(1 / order), inner="Power_1")]


def norm_order(emit: Emitter) -> float:
    """The attribute p, which the first opsets have as a float."""
    return float(emit.node.integer("p") or emit.node.number("p") or 2)


def _power(power: float) -> dict[str, Attribute]:
    return {"power": real(power), "scale": real(1.0), "shift": real(0.0)}


def global_lp_pool(emit: Emitter) -> list[SSAValue]:
    """GlobalLpPool → GlobalLpPool."""
    return [emit.op("GlobalLpPool", {"x": emit.needed("X")}, {"p": real(norm_order(emit))})]


def global_max_pool(emit: Emitter) -> list[SSAValue]:
    """GlobalMaxPool → ReduceMax over the spatial axes, which ATC writes as if there were two."""
    x = emit.needed("X")
    axes = [-1, 2] if rank_of(x) == 4 else list(range(2, rank_of(x)))
    emit.expand("data0", "RedeceMax", "Const_0")
    last = emit.vector("Const_0", axes, i32)
    keep = {"keep_dims": boolean(True)}
    return [emit.op("ReduceMax", {"x": x, "axes": last}, keep, inner="RedeceMax")]


def max_roi_pool(emit: Emitter) -> list[SSAValue]:
    """MaxRoiPool → ROIPooling."""
    height, width = emit.node.integers("pooled_shape") or (1, 1)
    scale = real(emit.node.number("spatial_scale") or 1.0)
    attributes = {
        "pooled_h": integer(height),
        "pooled_w": integer(width),
        "spatial_scale_h": scale,
        "spatial_scale_w": scale,
    }
    return [emit.op("ROIPooling", {"x": emit.needed("X"), "rois": emit.needed("rois")}, attributes)]


def _slide(emit: Emitter) -> Slide:
    return Slide(emit, emit.needed("X"), emit.node.integers("kernel_shape") or (), unit=3)


def _window(slide: Slide) -> dict[str, Attribute]:
    """What all pools have in common. `dilations` is ours: the device knows it for all of them."""
    window = {
        "ksize": slide.attribute("kernel_shape"),
        "strides": slide.attribute("strides"),
        "padding_mode": string(_padding_mode(slide)),
        "pads": slide.pads(),
        "ceil_mode": boolean(slide.ceils),
        "data_format": slide.format,
    }
    if set(slide.given("dilations")) != {1}:
        window["dilations"] = slide.attribute("dilations")
    return window


def _padding_mode(slide: Slide) -> str:
    """GraphEngine's word for auto_pad; for SAME_LOWER it has none, but explicit pads say the same.

    Where they are not known yet the device is told ONNX's word.
    """
    if slide.auto_pad == "SAME_LOWER" and slide.is_open:
        return slide.auto_pad
    return {"VALID": "VALID", "SAME_UPPER": "SAME"}.get(slide.auto_pad, "CALCULATED")


def _planar(slide: Slide, type: str, window: dict[str, Attribute], squeeze: str) -> list[SSAValue]:
    """A pool over two axes, or over one between Unsqueeze and Squeeze."""
    if slide.axes == 1:
        slide.emit.expand("data0", "UnsqueezeX", type, squeeze)
    return [_pooled(slide, type, window, squeeze)]


def _pooled(slide: Slide, type: str, window: dict[str, Attribute], squeeze: str) -> SSAValue:
    if slide.axes == 1:
        x = slide.unsqueezed("UnsqueezeX", slide.x)
        return slide.squeezed(type, {"x": x}, window, squeeze)
    inner = type if slide.emit.expansion.order else ""
    return slide.emit.op(type, {"x": slide.x}, window, inner=inner)
