"""Kernels of LayerNorm: each row wholly in UB, its statistics in f32."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from xdsl.dialects.builtin import f32

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.planning.tiling_vector import vector_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import element_bytes

EPSILON = 1e-7
"""Of LayerNorm's prototype."""


def build_layer_norm(operator: Operator, soc: Soc) -> KernelOp:
    """(x − mean) / √(variance + ε) · gamma + beta over the axes from `begin_norm_axis` on."""
    x = operator.inputs[0][1]
    if len(operator.outputs) != 1 or not x.shape:
        raise UnsupportedError("only the first result, of a tensor that has axes")
    axis = operator.int("begin_norm_axis", 0) % len(x.shape)
    parameters = [operator.input("gamma"), operator.input("beta")]
    if any(p is None or p.shape != x.shape[axis:] for p in parameters):
        raise UnsupportedError("gamma and beta have the shape of the axes")
    elements = [operator.float_element(tensor) for _, tensor in operator.inputs]
    if len(set(elements)) > 1 or operator.float_element(operator.outputs[0]) != elements[0]:
        raise UnsupportedError("tensors of one element type")
    rows, length = prod(x.shape[:axis]), prod(x.shape[axis:])
    norm = _LayerNorm(VectorBuilder(operator, "AIV", soc), operator, rows, length)
    norm.build()
    return norm.b.kernel


class _LayerNorm:
    def __init__(self, b: VectorBuilder, operator: Operator, rows: int, length: int):
        self.b, self.operator, self.rows, self.length = b, operator, rows, length
        self.element = operator.float_element(operator.inputs[0][1])

    def build(self) -> None:
        b, size = self.b, element_bytes(self.element)
        parameters = self.length * 2 * (2 * size + (0 if self.element == f32 else 4)) + 256
        tiling = vector_tile(
            1,
            self.rows,
            self.length,
            element_bytes=2,
            bytes_per_element=4 * size + 8,
            bytes_per_row=160,
            ub=b.soc.ub - parameters,
            cores=b.cores,
            split_columns=False,
        )
        if tiling.column_tiles > 1:
            raise UnsupportedError(f"a row of {self.length} elements does not fit UB")
        with b.tiles(tiling.row_tiles) as number:
            first = number * tiling.rows
            count = b.minimum(self.rows - first, tiling.rows)
            self._tile(tiling.rows, count, first * self.length)

    def _tile(self, rows: int, count: Number, offset: Number) -> None:
        b, shape, sizes = self.b, (rows, self.length), (count, self.length)
        x = b.tile(shape, self.element, "x", sizes=sizes)
        b.load(x, b.arguments[self.operator.index("x")], offset, [self.length, 1])
        work = b.tile(shape, f32, "work", sizes=sizes)
        if self.element == f32:
            b.unary("copy", work, x)
        else:
            b.cast(work, x)
        b.binary("sub", work, work, self._mean(work, rows, "mean"))
        square = b.tile(shape, f32, "square", sizes=sizes)
        b.binary("mul", square, work, work)
        epsilon = self.operator.float("epsilon", EPSILON)
        b.binary("div", work, work, self._mean(square, rows, "deviation", epsilon))
        b.binary("mul", work, work, self._parameter("gamma", work))
        y = b.tile(shape, self.element, "y", sizes=sizes)
        target = y if self.element == f32 else work
        b.binary("add", target, work, self._parameter("beta", work))
        if target is not y:
            b.cast(y, target)
        b.store(b.arguments[len(self.operator.inputs)], offset, [self.length, 1], y)

    def _mean(self, tile: Tile, rows: int, name: str, epsilon: float | None = None) -> Tile:
        """The mean of each row, or with ε the root of both, repeated along the row."""
        b = self.b
        compact = b.tile((rows,), f32, name, sizes=tile.sizes[:1])
        b.reduce("sum", replace(compact, sizes=tile.sizes, strides=(1, 0)), tile)
        b.scalar("muls", compact, compact, 1 / self.length)
        if epsilon is not None:
            b.scalar("adds", compact, compact, epsilon)
            b.unary("sqrt", compact, compact)
        return replace(b.column(compact, rows, f"{name}_column"), sizes=tile.sizes)

    def _parameter(self, port: str, tile: Tile) -> Tile:
        """gamma or beta in f32, the same for each row of a tile."""
        b = self.b
        vector = b.tile((self.length,), self.element, port)
        b.load(vector, b.arguments[self.operator.index(port)], 0, [1])
        wide = b.widened(vector, (self.length,), f"{port}_wide")
        return replace(wide, sizes=tile.sizes, strides=(0, 1))
