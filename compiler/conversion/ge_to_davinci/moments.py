"""Means and deviations of rows in f32: of tiles of whole rows, and of rows chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.index import Index
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder


@dataclass(frozen=True)
class Moments:
    """For each row its mean, where it is subtracted, and its mean square about that mean."""

    mean: Tile | None
    square: Tile


def tile_moments(
    b: VectorBuilder, work: Tile, count: int, *, centred: bool, whole: bool
) -> Moments:
    """The moments of a tile's rows of `count` elements, or of the `whole` tile.

    The mean is subtracted from the tile where that is to be `centred`.
    """
    mean = None
    if centred:
        mean = _mean(b, work, count, "mean", whole=whole)
        b.binary("sub", work, work, along_rows(b, mean, work, whole=whole))
    rows = b.shape_of(work)
    square = b.tile(rows, f32, "square", sizes=work.sizes)
    b.binary("mul", square, work, work)
    return Moments(mean, _mean(b, square, count, "variance", whole=whole))


def _mean(b: VectorBuilder, tile: Tile, count: int, name: str, *, whole: bool) -> Tile:
    rows = 1 if whole else b.shape_of(tile)[0]
    compact = b.tile((rows,), f32, name, sizes=(1,) if whole else tile.sizes[:1])
    strides = (0, 0) if whole else (1, 0)
    b.reduce("sum", replace(compact, sizes=tile.sizes, strides=strides), tile)
    b.scalar("muls", compact, compact, 1 / count)
    return compact


def along_rows(b: VectorBuilder, compact: Tile, tile: Tile, *, whole: bool = False) -> Tile:
    """One element for each row of a tile, or one for all, as an operand beside the tile."""
    column = b.column(compact, b.shape_of(compact)[0], f"{compact.name}_column")
    step = 0 if whole else column.strides[0]
    return replace(column, sizes=tile.sizes, strides=(step, 0)[-len(tile.sizes) :])


def inverse_root(b: VectorBuilder, square: Tile, epsilon: float) -> Tile:
    """1 / √(square + ε), element by element."""
    root = b.tile(b.shape_of(square), f32, "root", sizes=square.sizes)
    one = b.tile(b.shape_of(square), f32, "inverse", sizes=square.sizes)
    b.scalar("adds", root, square, epsilon)
    b.unary("sqrt", root, root)
    b.duplicate(one, 1.0)
    b.binary("div", one, one, root)
    return one


@dataclass(frozen=True)
class LongRow:
    """A row of `length` contiguous elements that is read in chunks."""

    b: VectorBuilder
    source: SSAValue
    element: Attribute
    length: int
    chunk: int

    def load(self, start: Number, at: Number, name: str = "x") -> Tile:
        """The chunk of the row at `start` that begins at `at`, in f32."""
        b = self.b
        size = b.minimum(self.length - Index.of(at), self.chunk)
        tile = b.tile((self.chunk,), self.element, name, sizes=(size,))
        b.load(tile, self.source, Index.of(start) + at, [1])
        return b.widened(tile, (self.chunk,), f"{name}_f32")

    def moments(self, start: Number, *, centred: bool) -> Moments:
        """The moments of the row: about the mean of its first chunk first, then shifted."""
        b = self.b
        total, squares = (b.tile((1,), f32, name) for name in ("mean", "variance"))
        for tile in (total, squares):
            b.duplicate(tile, 0.0)
        near = self._near(start) if centred else None
        with b.loop(0, self.length, self.chunk, name="at") as at:
            x = self.load(start, at)
            if near is not None:
                b.binary("sub", x, x, replace(near, sizes=x.sizes, strides=(0,)))
                self._add(total, x)
            square = b.tile((self.chunk,), f32, "square", sizes=x.sizes)
            b.binary("mul", square, x, x)
            self._add(squares, square)
        if near is None:
            b.scalar("muls", squares, squares, 1 / self.length)
            return Moments(None, squares)
        return Moments(self._shifted(near, total, squares), squares)

    def _near(self, start: Number) -> Tile:
        """The mean of the first chunk, in every lane of a block."""
        b, count = self.b, min(self.chunk, self.length)
        first = self.load(start, 0, "first")
        near = b.tile((1,), f32, "near")
        b.reduce("sum", replace(near, sizes=first.sizes, strides=(0,)), first)
        b.scalar("muls", near, near, 1 / count)
        return b.column(near, 1, "near_block")

    def _add(self, total: Tile, tile: Tile) -> None:
        b = self.b
        part = b.tile((1,), f32, "part")
        b.reduce("sum", replace(part, sizes=tile.sizes, strides=(0,)), tile)
        b.binary("add", total, total, part)

    def _shifted(self, near: Tile, total: Tile, squares: Tile) -> Tile:
        """The mean; the squares become those about it."""
        b = self.b
        b.scalar("muls", total, total, 1 / self.length)
        b.scalar("muls", squares, squares, 1 / self.length)
        shift = b.tile((1,), f32, "shift")
        b.binary("mul", shift, total, total)
        b.binary("sub", squares, squares, shift)
        b.scalar("maxs", squares, squares, 0.0)
        b.binary("add", total, total, replace(near, sizes=(1,), strides=(1,)))
        return total
