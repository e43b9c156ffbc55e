"""Kernels of Gelu, GeluV2 and Erf, computed in f32."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import f32

from compiler.conversion.ge_to_davinci.elementwise import Step, chain
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import Scratch, broadcast_strides, pointwise
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.soc import Soc
from dialects.davinci import KernelOp

# erf(x) ≈ x · P(x²) / Q(x²) on |x| ≤ 4, coefficients by falling power.
_P = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
_Q = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)

_TANH_INNER: tuple[Step, ...] = (("muls", 0.044715), ("adds", 1.0))
_TANH_OUTER: tuple[Step, ...] = (("muls", -2 * math.sqrt(2 / math.pi)), ("exp",), ("adds", 1.0))


def build_gelu(operator: Operator, soc: Soc) -> KernelOp:
    """Erf, or x/2 · (1 + erf(x/√2)), or with tanh in its stead, which is x · sigmoid(2 · …)."""
    kind = operator.type
    if kind == "GeluV2":
        form = operator.text("approximate", "none")
        if form not in ("none", "tanh"):
            raise UnsupportedError(f"there is no approximation '{form}'")
        kind = "Gelu" if form == "tanh" else "GeluV2"

    def compute(b: VectorBuilder, tiles: Sequence[Tile], result: Tile, scratch: Scratch) -> None:
        x = tiles[0]
        wide = x.element == f32
        source, target = (x, result) if wide else (scratch(f32, "wide"), scratch(f32, "target"))
        if not wide:
            b.cast(source, x)
        COMPUTE[kind](b, source, target, scratch)
        if not wide:
            b.cast(result, target)

    strides = broadcast_strides(operator.outputs[0].shape, operator.outputs[0].shape)
    return pointwise(operator, soc, [(operator.inputs[0][0], strides)], compute, 20)


def _tanh(b: VectorBuilder, x: Tile, y: Tile, scratch: Scratch) -> None:
    """x / (1 + exp(-2 √(2/π) (x + 0.044715 x³)))."""
    work = scratch(f32, "power")
    b.binary("mul", work, x, x)
    chain(b, _TANH_INNER, work, work)
    b.binary("mul", work, work, x)
    chain(b, _TANH_OUTER, work, work)
    b.binary("div", y, x, work)


def _erf(b: VectorBuilder, x: Tile, y: Tile, scratch: Scratch) -> None:
    bounded, square, below = (scratch(f32, name) for name in ("bounded", "square", "below"))
    chain(b, (("mins", 4.0), ("maxs", -4.0)), bounded, x)
    b.binary("mul", square, bounded, bounded)
    _polynomial(b, _Q, below, square)
    # The result's tile may be the input's: x is bounded by now.
    _polynomial(b, _P, y, square)
    b.binary("mul", y, y, bounded)
    b.binary("div", y, y, below)


def _polynomial(b: VectorBuilder, coefficients: Sequence[float], y: Tile, x: Tile) -> None:
    """y = the polynomial of x, by Horner's rule."""
    first, second, *rest = coefficients
    chain(b, (("muls", first), ("adds", second)), y, x)
    for coefficient in rest:
        b.binary("mul", y, y, x)
        b.scalar("adds", y, y, coefficient)


def _gelu(b: VectorBuilder, x: Tile, y: Tile, scratch: Scratch) -> None:
    scaled = scratch(f32, "scaled")
    b.scalar("muls", scaled, x, math.sqrt(0.5))
    _erf(b, scaled, scaled, scratch)
    chain(b, (("adds", 1.0), ("muls", 0.5)), scaled, scaled)
    b.binary("mul", y, x, scaled)


COMPUTE = {"Erf": _erf, "Gelu": _tanh, "GeluV2": _gelu}
