"""Kernels of SoftmaxV2: each row, or each column of a slice, wholly in UB."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from xdsl.dialects.builtin import Float16Type, f32
from xdsl.ir import Attribute

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.index import delinearize
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.planning.tiling_vector import column_tile, vector_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import element_bytes


def build_softmax(operator: Operator, soc: Soc) -> KernelOp:
    """exp(x − max) / Σ exp(x − max) along one axis, in f32."""
    source = operator.inputs[0][1]
    axes = operator.ints("axes", (-1,))
    if len(axes) != 1 or not source.shape:
        raise UnsupportedError("one axis only")
    axis = axes[0] % len(source.shape)
    softmax = _Softmax(
        VectorBuilder(operator, "AIV", soc),
        operator.float_element(source),
        operator.float_element(operator.outputs[0]),
        prod(source.shape[:axis]),
        source.shape[axis],
        prod(source.shape[axis + 1 :]),
    )
    softmax.rows() if softmax.inner == 1 else softmax.columns()
    return softmax.b.kernel


@dataclass(frozen=True)
class _Softmax:
    b: VectorBuilder
    element: Attribute
    result: Attribute
    outer: int
    length: int
    inner: int

    @property
    def _bytes(self) -> int:
        """What an element takes in UB: two buffers in and out, the work in f32."""
        return 2 * element_bytes(self.element) + 2 * element_bytes(self.result) + 4

    def rows(self) -> None:
        """The axis is the last one: a tile is some rows."""
        b = self.b
        tiling = vector_tile(
            1,
            self.outer,
            self.length,
            element_bytes=2,
            bytes_per_element=self._bytes,
            bytes_per_row=96,
            ub=b.soc.ub,
            cores=b.cores,
            split_columns=False,
        )
        if tiling.column_tiles > 1:
            raise UnsupportedError(f"a row of {self.length} elements does not fit UB")
        with b.tiles(tiling.row_tiles) as number:
            first = number * tiling.rows
            size = b.minimum(self.outer - first, tiling.rows)
            shape = tiling.rows, self.length
            self._tile(shape, (size, self.length), first * self.length, self.length, along=1)

    def columns(self) -> None:
        """The axis is not the last one: a tile is a slice, cut along the last dimension."""
        b = self.b
        tiling = column_tile(
            self.outer,
            self.length,
            self.inner,
            bytes_per_element=self._bytes,
            ub=b.soc.ub,
            cores=b.cores,
            whole_rows=True,
        )
        if tiling.row_tiles > 1:
            raise UnsupportedError(f"a column of {self.length} elements does not fit UB")
        counts = [self.outer, tiling.column_tiles]
        with b.tiles(prod(counts)) as number:
            outer, across = delinearize(number, counts)
            first = across * tiling.columns
            size = b.minimum(self.inner - first, tiling.columns)
            offset = outer * (self.length * self.inner) + first
            shape = self.length, tiling.columns
            self._tile(shape, (self.length, size), offset, self.inner, along=0)

    def _tile(
        self,
        shape: tuple[int, int],
        sizes: tuple[Number, Number],
        offset: Number,
        pitch: int,
        *,
        along: int,
    ) -> None:
        b = self.b
        x = b.tile(shape, self.element, "x", sizes=sizes)
        b.load(x, b.arguments[0], offset, [pitch, 1])
        work = b.tile(shape, f32, "work", sizes=sizes)
        if isinstance(self.element, Float16Type):
            b.cast(work, x)
        else:
            b.unary("copy", work, x)
        b.binary("sub", work, work, self._statistic("max", work, shape, along))
        b.unary("exp", work, work)
        b.binary("div", work, work, self._statistic("sum", work, shape, along))
        y = b.tile(shape, self.result, "y", sizes=sizes)
        if isinstance(self.result, Float16Type):
            b.cast(y, work)
        else:
            b.unary("copy", y, work)
        b.store(b.arguments[1], offset, [pitch, 1], y)

    def _statistic(self, kind: str, tile: Tile, shape: tuple[int, int], along: int) -> Tile:
        """The maximum or sum along a dimension, repeated along it."""
        b, kept = self.b, 1 - along
        compact = b.tile((shape[kept],), f32, kind, sizes=(tile.sizes[kept],))
        strides = (1, 0) if along else (0, 1)
        b.reduce(kind, replace(compact, sizes=tile.sizes, strides=strides), tile)
        if along == 0:
            return replace(compact, sizes=tile.sizes, strides=strides)
        column = b.column(compact, shape[0], f"{kind}_column")
        return replace(column, sizes=tile.sizes)
