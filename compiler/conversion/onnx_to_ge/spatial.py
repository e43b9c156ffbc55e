"""Convolution and pooling: the rules for operators with a window."""

from __future__ import annotations

from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.checks import convolution
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import boolean, integer, rank_of, string
from compiler.conversion.onnx_to_ge.windows import Slide
from dialects.types import shape_of

PADDING_MODES = {"NOTSET": "CALCULATED", "VALID": "VALID", "SAME_UPPER": "SAME"}


def conv(emit: Emitter) -> list[SSAValue]:
    """Conv → Conv2D or Conv3D; with one axis Conv2D between Unsqueeze and Squeeze."""
    x, weight, bias = emit.needed("X"), emit.needed("W"), emit.input("B")
    if rank_of(weight) != rank_of(x):
        raise emit.fail(f"an input of rank {rank_of(x)}, but a weight of rank {rank_of(weight)}")
    slide = Slide(emit, x, shape_of(weight)[2:], unit=2)
    axes = slide.axes
    convolution(emit, x, weight, bias)
    attributes: dict[str, Attribute] = {
        "strides": slide.attribute("strides"),
        "pads": slide.pads(),
        "dilations": slide.attribute("dilations"),
        "groups": integer(emit.node.integer("group") or 1),
        "data_format": slide.format,
        "auto_pad": string(emit.node.text("auto_pad") or "NOTSET"),
        "fixed_shift_value": integer(0),
    }
    if axes > 1:
        return [emit.op(f"Conv{axes}D", {"x": x, "filter": weight, "bias": bias}, attributes)]
    data = ("dataX", "dataW", "dataB") if bias is not None else ("dataX", "dataW")
    emit.expand(*data, "UnsqueezeX", "UnsqueezeW", "Conv2D", "SqueezeY")
    x, weight = slide.unsqueezed("UnsqueezeX", x), slide.unsqueezed("UnsqueezeW", weight)
    inputs = {"x": x, "filter": weight, "bias": bias}
    return [slide.squeezed("Conv2D", inputs, attributes, "SqueezeY")]


def max_pool(emit: Emitter) -> list[SSAValue]:
    """MaxPool → MaxPoolV3, which has no dilations, or MaxPool3D; neither has an Indices output."""
    slide = _pool(emit)
    if len(emit.node.results) > 1 and emit.node.results[1].uses:
        raise emit.no_form("has an output Indices")
    window = _window(slide)
    if slide.axes == 3:
        mode = window.pop("padding_mode")
        window |= {"padding": mode, "dilation": slide.attribute("dilations")}
        window["ceil_mode"] = integer(slide.ceils)
        return [emit.op("MaxPool3D", {"x": slide.x}, window)]
    if _is_dilated(emit):
        raise emit.no_form("has dilations")
    return _pooled(slide, "MaxPoolV3", window, "SqueezeMaxpoolv3")


def average_pool(emit: Emitter) -> list[SSAValue]:
    """AveragePool → AvgPoolV2 or AvgPool3D."""
    slide = _pool(emit)
    if _is_dilated(emit):
        raise emit.no_form("has dilations")
    counts = emit.has("count_include_pad") and emit.node.integer("count_include_pad") == 1
    window = _window(slide)
    if slide.axes == 3:
        del window["padding_mode"]
        window["count_include_pad"] = boolean(counts)
        return [emit.op("AvgPool3D", {"x": slide.x}, window)]
    window["exclusive"] = boolean(not counts)
    return _pooled(slide, "AvgPoolV2", window, "SqueezeAvgpoolv2")


def _pool(emit: Emitter) -> Slide:
    return Slide(emit, emit.needed("X"), emit.node.integers("kernel_shape") or (), unit=3)


def _is_dilated(emit: Emitter) -> bool:
    return emit.has("dilations") and set(emit.node.integers("dilations") or (1,)) != {1}


def _window(slide: Slide) -> dict[str, Attribute]:
    auto_pad = slide.emit.node.text("auto_pad") or "NOTSET"
    mode = PADDING_MODES.get(auto_pad, "CALCULATED")  # SAME_LOWER: explicit pads say the same
    return {
        "ksize": slide.attribute("kernel_shape"),
        "strides": slide.attribute("strides"),
        "padding_mode": string(mode),
        "pads": slide.pads(),
        "ceil_mode": boolean(slide.ceils),
        "data_format": slide.format,
    }


def _pooled(slide: Slide, type: str, window: dict[str, Attribute], squeeze: str) -> list[SSAValue]:
    """A pool over two axes, or over one between Unsqueeze and Squeeze."""
    if slide.axes == 2:
        return [slide.emit.op(type, {"x": slide.x}, window)]
    slide.emit.expand("data0", "UnsqueezeX", type, squeeze)
    x = slide.unsqueezed("UnsqueezeX", slide.x)
    return [slide.squeezed(type, {"x": x}, window, squeeze)]
