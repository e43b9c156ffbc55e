"""Resize and Upsample: nearest neighbours of images, and the general form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import TensorType, f32, i32
from xdsl.ir import Attribute, SSAValue

from compiler.constants import constant_numbers
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import (
    boolean,
    data_type,
    integer,
    rank_of,
    reals,
    string,
)
from dialects.types import DYNAMIC, AnyTensor, shape_of, tensor_like, tensor_type

IMAGE_MODES = {
    "align_corners": (True, False, "round_prefer_ceil"),
    "asymmetric": (False, False, "floor"),
    "half_pixel": (False, True, "round_prefer_ceil"),
    "pytorch_half_pixel": (False, True, "round_prefer_ceil"),
}
"""align_corners and half_pixel_centers, and the nearest_mode that is GraphEngine's with them."""

_NEAREST = "data0 Slice x ResizeNearestNeighborV2"
_IN_FRONT = "data1?roi roi?no-roi"
ORDERS = {
    ("first", True): "data0 data1 Slice Identity Mul ResizeNearestNeighborV2 Cast1 data_offsets"
    " data_size Shape Cast0",
    ("first", False): "data0 data1 data2 data3 Identity Mul Resize Shape Cast1 Cast0",
    ("scales", True): f"{_NEAREST} Cast1 data_offsets data_size Shape roi?roi Mul Cast0 data1?roi"
    " scales data2",
    ("scales", False): f"data0 Cast1 {_IN_FRONT} data2 x Resize Mul roi?roi scales Shape Cast0",
    ("sizes", True): f"{_NEAREST} Cast0 data_offsets data_size roi?roi scales?scales sizes"
    " data1?roi data2?scales data3",
    ("sizes", False): f"data0 Cast0 {_IN_FRONT} data2?scales scales?no-scales x Resize sizes"
    " roi?roi scales?scales data3",
}
"""The inner names of opset 10, or by what says the size, and whether neighbours are the nearest.

`name?roi` is there when the model has a roi, `name?no-roi` when it has none.
"""

GENERAL = ("antialias", "axes", "keep_aspect_ratio_policy")
"""What GraphEngine's Resize has no attributes for: the device reads ONNX's."""

KEEP = {"_keep_dtype": integer(1)}
"""Sizes are computed in float32 whatever the precision of the model."""


def resize(emit: Emitter) -> list[SSAValue]:
    """Resize → ResizeNearestNeighborV2 of images, else Resize; sizes are computed from scales."""
    scales, sizes = _given(emit, "scales"), _given(emit, "sizes")
    if (scales is None) == (sizes is None):
        raise emit.fail("either scales or sizes must be given")
    nearest = _mode(emit) == "nearest"
    general = any(emit.has(name) and name in emit.node.attributes for name in GENERAL)
    if general or (nearest and not _is_image(emit)) or not (nearest or _is_exact(emit)):
        inputs = {"x": emit.needed("X"), "roi": emit.input("roi"), "scales": scales, "sizes": sizes}
        return [emit.op("Resize", inputs, _attributes(emit))]
    emit.expand(*_order(emit, nearest))
    first = "Identity" if _is_first(emit) else "x"
    x = _identity(emit, emit.needed("X"), first)
    if sizes is None:
        factors = scales if _is_first(emit) else _identity(emit, emit.needed("scales"), "scales")
        size = _scaled_shape(emit, x, cast(SSAValue, factors))
        return [_nearest(emit, x, size) if nearest else _interpolated(emit, x, size, factors)]
    size = _to(emit, _identity(emit, sizes, "sizes"), i32, "Cast0")
    if nearest:
        return [_nearest(emit, x, size)]
    beside = emit.input("scales")
    factors = None if beside is None else _identity(emit, beside, "scales")
    return [_interpolated(emit, x, size, factors)]


def _given(emit: Emitter, name: str) -> SSAValue | None:
    """An input; None where it is left out or, as older exporters do, empty."""
    value = emit.input(name)
    return None if value is None or shape_of(value) == (0,) else value


def _is_first(emit: Emitter) -> bool:
    """Whether this is Resize of opset 10, which has no choice of coordinates."""
    return not emit.has("coordinate_transformation_mode")


def _mode(emit: Emitter) -> str:
    return (emit.node.text("mode") or "nearest").replace("bilinear", "linear")


def _coordinates(emit: Emitter) -> str:
    if _is_first(emit):
        return "asymmetric"
    return emit.node.text("coordinate_transformation_mode") or "half_pixel"


def _nearest_mode(emit: Emitter) -> str:
    return "floor" if _is_first(emit) else emit.node.text("nearest_mode") or "round_prefer_floor"


def _is_image(emit: Emitter) -> bool:
    """Whether only the last two of four axes change, as far as is known."""
    x, scales = emit.needed("X"), _given(emit, "scales")
    if rank_of(x) != 4 or _coordinates(emit) not in IMAGE_MODES:
        return False
    if scales is None:
        return shape_of(x)[:2] == shape_of(emit.node.results[0])[:2]
    return (constant_numbers(scales) or ())[:2] == (1, 1)


def _is_exact(emit: Emitter) -> bool:
    """Whether the sizes say as much as the scales do, which opset 10 alone leaves out."""
    scales = _given(emit, "scales")
    return not _is_first(emit) or (scales is not None and _are_whole(emit, scales))


def _are_whole(emit: Emitter, scales: SSAValue) -> bool:
    """Whether each size times its scale is known and whole."""
    factors, sizes = constant_numbers(scales), shape_of(emit.needed("X"))
    if factors is None or DYNAMIC in sizes:
        return False
    return all((n * factor).is_integer() for n, factor in zip(sizes, factors, strict=False))


def _order(emit: Emitter, nearest: bool) -> Sequence[str]:
    """The inner names in GraphEngine's visiting order; those of Data and Const helpers included."""
    way = "first" if _is_first(emit) else "scales" if _given(emit, "sizes") is None else "sizes"
    given = {name: emit.input(name) is not None for name in ("roi", "scales")}
    words = (word.partition("?") for word in ORDERS[way, nearest].split())
    return [
        name
        for name, _, when in words
        if not when or given[when.removeprefix("no-")] != when.startswith("no-")
    ]


def _identity(emit: Emitter, x: SSAValue, inner: str) -> SSAValue:
    kept = {} if inner in ("x", "Identity") else KEEP
    return emit.op("Identity", {"x": x}, kept, inner=inner, results=[x.type])


def _to(emit: Emitter, x: SSAValue, element: Attribute, inner: str) -> SSAValue:
    attributes = {"dst_type": data_type(element), **KEEP}
    results = [tensor_like(cast(AnyTensor, x.type), element)]
    return emit.op("Cast", {"x": x}, attributes, inner=inner, results=results)


def _scaled_shape(emit: Emitter, x: SSAValue, scales: SSAValue) -> SSAValue:
    """The sizes of x times the scales, as int32."""
    shape = emit.op("Shape", {"x": x}, inner="Shape", results=[tensor_type((rank_of(x),), i32)])
    sizes = _to(emit, shape, f32, "Cast0")
    factors = {"x1": sizes, "x2": scales}
    scaled = emit.op("Mul", factors, KEEP, inner="Mul", results=[sizes.type])
    return _to(emit, scaled, i32, "Cast1")


def _nearest(emit: Emitter, x: SSAValue, sizes: SSAValue) -> SSAValue:
    """The image resized to the last two of the sizes."""
    offsets, count = (emit.scalar(name, 2, i32) for name in ("data_offsets", "data_size"))
    inputs = {"x": sizes, "offsets": offsets, "size": count}
    size = emit.op("Slice", inputs, inner="Slice", results=[tensor_type((2,), i32)])
    aligned, centred, rounding = IMAGE_MODES[_coordinates(emit)]
    attributes = {"align_corners": boolean(aligned), "half_pixel_centers": boolean(centred)}
    attributes |= _beyond_the_plugin(emit, rounding)
    name = "ResizeNearestNeighborV2"
    return emit.op(name, {"x": x, "size": size}, attributes, inner=name)


def _beyond_the_plugin(emit: Emitter, rounding: str) -> dict[str, Attribute]:
    """What ATC leaves out though it matters: scales that are not exact, nearest_mode."""
    attributes: dict[str, Attribute] = {}
    scales = _given(emit, "scales")
    if scales is not None and not _are_whole(emit, scales):
        attributes["scales"] = reals((constant_numbers(scales) or ())[2:])
    if _nearest_mode(emit) != rounding:
        attributes["nearest_mode"] = string(_nearest_mode(emit))
    return attributes


def _interpolated(emit: Emitter, x: SSAValue, sizes: SSAValue, scales: SSAValue | None) -> SSAValue:
    """The general form, of which ATC connects every input."""
    if _is_first(emit):
        roi, scales = _nothing(emit, "data2"), _nothing(emit, "data3")
    else:
        given = emit.input("roi")
        roi = _nothing(emit, "roi") if given is None else _identity(emit, given, "roi")
        scales = _nothing(emit, "scales") if scales is None else scales
    inputs = {"x": x, "roi": roi, "scales": scales, "sizes": sizes}
    attributes = _attributes(emit) | {"resize_original_type": string("onnx_resize")}
    return emit.op("Resize", inputs, attributes, inner="Resize")


def _nothing(emit: Emitter, inner: str) -> SSAValue:
    return emit.vector(inner, [], f32)


def _attributes(emit: Emitter) -> dict[str, Attribute]:
    """Those of the general form; ATC writes the first two, and a default is not said."""
    attributes: dict[str, Attribute] = {
        "coordinate_transformation_mode": string(_coordinates(emit)),
        "mode": string(_mode(emit)),
    }
    if _nearest_mode(emit) != "round_prefer_floor" and _mode(emit) == "nearest":
        attributes["nearest_mode"] = string(_nearest_mode(emit))
    names = ("cubic_coeff_a", "exclude_outside", "extrapolation_value", *GENERAL)
    given = emit.node.attributes
    return attributes | {name: given[name] for name in names if name in given}


def upsample(emit: Emitter) -> list[SSAValue]:
    """Upsample → Resize with a region of zeros; before opset 9 scales are attributes.

    The attributes that say how it rounds are those of GraphEngine's prototype, ATC leaves them out.
    """
    x, scales = emit.needed("X"), _given(emit, "scales")
    if isinstance(x.type, TensorType) and rank_of(x) != 4 and scales is None:
        raise emit.no_form(f"has an input of {rank_of(x)} dimensions")
    emit.expand("data0", "const_data", "data1", "resize")
    region = emit.vector("const_data", [0.0] * 8, f32)
    if scales is None:
        scales = emit.vector("data1", _listed_scales(emit), f32)
    attributes = {
        "mode": string(_mode(emit)),
        "coordinate_transformation_mode": string("asymmetric"),
        "nearest_mode": string("floor"),
    }
    inputs = {"x": x, "roi": region, "scales": scales}
    return [emit.op("Resize", inputs, attributes, inner="resize")]


def _listed_scales(emit: Emitter) -> Sequence[float]:
    if emit.has("scales"):
        return emit.node.numbers("scales") or ()
    height, width = (emit.node.number(f"{name}_scale") or 1.0 for name in ("height", "width"))
    return 1.0, 1.0, height, width
