"""Kernels of LRN: sums of squares over a window of channels, which are the rows of a tile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from xdsl.dialects.builtin import Float16Type, f32
from xdsl.ir import Attribute

from compiler.conversion.ge_to_davinci.index import delinearize
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.planning.tiling_vector import column_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import element_bytes


def build_lrn(operator: Operator, soc: Soc) -> KernelOp:
    """x / (bias + alpha · Σ x²)^beta over 2 · depth_radius + 1 channels, in f32."""
    x = operator.inputs[0][1]
    if operator.text("norm_region", "ACROSS_CHANNELS") != "ACROSS_CHANNELS" or len(x.shape) < 2:
        raise UnsupportedError("only across the channels of NCHW")
    if operator.int("size", 1) % 2 == 0:
        raise UnsupportedError("as many channels before as behind")
    element = operator.float_element(x)
    lrn = _LRN(VectorBuilder(operator, "AIV", soc), operator, element)
    lrn.build()
    return lrn.b.kernel


@dataclass(frozen=True)
class _LRN:
    b: VectorBuilder
    operator: Operator
    element: Attribute

    def build(self) -> None:
        b, (images, channels, *sizes) = self.b, self.operator.inputs[0][1].shape
        points = prod(sizes)
        tiling = column_tile(
            images,
            channels,
            points,
            bytes_per_element=4 * element_bytes(self.element) + 12,
            ub=b.soc.ub,
            cores=b.cores,
            whole_rows=True,
        )
        if tiling.row_tiles > 1:
            raise UnsupportedError(f"{channels} channels do not fit UB")
        counts = [images, tiling.column_tiles]
        with b.tiles(prod(counts)) as number:
            image, across = delinearize(number, counts)
            first = across * tiling.columns
            shape = channels, tiling.columns
            size = b.minimum(points - first, tiling.columns)
            x = b.tile(shape, self.element, "x", sizes=(channels, size))
            offset = image * (channels * points) + first
            b.load(x, b.arguments[0], offset, [points, 1])
            y = self._normalized(x, shape)
            b.store(b.arguments[1], offset, [points, 1], y)

    def _normalized(self, x: Tile, shape: tuple[int, int]) -> Tile:
        b, operator = self.b, self.operator
        wide = b.widened(x, shape, "x_f32")
        square, total = (b.tile(shape, f32, name, sizes=x.sizes) for name in ("square", "total"))
        b.binary("mul", square, wide, wide)
        self._window_sum(total, square, shape[0])
        b.scalar("muls", total, total, operator.float("alpha", 1.0))
        b.scalar("adds", total, total, operator.float("bias", 1.0))
        b.unary("ln", total, total)
        b.scalar("muls", total, total, -operator.float("beta", 0.5))
        b.unary("exp", total, total)
        y = b.tile(shape, self.operator.outputs[0].element, "y", sizes=x.sizes)
        if isinstance(y.element, Float16Type):
            b.binary("mul", total, total, wide)
            b.cast(y, total)
        else:
            b.binary("mul", y, total, wide)
        return y

    def _window_sum(self, total: Tile, square: Tile, channels: int) -> None:
        """total[c] = Σ square[c + d] over the radius, channels outside left out."""
        b, columns = self.b, square.sizes[1]
        b.unary("copy", total, square)
        for distance in range(1, min(self.operator.int("depth_radius", 5), channels - 1) + 1):
            sizes = channels - distance, columns
            upper = (replace(t, sizes=sizes) for t in (total, square))
            lower = (t.window(distance * t.strides[0], sizes) for t in (total, square))
            (t0, s0), (t1, s1) = upper, lower
            b.binary("add", t0, t0, s1)
            b.binary("add", t1, t1, s0)
