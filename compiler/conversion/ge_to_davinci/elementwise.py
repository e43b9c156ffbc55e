"""Elementwise operators as tables of vector instructions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from xdsl.dialects.builtin import Float16Type, f32

from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import Scratch, broadcast_strides, pointwise
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.soc import Soc
from dialects.davinci import KernelOp

Step: TypeAlias = "tuple[str, float] | tuple[str]"

DIRECT: dict[str, tuple[Step, ...]] = {
    "Relu": (("relu",),),
    "Abs": (("abs",),),
    "Neg": (("muls", -1.0),),
    "Exp": (("exp",),),
    "Log": (("ln",),),
    "Sqrt": (("sqrt",),),
    "Assign": (("copy",),),
}
"""One source, computed in the tensor's own element type."""

WIDE: dict[str, tuple[Step, ...]] = {
    "Rsqrt": (("rsqrt",),),
    "Reciprocal": (("rec",),),
    "Sigmoid": (("muls", -1.0), ("exp",), ("adds", 1.0), ("rec",)),
    "Tanh": (("muls", 2.0), ("exp",), ("adds", 1.0), ("rec",), ("muls", -2.0), ("adds", 1.0)),
}
"""One source, several roundings: computed in f32."""

WITH_SCALAR = {
    "Muls": ("muls", "value"),
    "Adds": ("adds", "value"),
    "LeakyRelu": ("lrelu", "negative_slope"),
}
"""One source and an attribute."""

BINARY = {
    "Add": "add",
    "Sub": "sub",
    "Mul": "mul",
    "RealDiv": "div",
    "Maximum": "max",
    "Minimum": "min",
}
"""Two sources with NumPy's broadcasting."""

_PLAIN = {"base": -1.0, "scale": 1.0, "shift": 0.0}
"""Attributes of Exp and Log that leave them the natural functions."""


def build_unary(operator: Operator, soc: Soc) -> KernelOp:
    """Relu, Exp, Sigmoid, …: a chain of instructions."""
    if operator.type in ("Exp", "Log") and any(
        operator.float(key, plain) != plain for key, plain in _PLAIN.items()
    ):
        raise UnsupportedError("only the natural base, without scale and shift")
    if operator.type in WITH_SCALAR:
        kind, attribute = WITH_SCALAR[operator.type]
        steps: tuple[Step, ...] = ((kind, operator.float(attribute, 0.0)),)
    else:
        steps = DIRECT.get(operator.type) or WIDE[operator.type]
    port = "value" if operator.type == "Assign" else operator.inputs[0][0]
    wide = operator.type in WIDE

    def compute(b: VectorBuilder, tiles: Sequence[Tile], result: Tile, scratch: Scratch) -> None:
        source = tiles[0]
        if not (wide and isinstance(source.element, Float16Type)):
            chain(b, steps, result, source)
            return
        work = scratch(f32)
        b.cast(work, source)
        chain(b, steps, work, work)
        b.cast(result, work)

    strides = broadcast_strides(operator.outputs[0].shape, operator.outputs[0].shape)
    return pointwise(operator, soc, [(port, strides)], compute, 4 if wide else 0)


def chain(b: VectorBuilder, steps: Sequence[Step], target: Tile, source: Tile) -> None:
    """target = the steps applied to source one after the other."""
    for step in steps:
        if len(step) == 1:
            b.unary(step[0], target, source)
        else:
            b.scalar(step[0], target, source, step[1])
        source = target


def build_cast(operator: Operator, soc: Soc) -> KernelOp:
    """Cast between f16 and f32; a copy when the types are equal."""

    def compute(b: VectorBuilder, tiles: Sequence[Tile], result: Tile, _: Scratch) -> None:
        if tiles[0].element == result.element:
            b.unary("copy", result, tiles[0])
        else:
            b.cast(result, tiles[0])

    strides = broadcast_strides(operator.outputs[0].shape, operator.outputs[0].shape)
    return pointwise(operator, soc, [("x", strides)], compute, 0)


def build_binary(operator: Operator, soc: Soc) -> KernelOp:
    """Add, Mul, …"""
    kind = BINARY[operator.type]

    def compute(b: VectorBuilder, tiles: Sequence[Tile], result: Tile, _: Scratch) -> None:
        b.binary(kind, result, tiles[0], tiles[1])

    shape = operator.outputs[0].shape
    operands = [(port, broadcast_strides(t.shape, shape)) for port, t in operator.inputs]
    return pointwise(operator, soc, operands, compute, 0)


def build_accumulate(operator: Operator, soc: Soc) -> KernelOp:
    """AccumulateNV2: the sum of any number of tensors of one shape."""

    def compute(b: VectorBuilder, tiles: Sequence[Tile], result: Tile, _: Scratch) -> None:
        if len(tiles) == 1:
            b.unary("copy", result, tiles[0])
        for place, tile in enumerate(tiles[1:]):
            b.binary("add", result, result if place else tiles[0], tile)

    shape = operator.outputs[0].shape
    operands = [(port, broadcast_strides(t.shape, shape)) for port, t in operator.inputs]
    return pointwise(operator, soc, operands, compute, 0)
