"""Kernels of Resize to the nearest element, by whole factors: elements are repeated."""

from __future__ import annotations

from compiler.conversion.ge_to_davinci.copies import Copy, View, copy_all
from compiler.conversion.ge_to_davinci.data_movement import row_major
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import VectorBuilder
from compiler.soc import Soc
from dialects.davinci import KernelOp

_FLOORS = {
    ("asymmetric", "floor"),
    ("half_pixel", "round_prefer_floor"),
    ("half_pixel", "round_prefer_ceil"),
}
"""Where the element at i of a result that is f times as long is that at ⌊i / f⌋."""


def build_resize(operator: Operator, soc: Soc) -> KernelOp:
    """A result of which each dimension is a whole number of times as long."""
    x, output = operator.at("x"), operator.outputs[0]
    if operator.text("mode", "nearest") != "nearest":
        raise UnsupportedError("only to the nearest element")
    if _rounding(operator) not in _FLOORS:
        raise UnsupportedError("only by coordinates that repeat each element as often")
    if any(size % own for own, size in zip(x.shape, output.shape, strict=True)):
        raise UnsupportedError("only by whole factors")
    own, shape, strides = row_major(x.shape), list[int](), list[int]()
    for size, wanted, stride in zip(x.shape, output.shape, own, strict=True):
        shape += [size, wanted // size]
        strides += [stride, 0]
    b = VectorBuilder(operator, "AIV", soc)
    source = View(b.arguments[operator.index("x")], tuple(strides))
    copy_all(b, [Copy.of(shape, source, View(b.arguments[-1], row_major(shape)))])
    return b.kernel


def _rounding(operator: Operator) -> tuple[str, str]:
    """How a place of the result becomes one of x, and a whole number."""
    if operator.type == "Resize":
        coordinates = operator.text("coordinate_transformation_mode", "half_pixel")
        return coordinates, operator.text("nearest_mode", "round_prefer_floor")
    if operator.int("align_corners", 0):
        return "align_corners", ""
    centred = operator.int("half_pixel_centers", 0)
    coordinates = "half_pixel" if centred else "asymmetric"
    return coordinates, operator.text("nearest_mode", "round_prefer_ceil" if centred else "floor")
