"""Kernels of reductions over any axes: sums, means, maxima, minima, and of booleans."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from math import inf, prod

from xdsl.dialects.builtin import f16, f32, i1
from xdsl.ir import Attribute

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.index import Index, delinearize, linearize
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.planning.tiling_vector import column_tile, vector_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import buffer_of, element_bytes

KINDS = {
    "ReduceSum": ("sum", "add", 0.0),
    "ReduceMean": ("sum", "add", 0.0),
    "ReduceMax": ("max", "max", -inf),
    "ReduceMin": ("min", "min", inf),
    "ReduceAny": ("max", "max", -inf),
    "ReduceAll": ("min", "min", inf),
}
"""The instruction on a tile, that between tiles, and what changes nothing."""
LOGICAL = ("ReduceAny", "ReduceAll")
"""Of 0 and 1: the greatest and the least."""


@dataclass(frozen=True)
class Dimension:
    """Neighbouring dimensions of the input that are all kept or all reduced."""

    size: int
    stride: int
    reduced: bool


def reduced_axes(operator: Operator) -> frozenset[int]:
    """The axes of a reduction, from its constant input or its attribute."""
    rank = len(operator.inputs[0][1].shape)
    axes = operator.constant("axes") if operator.input("axes") else operator.ints("axes", ())
    if not axes:
        if operator.int("noop_with_empty_axes", 1):
            raise UnsupportedError("no axes: nothing is reduced")
        axes = tuple(range(rank))
    return frozenset(axis % rank for axis in axes)


def merge_dimensions(shape: Sequence[int], axes: frozenset[int]) -> list[Dimension]:
    """The dimensions of a row-major tensor, alternately kept and reduced."""
    merged: list[Dimension] = []
    for axis, size in enumerate(shape):
        reduced, stride = axis in axes, prod(shape[axis + 1 :])
        if size == 1:
            continue
        if merged and merged[-1].reduced == reduced:
            merged[-1] = Dimension(merged[-1].size * size, stride, reduced)
        else:
            merged.append(Dimension(size, stride, reduced))
    if not any(dimension.reduced for dimension in merged):
        merged.append(Dimension(1, 1, True))
    return merged


def build_reduce(operator: Operator, soc: Soc) -> KernelOp:
    """A reduction; sums are taken in f32."""
    source = operator.inputs[0][1]
    if operator.type not in LOGICAL or source.element != i1:
        operator.wide_element(source)
    dimensions = merge_dimensions(source.shape, reduced_axes(operator))
    b = VectorBuilder(operator, "AIV", soc)
    reduction = _Reduction(b, operator, dimensions, source.element)
    (reduction.rows if dimensions[-1].reduced else reduction.columns)()
    return b.kernel


@dataclass(frozen=True)
class _Reduction:
    b: VectorBuilder
    operator: Operator
    dimensions: list[Dimension]
    element: Attribute

    @property
    def _bytes(self) -> int:
        """What an input element takes in UB: two buffers, and a copy in f32."""
        size = element_bytes(self.element)
        return 2 * size + {1: 6, 2: 4}.get(size, 0)

    def rows(self) -> None:
        """The last dimension is reduced: each row of a tile becomes one element."""
        b, last = self.b, self.dimensions[-1]
        row = self.dimensions[-2] if len(self.dimensions) > 1 else Dimension(1, 0, False)
        outer = self.dimensions[:-2]
        kept = [d for d in outer if not d.reduced]
        tiling = vector_tile(
            prod(d.size for d in kept),
            row.size,
            last.size,
            element_bytes=element_bytes(self.element),
            bytes_per_element=self._bytes,
            bytes_per_row=64,
            ub=b.soc.ub,
            cores=b.cores,
            split_columns=False,
        )
        counts = [*(d.size for d in kept), tiling.row_tiles]
        with b.tiles(prod(counts)) as number:
            *place, down = delinearize(number, counts)
            first = down * tiling.rows
            size = b.minimum(row.size - first, tiling.rows)
            total = b.tile((tiling.rows,), f32, "total", sizes=(size,))
            self._clear(total)
            start = linearize([*place, first], [*(d.stride for d in kept), row.stride])
            with (
                self._reduced(outer) as base,
                b.loop(0, last.size, tiling.columns, name="at") as at,
            ):
                count = b.minimum(last.size - at, tiling.columns)
                shape, strides = (tiling.rows, tiling.columns), (row.stride, last.stride)
                tile = self._load(shape, (size, count), start + base + at, strides)
                part = b.tile((tiling.rows,), f32, "part", sizes=(size,))
                target = replace(part, sizes=tile.sizes, strides=(1, 0))
                self._add(total, part, target, tile)
            sizes = [*(d.size for d in kept), row.size]
            self._store(total, linearize([*place, first], _row_major(sizes)))

    def columns(self) -> None:
        """The last dimension is kept: the rows of a tile become one."""
        b, last, over = self.b, self.dimensions[-1], self.dimensions[-2]
        outer = self.dimensions[:-2]
        kept = [d for d in outer if not d.reduced]
        tiling = column_tile(
            prod(d.size for d in kept),
            over.size,
            last.size,
            bytes_per_element=self._bytes,
            ub=b.soc.ub,
            cores=b.cores,
        )
        counts = [*(d.size for d in kept), tiling.column_tiles]
        with b.tiles(prod(counts)) as number:
            *place, across = delinearize(number, counts)
            first = across * tiling.columns
            size = b.minimum(last.size - first, tiling.columns)
            total = b.tile((tiling.columns,), f32, "total", sizes=(size,))
            self._clear(total)
            start = linearize([*place, first], [*(d.stride for d in kept), 1])
            with self._reduced(outer) as base, b.loop(0, over.size, tiling.rows) as at:
                count = b.minimum(over.size - at, tiling.rows)
                shape, strides = (tiling.rows, tiling.columns), (over.stride, 1)
                offset = start + base + at * over.stride
                tile = self._load(shape, (count, size), offset, strides)
                part = b.tile((tiling.columns,), f32, "part", sizes=(size,))
                target = replace(part, sizes=tile.sizes, strides=(0, 1))
                self._add(total, part, target, tile)
            sizes = [*(d.size for d in kept), last.size]
            self._store(total, linearize([*place, first], _row_major(sizes)))

    @contextmanager
    def _reduced(self, outer: Sequence[Dimension]) -> Generator[Index]:
        """Loops over the outer dimensions that are reduced; yields the offset they add."""
        with ExitStack() as loops:
            base = Index.of(0)
            for dimension in outer:
                if dimension.reduced:
                    at = loops.enter_context(self.b.loop(0, dimension.size))
                    base = base + at * dimension.stride
            yield base

    def _load(
        self,
        shape: tuple[int, int],
        sizes: tuple[Number, Number],
        offset: Number,
        strides: Sequence[int],
    ) -> Tile:
        tile = self.b.tile(shape, self.element, "x", sizes=sizes)
        self.b.load(tile, self.b.arguments[0], offset, strides)
        if self.element == i1:
            half = self.b.tile(shape, f16, "x_f16", sizes=sizes)
            self.b.cast(half, tile)
            tile = half
        return self.b.widened(tile, shape, "x_f32")

    def _clear(self, total: Tile) -> None:
        self.b.duplicate(total, KINDS[self.operator.type][2])

    def _add(self, total: Tile, part: Tile, target: Tile, tile: Tile) -> None:
        kind, combine, _ = KINDS[self.operator.type]
        self.b.reduce(kind, target, tile)
        self.b.binary(combine, total, total, part)

    def _store(self, total: Tile, offset: Number) -> None:
        """Finish the totals and write them, contiguous in the output."""
        b, output = self.b, self.operator.outputs[0]
        result = b.tile(_shape(total), output.element, "y", sizes=total.sizes)
        if self.operator.type == "ReduceMean":
            count = prod(d.size for d in self.dimensions if d.reduced)
            b.scalar("muls", total, total, 1.0 / count)
        if output.element == i1:
            half = b.tile(_shape(total), f16, "y_f16", sizes=total.sizes)
            b.cast(half, total)
            b.cast(result, half)
        elif output.element != f32:
            b.cast(result, total)
        else:
            b.unary("copy", result, total)
        b.store(b.arguments[len(self.operator.inputs)], offset, [1], result)


def _row_major(sizes: Sequence[int]) -> list[int]:
    return [prod(sizes[i + 1 :]) for i in range(len(sizes))]


def _shape(tile: Tile) -> tuple[int, ...]:
    return buffer_of(tile.buffer).get_shape()
