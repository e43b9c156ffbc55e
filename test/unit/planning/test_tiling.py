"""Tiles cover their operators, fit the core, and use the cores there are."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.planning.tiling_pool import PoolShape, pool_tile
from compiler.planning.tiling_vector import (
    best_cores,
    box_tile,
    column_tile,
    pitch,
    square_side,
    vector_tile,
)
from compiler.soc import soc

CORE = soc("Ascend910B4")
sizes = st.integers(1, 5000)


@given(st.integers(1, 20), sizes, st.integers(1, 100_000), st.sampled_from([2, 4]))
def test_vector_tiles_cover_and_fit(matrices: int, rows: int, columns: int, size: int) -> None:
    tile = vector_tile(
        matrices,
        rows,
        columns,
        element_bytes=size,
        bytes_per_element=4 * size,
        ub=CORE.ub,
        cores=CORE.vector_cores,
    )
    assert tile.rows * tile.row_tiles >= rows and tile.columns * tile.column_tiles >= columns
    assert tile.rows * (tile.row_tiles - 1) < rows
    assert tile.columns * (tile.column_tiles - 1) < columns
    assert tile.rows * pitch(tile.columns, size) * 4 * size <= CORE.ub


def test_a_long_vector_is_shared_by_all_cores() -> None:
    tile = vector_tile(
        1, 1, 1 << 18, element_bytes=2, bytes_per_element=8, ub=CORE.ub, cores=CORE.vector_cores
    )
    assert tile.count >= CORE.vector_cores


@given(st.integers(1, 20), sizes, sizes)
def test_column_tiles_cover_and_fit(matrices: int, rows: int, columns: int) -> None:
    tile = column_tile(matrices, rows, columns, bytes_per_element=12, ub=CORE.ub, cores=40)
    assert tile.rows * tile.row_tiles >= rows and tile.columns * tile.column_tiles >= columns
    assert tile.columns % 16 == 0
    assert tile.rows * tile.columns * 12 <= CORE.ub


@pytest.mark.parametrize("planes", [1, 64, 5000])
def test_pool_tiles_cover_and_fit(planes: int) -> None:
    shape = PoolShape(planes, 56, 3, 2, 2 * 2 * 128, 6 * 2 * 64, shared=False)
    tile = pool_tile(shape, CORE.ub, CORE.vector_cores)
    assert tile is not None
    assert tile.planes * tile.plane_tiles >= planes and tile.rows * tile.row_tiles >= 56
    assert tile.planes * shape.plane_bytes(tile.rows) <= CORE.ub


def test_a_pool_that_does_not_fit() -> None:
    assert pool_tile(PoolShape(1, 1, 3, 2, 200_000, 1, shared=False), CORE.ub, 40) is None


@pytest.mark.parametrize(("size", "side"), [(2, 144), (4, 96)])
def test_squares(size: int, side: int) -> None:
    assert square_side(size, CORE.ub) == side
    assert 4 * side * side * size <= CORE.ub


@pytest.mark.parametrize(("single", "best"), [(0.01, 1), (2.7, 10), (1e6, 40)])
def test_cores_are_as_many_as_finish_first(single: float, best: int) -> None:
    def finish(cores: int) -> float:
        return cores * 0.027 + single / cores

    assert best_cores(single, 0.027, 40) == best == min(range(1, 41), key=finish)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=6), st.sampled_from([1, 2, 4, 8]))
def test_boxes_cover_and_fit(dims: list[int], size: int) -> None:
    box = box_tile(dims, size, CORE.ub // 2, CORE.vector_cores)
    assert len(box) == len(dims) and all(1 <= b <= d for b, d in zip(box, dims, strict=True))
    assert sum(part > 1 for part in box) <= 4
    assert prod(box[:-1]) * pitch(box[-1], size) * size <= CORE.ub // 2


@given(st.integers(200_000, 2_000_000))
def test_each_core_has_as_many_pieces_of_a_long_vector(columns: int) -> None:
    tile = vector_tile(
        1, 1, columns, element_bytes=2, bytes_per_element=16, ub=CORE.ub, cores=CORE.vector_cores
    )
    rounds = -(-tile.count // CORE.vector_cores)
    assert tile.columns * rounds * CORE.vector_cores - columns < 256 * rounds * CORE.vector_cores
