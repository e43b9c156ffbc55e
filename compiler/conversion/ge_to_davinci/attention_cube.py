"""The cube's part of an attention: scores of queries and keys, then weights times values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from compiler.conversion.ge_to_davinci.attention_blocks import (
    RESULTS,
    SCORES,
    WEIGHTS,
    AttentionFunction,
)
from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.cube import CubeBuilder, Rows
from compiler.conversion.ge_to_davinci.index import Index
from compiler.planning.placement import align
from dialects.davinci import Dn2NzOp, FixpipeOp, LoadL0Op, MmadOp, Nd2NzOp
from dialects.davinci.attributes import Layout, Pipe, Space
from dialects.davinci.instruction import Access
from dialects.davinci.types import FRACTAL_ROWS, c0_of

_L0 = {"left": (Space.L0A, Layout.ZZ), "right": (Space.L0B, Layout.ZN)}


@dataclass(frozen=True)
class CubeFunction(AttentionFunction):
    """Scores are one block of keys ahead of the vector cores."""

    b: CubeBuilder

    def build(self) -> None:
        """All blocks of queries."""
        b, h, tile = self.b, self.h, self.tile
        self.begin()
        with b.tiles(h.items(tile)) as item:
            queries = self.queries(item)
            q = self._matrix("query", queries, (tile.queries, h.size))
            with b.loop(0, self.blocks + 1, name="turn", keep=True) as turn:
                with self.turn(turn) as block:
                    self._scores(queries, q, block)
                with self.before(turn) as block:
                    self._results(queries, block)

    def _matrix(self, port: str, rows: Rows, shape: tuple[int, int]) -> SSAValue:
        """Tokens of an input in L1: as rows, or the values' as columns."""
        h, source = self.h, self.b.arguments[self.h.operator.index(port)]
        heads, tokens = (h.heads, h.queries) if port == "query" else (h.key_heads, h.keys)
        strides, sizes = [h.row(heads), 1], [rows.count, h.size]
        if port == "value":
            strides, sizes = strides[::-1], sizes[::-1]
        elements = self.b.access(source, [h.offset(rows, heads, tokens)], strides)
        return self._nz(elements, sizes, shape, port)

    def _nz(
        self, source: Access, sizes: Sequence[Number], shape: tuple[int, int], name: str
    ) -> SSAValue:
        b, element = self.b, self.h.element
        shape = shape[0], align(shape[1], c0_of(element))
        buffer = b.alloc(shape, element, Space.L1, Layout.NZ, name=f"{name}_l1")
        operation = Nd2NzOp if source.strides[-1] == 1 else Dn2NzOp
        b.emit(operation, [b.access(buffer, [0, 0]), source], sizes)
        return buffer

    def _scores(self, queries: Rows, q: SSAValue, block: Index) -> None:
        """Queries times a block of keys, some keys at a time."""
        b, h, tile, at, rows = self.b, self.h, self.tile, self.b.access, queries.count
        keys = self.keys(queries, block)
        k = self._matrix("key", keys, (tile.keys, h.size))
        left = self._to_l0("left", at(q, [0, 0]), (tile.queries, h.size), (rows, h.size), 1)
        with b.loop(0, keys.count, tile.step, name="key") as first:
            count = b.minimum(keys.count - first, tile.step)
            shape = tile.queries, tile.step
            result = b.alloc(shape, f32, Space.L0C, Layout.NZ, name="scores_l0")
            source = at(k, [first, 0])
            right = self._to_l0("right", source, (tile.step, h.size), (count, h.size), 2)
            sides = left, right
            operands = [b.access(buffer, [0, 0]) for buffer in (result, *sides)]
            b.emit(MmadOp, operands, [rows, h.size, count], [0])
            place = self.place("scores", block) + first
            target = b.access(self.spaces["scores"], [place], (tile.keys, 1))
            b.emit(FixpipeOp, [target, operands[0]], [rows, count])
        b.cross_set(Pipe.FIX, SCORES)

    def _results(self, queries: Rows, block: Index) -> None:
        """Weights times a block of values."""
        b, h, tile, at, rows = self.b, self.h, self.tile, self.b.access, queries.count
        keys = self.keys(queries, block)
        v = self._matrix("value", keys, (align(h.size, FRACTAL_ROWS), tile.keys))
        b.cross_wait(Pipe.MTE2, WEIGHTS)
        shape, sizes = (tile.queries, tile.keys), (rows, keys.count)
        place = self.place("weights", block)
        weights = b.access(self.spaces["weights"], [place], (tile.keys, 1))
        p = self._nz(weights, sizes, shape, "weights")
        wide = align(h.size, FRACTAL_ROWS)
        result = b.alloc((tile.queries, wide), f32, Space.L0C, Layout.NZ, name="results_l0")
        with b.loop(0, keys.count, tile.step, name="key") as first:
            count = b.minimum(keys.count - first, tile.step)
            sides = (
                self._to_l0("left", at(p, [0, first]), (tile.queries, tile.step), (rows, count), 2),
                self._to_l0("right", at(v, [0, first]), (wide, tile.step), (h.size, count), 2),
            )
            operands = [b.access(buffer, [0, 0]) for buffer in (result, *sides)]
            b.emit(MmadOp, operands, [rows, count, h.size], [first])
        target = b.access(self.spaces["results"], [self.place("results", block)], (h.size, 1))
        b.emit(FixpipeOp, [target, b.access(result, [0, 0])], [rows, h.size])
        b.cross_set(Pipe.FIX, RESULTS)

    def _to_l0(
        self,
        side: str,
        source: Access,
        shape: tuple[int, int],
        sizes: tuple[Number, Number],
        slots: int,
    ) -> SSAValue:
        """A window of a matrix in L1."""
        b, element = self.b, self.h.element
        space, layout = _L0[side]
        shape = align(shape[0], FRACTAL_ROWS), align(shape[1], c0_of(element))
        buffer = b.alloc(shape, element, space, layout, buffers=slots, name=f"{side}_l0")
        b.emit(LoadL0Op, [b.access(buffer, [0, 0]), source], sizes)
        return buffer
