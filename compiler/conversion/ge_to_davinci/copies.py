"""Copies between strided views of global memory, whatever the order of their elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from xdsl.ir import Attribute, SSAValue

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.index import Index, delinearize, linearize
from compiler.conversion.ge_to_davinci.operator import UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import collapse
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.planning.placement import align
from compiler.planning.tiling_vector import RESERVED, box_tile, square_side
from dialects.davinci.types import BLOCK_BYTES, buffer_of, element_bytes

_FEW = 16
"""Elements of a row too short to be stored on its own: rows are put together in UB."""
_GAP = 8
"""The step between elements up to which what lies between them is loaded too."""


@dataclass(frozen=True)
class View:
    """Elements of a tensor: where they begin and how far apart they are in each dimension."""

    buffer: SSAValue
    strides: tuple[int, ...]
    offset: int = 0


@dataclass(frozen=True)
class Copy:
    """A copy from one view to another along common dimensions, merged where both allow it."""

    dims: tuple[int, ...]
    source: View
    target: View

    @classmethod
    def of(cls, shape: Sequence[int], source: View, target: View) -> Copy:
        """A copy of a shape; UnsupportedError for elements in an order that no load has."""
        dims, strides = collapse(shape, [target.strides, source.strides])
        if strides[1][-1] < 0:
            raise UnsupportedError("the last axis is reversed: loads only go forwards")
        return cls(dims, replace(source, strides=strides[1]), replace(target, strides=strides[0]))

    @property
    def element(self) -> Attribute:
        """What is copied."""
        return buffer_of(self.source.buffer).element_type

    @property
    def bytes(self) -> int:
        """The bytes of an element."""
        return element_bytes(self.element)


def copy_all(b: VectorBuilder, copies: Sequence[Copy]) -> None:
    """Make copies that do not overlap, one after the other, each on all cores."""
    room = (b.soc.ub - RESERVED) // len(copies)
    copy_in_turn(b, [_plan(b, copy, room) for copy in copies])


def copy_in_turn(b: VectorBuilder, parts: Sequence[Copying]) -> None:
    """One part after the other, each on all the cores that one of them needs."""
    cores = min(b.cores, max(prod(part.counts) for part in parts))
    for part in parts:
        part.build(cores if len(parts) > 1 else None)


def _plan(b: VectorBuilder, copy: Copy, room: int) -> Copying:
    """The way to copy that suits the order of the elements."""
    source, wide = copy.source.strides, copy.bytes in (2, 4)
    if source[-1] == 1:
        return Rows(b, copy, room)
    if wide and 1 < source[-1] <= _GAP:
        return _Gathered(b, _with_last(copy), room)
    if wide and _is_short(copy):
        return _Gathered(b, copy, room)
    if 1 in source[:-1] and copy.bytes < 8 and source[-1] > 1:
        return _Turned(b, copy, room)
    return Rows(b, _with_last(copy), room)


def _is_short(copy: Copy) -> bool:
    """Whether the last rows are short, made of a dimension before them, and stored side by side."""
    if len(copy.dims) < 2 or copy.dims[-1] > _FEW:
        return False
    return copy.source.strides[-2] == 1 and copy.target.strides[-2] == copy.dims[-1]


def _with_last(copy: Copy) -> Copy:
    """The same copy with a last dimension of one element."""
    source, target = (
        replace(view, strides=(*view.strides, 1)) for view in (copy.source, copy.target)
    )
    return Copy((*copy.dims, 1), source, target)


@dataclass(frozen=True)
class Copying:
    """A copy in tiles; a tile is at a place along each dimension of `counts`."""

    b: VectorBuilder
    copy: Copy
    room: int

    @property
    def tile(self) -> tuple[int, ...]:
        """How much of each dimension a tile takes."""
        raise NotImplementedError

    @property
    def counts(self) -> list[int]:
        """The tiles along each dimension."""
        return [-(-size // part) for size, part in zip(self.copy.dims, self.tile, strict=True)]

    def build(self, cores: int | None) -> None:
        """Move all tiles."""
        b, tile = self.b, self.tile
        with b.tiles(prod(self.counts), cores) as number:
            places = delinearize(number, self.counts)
            at = [place * part for place, part in zip(places, tile, strict=True)]
            sizes = [
                b.minimum(size - start, part)
                for size, start, part in zip(self.copy.dims, at, tile, strict=True)
            ]
            self.move(at, sizes)

    def move(self, at: Sequence[Index], sizes: Sequence[Number]) -> None:
        """Move one tile of those sizes."""
        raise NotImplementedError

    def offset(self, view: View, at: Sequence[Index]) -> Index:
        """Where a tile begins in a view."""
        return linearize(at, view.strides) + view.offset


class Rows(Copying):
    """The last dimension is contiguous on both sides: DMA does it all."""

    @property
    def tile(self) -> tuple[int, ...]:
        moved = [i for i, stride in enumerate(self.copy.source.strides) if stride <= 0]
        dims = self.copy.dims[max(moved, default=-1) + 1 :]
        inner = box_tile(dims, self.copy.bytes, self.room // 2, self._share(dims))
        return (1,) * (len(self.copy.dims) - len(inner)) + inner

    def _share(self, dims: Sequence[int]) -> int:
        """The cores for each part that has those dimensions."""
        return max(self.b.cores * prod(dims) // prod(self.copy.dims), 1)

    def move(self, at: Sequence[Index], sizes: Sequence[Number]) -> None:
        b, copy = self.b, self.copy
        rank = len(sizes) - next((i for i, part in enumerate(self.tile[:-1]) if part > 1), -1)
        rank = min(rank, len(sizes)) if any(part > 1 for part in self.tile[:-1]) else 1
        tile = b.tile(self.tile[-rank:], copy.element, "x", sizes=sizes[-rank:])
        b.load(tile, copy.source.buffer, self.offset(copy.source, at), copy.source.strides[-rank:])
        strides = copy.target.strides[-rank:]
        b.store(copy.target.buffer, self.offset(copy.target, at), strides, tile)


class _Turned(Copying):
    """The source's contiguous dimension goes elsewhere: blocks of it and the last one turn."""

    @property
    def _inner(self) -> int:
        return self.copy.source.strides.index(1)

    @property
    def tile(self) -> tuple[int, ...]:
        dims = self.copy.dims
        side = square_side(self.copy.bytes, self.room + RESERVED)
        sides = {self._inner: dims[self._inner], len(dims) - 1: dims[-1]}
        return tuple(min(side, align(sides[i], 16)) if i in sides else 1 for i in range(len(dims)))

    def move(self, at: Sequence[Index], sizes: Sequence[Number]) -> None:
        b, copy, inner = self.b, self.copy, self._inner
        height, width = self.tile[inner], self.tile[-1]
        rows, columns = sizes[inner], sizes[-1]
        x = b.tile((width, height), copy.element, "x", sizes=(columns, rows))
        y = b.tile((height, width), copy.element, "y", sizes=(rows, columns))
        source, target = copy.source, copy.target
        b.load(x, source.buffer, self.offset(source, at), [source.strides[-1], 1])
        b.transpose(y, x)
        b.store(target.buffer, self.offset(target, at), [target.strides[inner], 1], y)


class _Gathered(Copying):
    """Short rows, or elements with gaps: put together in UB, then stored in long runs.

    Elements of the last but one dimension are `step` apart, those of the last one anywhere.
    """

    @property
    def _step(self) -> int:
        return self.copy.source.strides[-2]

    @property
    def _rows(self) -> int:
        """How many source rows a tile loads for its last dimension."""
        return self.copy.dims[-1] if self.copy.source.strides[-1] > self._step else 1

    @property
    def tile(self) -> tuple[int, ...]:
        *outer, wide, last = self.copy.dims
        each = 2 * self.copy.bytes * (self._rows * self._step + last)
        margin = 2 * BLOCK_BYTES * (self._rows + 1)
        share = max(-(-prod([*outer, wide]) // self.b.cores), 2048 // each)
        width = min(wide, (self.room - margin) // each, align(share, 16))
        rows: list[int] = []
        if outer:
            fit = min(self.room // (each * wide + margin), share // wide)
            whole = width == wide and self.copy.source.strides[-3] > 0
            rows = [max(min(outer[-1], fit), 1) if whole else 1]
        return (*(1 for _ in outer[:-1]), *rows, width, last)

    def move(self, at: Sequence[Index], sizes: Sequence[Number]) -> None:
        b, copy, step = self.b, self.copy, self._step
        *outer, width, last = self.tile[-3:]
        *counts, count, _ = sizes[-3:]
        run, length = (width - 1) * step + 1, Index.of(count) * step - (step - 1)
        shape, there = (*outer, self._rows, run), (*counts, self._rows, length)
        x = b.tile(shape, copy.element, "x", sizes=there)
        source = copy.source.strides
        strides = (*source[-3:-2], source[-1], 1)
        b.load(x, copy.source.buffer, self.offset(copy.source, at), strides)
        between = x.strides[-2] if self._rows > 1 else source[-1]
        whole = (*counts, count, last)
        picked = Tile(x.buffer, x.element, whole, (*x.strides[:-2], step, between))
        y = b.tile((*outer, width * last), copy.element, "y")
        b.gather(replace(y, sizes=whole, strides=(*y.strides[:-1], last, 1)), picked)
        stored = replace(y, sizes=(*counts, Index.of(count) * last))
        strides = (*copy.target.strides[-3:-2], 1)
        b.store(copy.target.buffer, self.offset(copy.target, at), strides, stored)
