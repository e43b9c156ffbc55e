"""Tiles of an attention: queries to a group of cores, keys to a turn and to a step of the cube."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from compiler.planning.cube.problem import ACCUMULATOR, FRACTAL, TilingError
from compiler.planning.placement import align

_QUERIES = (128, 64, 32, 16)
_KEYS = (512, 256, 128, 64, 32, 16)

_TURN = 48
"""Rows that are as long as a turn takes beyond its rows: flags, heads of instructions."""

_ROW = 192
"""Bytes of UB of a row beside its scores and results: sums and maxima, in blocks of their own."""


class Cores(Protocol):
    """The memories of a cube core and of a vector core in bytes, and how many there are."""

    @property
    def cube_cores(self) -> int: ...
    @property
    def vector_cores(self) -> int: ...
    @property
    def l0a(self) -> int: ...
    @property
    def l0b(self) -> int: ...
    @property
    def l0c(self) -> int: ...
    @property
    def l1(self) -> int: ...
    @property
    def ub(self) -> int: ...


@dataclass(frozen=True, slots=True)
class AttentionTile:
    """Rows of queries, of keys, and of keys at a time in L0."""

    queries: int
    keys: int
    step: int


def attention_tile(
    heads: int, queries: int, keys: int, size: int, *, masked: bool, core: Cores
) -> AttentionTile:
    """The tile for `heads` attentions of 16-bit elements; TilingError when none fits.

    As many queries as keep all groups of cores busy, as many keys as fit.
    """
    rounds = {
        rows: -(-heads * -(-queries // rows) // core.cube_cores) * (rows + _TURN)
        for rows in _QUERIES
        if rows < 2 * align(queries, FRACTAL)
    }
    for rows in sorted(rounds, key=lambda rows: (rounds[rows], -rows)):
        for columns in _KEYS:
            tile = AttentionTile(rows, min(columns, align(keys, FRACTAL)), 0)
            step = _step(tile, size, core)
            if step and columns < 2 * align(keys, FRACTAL) and _fits(tile, size, masked, core):
                return AttentionTile(rows, tile.keys, min(step, tile.keys))
    raise TilingError(f"no block of heads of {size} elements fits the cores")


def _step(tile: AttentionTile, size: int, core: Cores) -> int:
    """The keys, or the values, of which two buffers each fit L0 beside the queries; 0 for none."""
    wide = align(size, FRACTAL)
    left = (core.l0a // 2 // tile.queries - wide) // 2
    both = core.l0c // ACCUMULATOR // tile.queries - wide
    return max(0, min(core.l0b // (8 * wide), left, both)) // FRACTAL * FRACTAL


def _fits(tile: AttentionTile, size: int, masked: bool, core: Cores) -> bool:
    """Whether L1 holds two of each operand, and UB one of each tile."""
    l1 = 4 * (tile.queries * size + 2 * tile.keys * size + tile.queries * tile.keys)
    rows = tile.queries // (core.vector_cores // core.cube_cores)
    row = tile.keys * (12 if masked else 6) + size * 10 + _ROW
    return l1 <= core.l1 and rows * row <= core.ub
