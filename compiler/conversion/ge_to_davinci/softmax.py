"""Kernels of SoftmaxV2 and LogSoftmaxV2: along rows or columns, whole in UB or chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.index import Index, delinearize
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.planning.tiling_vector import RESERVED, VectorTile, column_tile, vector_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import element_bytes

LOWEST = -3.0e38
"""Below every finite element: what a maximum begins with, so that differences are numbers."""


def build_softmax(operator: Operator, soc: Soc) -> KernelOp:
    """exp(x − max) / Σ exp(x − max) along one axis in f32, or its logarithm."""
    source = operator.inputs[0][1]
    axes = operator.ints("axes", (-1,))
    if len(axes) != 1 or not source.shape:
        raise UnsupportedError("one axis only")
    axis = axes[0] % len(source.shape)
    softmax = _Softmax(
        VectorBuilder(operator, "AIV", soc),
        operator.wide_element(source),
        operator.wide_element(operator.outputs[0]),
        operator.type == "LogSoftmaxV2",
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
    logarithm: bool
    outer: int
    length: int
    inner: int

    def _bytes(self, slots: int) -> int:
        """What an element takes in UB: slots in and out, the work in f32 and for its logarithm."""
        moved = element_bytes(self.element) + element_bytes(self.result)
        return slots * moved + (8 if self.logarithm else 4)

    def rows(self) -> None:
        """The axis is the last one: a tile is some rows, or a part of one."""
        b = self.b
        tiling = self._row_tiling(2)
        if tiling.column_tiles > 1:
            tiling = self._row_tiling(1)
        if tiling.column_tiles > 1:
            chunk = (b.soc.ub - 2 * RESERVED) // self._bytes(2) // 128 * 128
            with b.tiles(self.outer) as number:
                self._long((1, chunk), (1,), number * self.length, 1, along=1)
            return
        with b.tiles(tiling.row_tiles) as number:
            first = number * tiling.rows
            size = b.minimum(self.outer - first, tiling.rows)
            shape = tiling.rows, self.length
            self._tile(shape, (size, self.length), first * self.length, self.length, along=1)

    def _row_tiling(self, slots: int) -> VectorTile:
        return vector_tile(
            1,
            self.outer,
            self.length,
            element_bytes=2,
            bytes_per_element=self._bytes(slots),
            bytes_per_row=128,
            ub=self.b.soc.ub,
            cores=self.b.cores,
            split_columns=False,
        )

    def columns(self) -> None:
        """The axis is not the last one: a tile is a slice, cut along the last dimension."""
        b = self.b
        whole = self._column_tiling(whole=True)
        tiling = whole if whole.row_tiles == 1 else self._column_tiling(whole=False)
        counts = [self.outer, tiling.column_tiles]
        with b.tiles(prod(counts)) as number:
            outer, across = delinearize(number, counts)
            first = across * tiling.columns
            size = b.minimum(self.inner - first, tiling.columns)
            offset = outer * (self.length * self.inner) + first
            if whole.row_tiles == 1:
                shape = self.length, tiling.columns
                self._tile(shape, (self.length, size), offset, self.inner, along=0)
            else:
                self._long((tiling.rows, tiling.columns), (size,), offset, self.inner, along=0)

    def _column_tiling(self, *, whole: bool) -> VectorTile:
        return column_tile(
            self.outer,
            self.length,
            self.inner,
            bytes_per_element=self._bytes(2),
            ub=self.b.soc.ub,
            cores=self.b.cores,
            whole_rows=whole,
        )

    def _tile(
        self,
        shape: tuple[int, int],
        sizes: tuple[Number, Number],
        offset: Number,
        pitch: int,
        *,
        along: int,
    ) -> None:
        work = self._load(shape, sizes, offset, pitch)
        top = self._reduced("max", work, shape, along)
        self.b.binary("sub", work, work, self._repeated(top, work, shape, along))
        powers = work
        if self.logarithm:
            powers = self.b.tile(shape, f32, "powers", sizes=sizes)
        self.b.unary("exp", powers, work)
        total = self._reduced("sum", powers, shape, along)
        self._divide(work, total, shape, along)
        self._store(work, shape, offset, pitch)

    def _load(
        self, shape: tuple[int, int], sizes: tuple[Number, Number], offset: Number, pitch: int
    ) -> Tile:
        """A tile in f32 that may be written over."""
        b = self.b
        x = b.tile(shape, self.element, "x", sizes=sizes)
        b.load(x, b.arguments[0], offset, [pitch, 1])
        work = b.tile(shape, f32, "work", sizes=sizes)
        b.unary("copy", work, x) if self.element == f32 else b.cast(work, x)
        return work

    def _store(self, work: Tile, shape: tuple[int, int], offset: Number, pitch: int) -> None:
        b = self.b
        y = b.tile(shape, self.result, "y", sizes=work.sizes)
        b.unary("copy", y, work) if self.result == f32 else b.cast(y, work)
        b.store(b.arguments[1], offset, [pitch, 1], y)

    def _reduced(self, kind: str, tile: Tile, shape: tuple[int, int], along: int) -> Tile:
        """The maximum or sum along a dimension."""
        kept = 1 - along
        compact = self.b.tile((shape[kept],), f32, kind, sizes=(tile.sizes[kept],))
        strides = (1, 0) if along else (0, 1)
        self.b.reduce(kind, replace(compact, sizes=tile.sizes, strides=strides), tile)
        return compact

    def _repeated(self, compact: Tile, tile: Tile, shape: tuple[int, int], along: int) -> Tile:
        """What has an element for each row or column, repeated along it."""
        if along == 0:
            return replace(compact, sizes=tile.sizes, strides=(0, 1))
        column = self.b.column(compact, shape[0], f"{compact.name}_column")
        return replace(column, sizes=tile.sizes)

    def _divide(self, work: Tile, total: Tile, shape: tuple[int, int], along: int) -> None:
        """work / total, as a product with the inverse, or the difference of the logarithms."""
        b = self.b
        if self.logarithm:
            b.unary("ln", total, total)
            b.binary("sub", work, work, self._repeated(total, work, shape, along))
            return
        inverse = b.tile((shape[1 - along],), f32, "inverse", sizes=total.sizes)
        b.duplicate(inverse, 1.0)
        b.binary("div", inverse, inverse, total)
        b.binary("mul", work, work, self._repeated(inverse, work, shape, along))

    def _long(
        self,
        shape: tuple[int, int],
        kept: tuple[Number],
        offset: Number,
        pitch: int,
        *,
        along: int,
    ) -> None:
        """Maximum and sum chunk by chunk, the sum scaled when the maximum grows; then each chunk
        once more."""
        b, chunk = self.b, shape[along]
        top, total = (b.tile((shape[1 - along],), f32, n, sizes=kept) for n in ("top", "total"))
        b.duplicate(top, LOWEST)
        b.duplicate(total, 0.0)
        step = 1 if along else pitch
        with b.loop(0, self.length, chunk, name="at") as at:
            work = self._load(shape, self._sizes(kept, at, chunk, along), offset + at * step, pitch)
            self._join(work, top, total, shape, along)
        with b.loop(0, self.length, chunk, name="at") as at:
            place = offset + at * step
            work = self._load(shape, self._sizes(kept, at, chunk, along), place, pitch)
            b.binary("sub", work, work, self._repeated(top, work, shape, along))
            if not self.logarithm:
                b.unary("exp", work, work)
            last = b.tile((shape[1 - along],), f32, "last", sizes=kept)
            b.unary("copy", last, total)
            self._divide(work, last, shape, along)
            self._store(work, shape, place, pitch)

    def _sizes(
        self, kept: tuple[Number], at: Index, chunk: int, along: int
    ) -> tuple[Number, Number]:
        size = self.b.minimum(self.length - at, chunk)
        return (kept[0], size) if along else (size, kept[0])

    def _join(self, work: Tile, top: Tile, total: Tile, shape: tuple[int, int], along: int) -> None:
        """The maximum and the sum of powers with those of one more chunk."""
        b = self.b
        new = self._reduced("max", work, shape, along)
        b.binary("max", new, new, top)
        b.binary("sub", top, top, new)
        b.unary("exp", top, top)
        b.binary("mul", total, total, top)
        b.binary("sub", work, work, self._repeated(new, work, shape, along))
        b.unary("exp", work, work)
        b.binary("add", total, total, self._reduced("sum", work, shape, along))
        b.unary("copy", top, new)
