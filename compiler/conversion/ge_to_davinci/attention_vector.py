"""The vector cores' part of an attention: the softmax of scores as they come, and the sums."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xdsl.dialects.builtin import f32

from compiler.conversion.ge_to_davinci.attention_blocks import (
    RESULTS,
    SCORES,
    WEIGHTS,
    AttentionFunction,
)
from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.cube import Rows
from compiler.conversion.ge_to_davinci.index import Index, linearize
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from dialects.davinci.attributes import Pipe

LOWEST = -3.4e38
"""A maximum before there is anything."""


@dataclass(frozen=True)
class _Running:
    """Of some rows: which they are in their block, and what there is of them so far.

    `decay` has a slot for this block of keys and one for the block before: what becomes of older
    sums when a larger maximum is found.
    """

    queries: Rows
    first: Index
    count: Number
    most: int
    pitch: int
    maximum: Tile
    total: Tile
    sums: Tile
    decay: Tile

    def decay_of(self, block: Index) -> Tile:
        """The slot of a block of keys."""
        return self.decay.window(block % 2 * self.pitch, (self.count,))


@dataclass(frozen=True)
class VectorFunction(AttentionFunction):
    """Each vector core of a group has some rows of the block of queries."""

    b: VectorBuilder

    def build(self, cores: int) -> None:
        """All blocks of queries."""
        b, h, tile = self.b, self.h, self.tile
        core = b.sub_block_idx
        self.begin()
        with b.tiles(h.items(tile)) as item:
            rows = self._rows(self.queries(item), core, tile.queries // cores)
            with b.loop(0, self.blocks + 1, name="turn", keep=True) as turn:
                with self.turn(turn) as block:
                    self._weights(rows, block)
                with self.before(turn) as block:
                    self._add(rows, block)
            self._store(rows)

    def _rows(self, queries: Rows, core: Index, most: int) -> _Running:
        """The rows of a core; where there are too few, some cores have none."""
        b = self.b
        first = Index.of(b.minimum(core * most, queries.count))
        count = b.minimum(Index.of(queries.count) - first, most)
        maximum, total = (b.tile((most,), f32, name, sizes=(count,)) for name in ("max", "total"))
        sums = b.tile((most, self.h.size), f32, "sums", sizes=(count, self.h.size))
        decay = b.tile((2, most), f32, "decay")
        b.duplicate(maximum, LOWEST)
        b.duplicate(total, 0.0)
        b.duplicate(sums, 0.0)
        flat = Tile(decay.buffer, f32, (count,), (1,))
        return _Running(queries, first, count, most, decay.strides[0], maximum, total, sums, flat)

    def _weights(self, rows: _Running, block: Index) -> None:
        """exp(score − maximum), the new maximum, and the new total."""
        b, h, tile = self.b, self.h, self.tile
        most, keys = rows.most, self.keys(rows.queries, block)
        sizes = rows.count, keys.count
        scores = b.tile((most, tile.keys), f32, "scores", sizes=sizes)
        place = self.place("scores", block) + rows.first * tile.keys
        b.cross_wait(Pipe.MTE2, SCORES)
        b.load(scores, self.spaces["scores"], place, (tile.keys, 1))
        if (scale := h.operator.float("scale_value", 1.0)) != 1:
            b.scalar("muls", scores, scores, scale)
        if h.operator.input("pse_shift"):
            self._shift(rows, keys, scores)
        part = b.tile((most,), f32, "part", sizes=(rows.count,))
        decay = rows.decay_of(block)
        b.reduce("max", replace(part, sizes=sizes, strides=(1, 0)), scores)
        b.binary("max", part, part, rows.maximum)
        b.binary("sub", decay, rows.maximum, part)
        b.unary("exp", decay, decay)
        b.unary("copy", rows.maximum, part)
        b.binary("sub", scores, scores, replace(b.column(part, most, "max_column"), sizes=sizes))
        b.unary("exp", scores, scores)
        b.reduce("sum", replace(part, sizes=sizes, strides=(1, 0)), scores)
        b.binary("mul", rows.total, rows.total, decay)
        b.binary("add", rows.total, rows.total, part)
        weights = b.tile((most, tile.keys), h.element, "weights", sizes=sizes)
        b.cast(weights, scores)
        place = self.place("weights", block) + rows.first * tile.keys
        b.store(self.spaces["weights"], place, (tile.keys, 1), weights)
        b.cross_set(Pipe.MTE3, WEIGHTS)

    def _shift(self, rows: _Running, keys: Rows, scores: Tile) -> None:
        """Add what the operator adds to the scores."""
        b, h = self.b, self.h
        shift = h.operator.input("pse_shift")
        assert shift is not None
        shape, queries = (rows.most, self.tile.keys), rows.queries
        tile = b.tile(shape, shift.element, "shift", sizes=scores.sizes)
        strides = [0 if shift.shape[0] == 1 else h.heads * h.queries * h.keys]
        places = [queries.batch, queries.image, queries.first + rows.first, keys.first]
        offset = linearize(places, [*strides, h.queries * h.keys, h.keys, 1])
        b.load(tile, b.arguments[h.operator.index("pse_shift")], offset, (h.keys, 1))
        b.binary("add", scores, scores, b.widened(tile, shape, "shift_f32"))

    def _add(self, rows: _Running, block: Index) -> None:
        """The older sums decay, what a block of keys gives is added."""
        b, size, most = self.b, self.h.size, rows.most
        new = b.tile((most, size), f32, "results", sizes=(rows.count, size))
        b.cross_wait(Pipe.MTE2, RESULTS)
        place = self.place("results", block) + rows.first * size
        b.load(new, self.spaces["results"], place, (size, 1))
        column = b.column(rows.decay_of(block), most, "decay_column")
        b.binary("mul", rows.sums, rows.sums, replace(column, sizes=new.sizes))
        b.binary("add", rows.sums, rows.sums, new)

    def _store(self, rows: _Running) -> None:
        """The sums over their total."""
        b, h, most = self.b, self.h, rows.most
        column = b.column(rows.total, most, "total_column")
        b.binary("div", rows.sums, rows.sums, replace(column, sizes=rows.sums.sizes))
        y = b.tile((most, h.size), h.element, "y", sizes=rows.sums.sizes)
        b.cast(y, rows.sums)
        queries = rows.queries
        offset = h.offset(queries, h.heads, h.queries) + rows.first * h.row(h.heads)
        b.store(b.arguments[len(h.operator.inputs)], offset, (h.row(h.heads), 1), y)
