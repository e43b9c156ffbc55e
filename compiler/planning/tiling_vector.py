"""Tiles of vector kernels: as large as the unified buffer allows, as many as there are cores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt, prod, sqrt

from compiler.planning.placement import align

BLOCK = 32
"""Bytes of a UB block: rows of a tile begin at multiples of it."""

BURST = 512
"""Bytes of a run in global memory that reaches the full rate."""

COLUMN = 24
"""Bytes of UB for each column's results: two in f32, two buffers of output."""

RESERVED = 2048
"""Bytes of UB left for blocks that do not scale with the tile."""


def pitch(columns: int, element_bytes: int) -> int:
    """The distance in elements between the rows of a tile in UB."""
    return align(columns, BLOCK // element_bytes)


@dataclass(frozen=True, slots=True)
class VectorTile:
    """A tile of `rows` × `columns` of a matrix, and how many of them cover it each way."""

    rows: int
    columns: int
    row_tiles: int
    column_tiles: int

    @property
    def count(self) -> int:
        """The tiles of one matrix."""
        return self.row_tiles * self.column_tiles


def best_cores(single_us: float, each_us: float, cores: int) -> int:
    """How many cores finish first: `single_us` on one, `each_us` more to start each of them."""
    return min(max(round(sqrt(single_us / each_us)), 1), cores)


def vector_tile(
    matrices: int,
    rows: int,
    columns: int,
    *,
    element_bytes: int,
    bytes_per_element: int,
    bytes_per_row: int = 0,
    ub: int,
    cores: int,
    split_columns: bool = True,
) -> VectorTile:
    """Tile `matrices` matrices of rows × columns for `cores` cores.

    A single row is cut for all cores, unless `split_columns` is false: then a row belongs to one.

    `bytes_per_element` and `bytes_per_row` are what all live buffers of a tile take in UB, each
    slot counted; `element_bytes` is the smallest element, whose rows decide the alignment.
    """
    budget = ub - RESERVED
    unit = BLOCK // element_bytes
    widest = max((budget - bytes_per_row) // bytes_per_element // unit * unit, unit)
    if rows == 1 and split_columns:
        share = align(-(-columns * matrices // cores), BURST // element_bytes)
        widest = min(widest, share)
    grain = BURST // element_bytes
    if widest >= grain:
        unit, widest = grain, widest // grain * grain
    alone = cores if rows == matrices == 1 else 1
    width = columns if columns <= widest else _even(columns, widest, unit, alone)
    row_bytes = pitch(width, element_bytes) * bytes_per_element + bytes_per_row
    tallest = max(budget // row_bytes, 1)
    share = max(-(-rows * matrices // cores), 1)
    rounds = cores if matrices == 1 and width == columns else 1
    height = _even(rows, min(tallest, share, rows), 1, rounds)
    return VectorTile(height, width, -(-rows // height), -(-columns // width))


def square_side(element_bytes: int, ub: int) -> int:
    """The side of squares of which two buffers in and two out fit, in blocks of 16."""
    return isqrt((ub - RESERVED) // (4 * element_bytes)) // 16 * 16


def _even(total: int, most: int, unit: int, cores: int = 1) -> int:
    """The size of equal pieces of `total`, none above `most`, in multiples of `unit`.

    Where there are more than `cores`, each core gets as many.
    """
    pieces = -(-total // most)
    if pieces > cores:
        pieces = align(pieces, cores)
    return min(align(-(-total // pieces), unit), most)


def column_tile(
    matrices: int,
    rows: int,
    columns: int,
    *,
    bytes_per_element: int,
    ub: int,
    cores: int,
    whole_rows: bool = False,
) -> VectorTile:
    """Tile matrices whose columns are independent: cores share the columns, tiles take many rows.

    With `whole_rows` every row is in each tile; its `row_tiles` is then above 1 when that does not
    fit. Columns are cut at multiples of 16 elements.
    """
    budget = ub - RESERVED
    share = align(-(-columns * matrices // cores), 16)
    most = budget // (rows * bytes_per_element + COLUMN) // 16 * 16 if whole_rows else 2048
    width = min(max(share, 16), max(most, 16), align(columns, 16))
    height = min(rows, max((budget // width - COLUMN) // bytes_per_element, 1))
    return VectorTile(height, width, -(-rows // height), -(-columns // width))


_WORTH_A_CORE = 4096
"""Bytes below which a tile is not cut for another core: starting it costs more than it saves."""


def box_tile(dims: Sequence[int], element_bytes: int, room: int, cores: int) -> tuple[int, ...]:
    """The tile of a tensor that is only moved: how much of each dimension it takes.

    Inner dimensions are whole as far as `room` bytes and four of them go, the next one is cut so
    that all cores have a part, outer ones are taken one by one. Rows lie at multiples of 32 bytes.
    """
    *outer, columns = dims
    share = max(-(-prod(dims) * element_bytes // cores), _WORTH_A_CORE)
    most = min(room, share)
    row = pitch(columns, element_bytes) * element_bytes
    if row > most:
        width = min(max(align(most, BURST), BURST), room // BLOCK * BLOCK) // element_bytes
        if columns > width:
            unit = max(min(BURST // element_bytes, width), 1)
            width = _even(columns, width, unit, cores if prod(outer) == 1 else 1)
        return (*(1 for _ in outer), min(columns, width))
    tile = [columns]
    bytes_taken = row
    for size in reversed(outer):
        most_of_it = min(max(most // bytes_taken, 1), size) if len(tile) < 4 else 1
        taken = _even(size, most_of_it, 1)
        tile.insert(0, taken)
        bytes_taken *= taken
        if taken < size:
            most = 0
    return tuple(tile)
