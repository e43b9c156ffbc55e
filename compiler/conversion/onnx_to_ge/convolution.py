"""Convolutions over one, two or three spatial axes, their transposes, and images from columns."""

from __future__ import annotations

from xdsl.dialects.builtin import i32, i64
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.checks import convolution
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import (
    boolean,
    data_type,
    integer,
    integers,
    rank_of,
    string,
)
from compiler.conversion.onnx_to_ge.windows import Slide
from dialects.types import DYNAMIC, shape_of, tensor_of, tensor_type

UNIT = 2
"""Where a convolution over one axis gets its other: before it."""


def conv(emit: Emitter) -> list[SSAValue]:
    """Conv → Conv2D or Conv3D; with one axis Conv2D between Unsqueeze and Squeeze."""
    x, weight, bias = emit.needed("X"), emit.needed("W"), emit.input("B")
    if rank_of(weight) != rank_of(x):
        raise emit.fail(f"an input of rank {rank_of(x)}, but a weight of rank {rank_of(weight)}")
    slide = Slide(emit, x, shape_of(weight)[2:], UNIT)
    convolution(emit, x, weight, bias)
    attributes = _attributes(slide, slide.pads()) | {
        "auto_pad": string(slide.auto_pad),
        "fixed_shift_value": integer(0),
    }
    inputs = {"x": x, "filter": weight, "bias": bias}
    if slide.axes > 1:
        return [emit.op(f"Conv{slide.axes}D", inputs, attributes)]
    emit.expand(*_data(bias), "UnsqueezeX", "UnsqueezeW", "Conv2D", "SqueezeY")
    return _over_one_axis(slide, "Conv2D", inputs, attributes)


def conv_transpose(emit: Emitter) -> list[SSAValue]:
    """ConvTranspose → Conv2DTranspose or Conv3DTranspose, its input_size a constant of zeros.

    `output_shape` and `auto_pad` are no attributes of GraphEngine's prototypes: the device reads
    them, as they say what the padding is.
    """
    x, weight, bias = emit.needed("X"), emit.needed("W"), emit.input("B")
    slide = Slide(emit, x, (), UNIT)
    type = "Conv3DTranspose" if slide.axes == 3 else "Conv2DTranspose"
    lifted = slide.axes == 1
    steps = ("UnsqueezeX", "UnsqueezeW", type, "SqueezeY") if lifted else (type,)
    emit.expand(*_data(bias), *steps, "Const")
    rank = max(slide.axes, 2) + 2
    zeros = emit.vector("Const", [0] * rank, i64)
    attributes = _attributes(slide, slide.explicit_pads()) | _sizes(slide)
    inputs = {"input_size": zeros, "x": x, "filter": weight, "bias": bias}
    if lifted:
        return _over_one_axis(slide, type, inputs, attributes)
    return [emit.op(type, inputs, attributes, inner=type)]


def _sizes(slide: Slide) -> dict[str, Attribute]:
    """What says how large the result of ConvTranspose is."""
    given = slide.emit.node.integers("output_shape")
    told = given is not None and slide.auto_pad == "NOTSET"
    attributes = {
        "output_padding": slide.attribute("output_padding", 0),
        "auto_pad": string("SAME_LOWER" if told else slide.auto_pad),
        "fixed_shift_value": integer(0),
    }
    if given is not None:
        attributes["output_shape"] = integers((*[1] * (slide.axes == 1), *given[-slide.axes :]))
    return attributes


def _attributes(slide: Slide, pads: Attribute) -> dict[str, Attribute]:
    """The attributes that convolutions have in common."""
    return {
        "strides": slide.attribute("strides"),
        "pads": pads,
        "dilations": slide.attribute("dilations"),
        "groups": integer(slide.emit.node.integer("group") or 1),
        "data_format": slide.format,
    }


def _data(bias: SSAValue | None) -> list[str]:
    return ["dataX", "dataW", "dataB"] if bias is not None else ["dataX", "dataW"]


def _over_one_axis(
    slide: Slide,
    type: str,
    inputs: dict[str, SSAValue | None],
    attributes: dict[str, Attribute],
) -> list[SSAValue]:
    weight = inputs["filter"]
    assert weight is not None, "the schema requires it"
    inputs["x"] = slide.unsqueezed("UnsqueezeX", slide.x)
    inputs["filter"] = slide.unsqueezed("UnsqueezeW", weight)
    return [slide.squeezed(type, inputs, attributes, "SqueezeY")]


def deform_conv(emit: Emitter) -> list[SSAValue]:
    """DeformConv of images → DeformableConv2D, the mask behind ONNX's offsets."""
    x, weight, mask = emit.needed("X"), emit.needed("W"), emit.input("mask")
    if rank_of(x) != 4:
        raise emit.no_form(f"has an input of rank {rank_of(x)}")
    offsets, inner = emit.needed("offset"), ""
    if mask is not None:
        bias = ["data3"] if emit.input("B") is not None else []
        emit.expand("data0", "data1", "data2", *bias, "data4", "DeformableConv2D", "ConcatD")
        offsets, inner = _behind(emit, offsets, mask), "DeformableConv2D"
    slide = Slide(emit, x, shape_of(weight)[2:], UNIT)
    attributes = _attributes(slide, slide.explicit_pads())
    attributes["deformable_groups"] = integer(emit.node.integer("offset_group") or 1)
    attributes["modulated"] = boolean(mask is not None)
    inputs = {"x": x, "filter": weight, "offsets": offsets, "bias": emit.input("B")}
    return [emit.op("DeformableConv2D", inputs, attributes, inner=inner)]


def _behind(emit: Emitter, offsets: SSAValue, mask: SSAValue) -> SSAValue:
    """Both one after another along the channels."""
    batch, *sizes = shape_of(offsets)
    channels = sizes[0], shape_of(mask)[1]
    total = DYNAMIC if DYNAMIC in channels else sum(channels)
    joined = [tensor_type((batch, total, *sizes[1:]), tensor_of(offsets).element_type)]
    ports, attributes = {"x0": offsets, "x1": mask}, {"concat_dim": integer(1), "N": integer(2)}
    return emit.op("ConcatD", ports, attributes, inner="ConcatD", results=joined)


def col2im(emit: Emitter) -> list[SSAValue]:
    """Col2Im of images → Col2ImV2, which pads as much before as behind."""
    x, image, block = (emit.needed(name) for name in ("input", "image_shape", "block_shape"))
    if shape_of(image) != (2,) or shape_of(block) != (2,):
        raise emit.no_form("is of other than two axes")
    pads = emit.node.integers("pads") or (0,) * 4
    if pads[:2] != pads[2:]:
        raise emit.no_form(f"pads {list(pads)}: more on one side")
    emit.expand("data0", "data1", "data2", "Col2ImV2", "cast")
    target = {"dst_type": data_type(i32)}
    narrow = [tensor_type((2,), i32)]
    size = emit.op("Cast", {"x": image}, target, inner="cast", results=narrow)
    attributes = {
        "dilation": integers(emit.node.integers("dilations") or (1, 1)),
        "padding": integers(pads[:2]),
        "stride": integers(emit.node.integers("strides") or (1, 1)),
    }
    inputs = {"x": x, "output_size": size, "kernel_size": block}
    return [emit.op("Col2ImV2", inputs, attributes, inner="Col2ImV2")]
