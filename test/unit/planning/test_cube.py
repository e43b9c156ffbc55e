"""Tiles of cube kernels fit the core and take what the simulator says they take."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.planning.cube import (
    CubeProblem,
    FeatureMap,
    Filter,
    Matrix,
    Resident,
    Tile,
    TilingError,
    choose_tile,
)
from compiler.planning.cube.estimate import Estimator
from compiler.planning.cube.sharing import LEFT, RIGHT, rates
from compiler.planning.cube.timeline import timeline
from compiler.planning.placement import align
from compiler.simulator.traffic import measure, share
from compiler.soc import Soc, soc
from workloads.kernels.compiled import matmul_programs

CORE = soc("Ascend910B4")
sizes = st.integers(1, 5000)


def product(m: int, n: int, k: int, size: int = 2, batch: int = 1) -> CubeProblem:
    """Row-major operands, the right one transposed."""
    left, right = Matrix(m, k, k, 1, size, batch), Matrix(n, k, k, 1, size, batch)
    return CubeProblem(m, n, k, left, right, size, size, 32 // size, batch)


def convolution(channels: int, filters: int, side: int, kernel: int) -> CubeProblem:
    """A padded convolution of one image."""
    taps = kernel * kernel
    source = FeatureMap(1, channels, side, side, (side, side), taps, 1, kernel, 2)
    k = align(channels, 16) * taps
    rows = tuple(side * count for count in range(1, side + 1))
    weights = Filter(filters, channels, taps, 2)
    return CubeProblem(side * side, filters, k, source, weights, 2, 2, 16 * taps, rows=rows)


def check(tile: Tile, problem: CubeProblem, core: Soc) -> None:
    """What must fit each memory, flags included."""
    size = problem.element_bytes
    assert 2 * tile.rows * tile.k * size <= core.l0a
    assert 2 * tile.columns * tile.k * size <= core.l0b
    assert tile.l0c_slots >= 1 and tile.l0c_slots * tile.rows * tile.columns * 4 <= core.l0c
    left = problem.left.l1_bytes(tile.m, tile.left) * tile.left_slots
    right = problem.right.l1_bytes(tile.n, tile.right) * tile.right_slots
    assert left + right <= core.l1
    assert tile.k % (32 // size) == 0
    shorter, longer = sorted((tile.left, tile.right))
    assert tile.kept is not Resident.NONE or longer % shorter == 0


def test_large_products_use_the_published_block() -> None:
    tile = choose_tile(product(8192, 8192, 8192), CORE)
    assert {tile.m, tile.n} == {128, 256} and tile.k == 64


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), sizes, sizes, sizes, st.sampled_from([2, 4]))
def test_tiles_of_products_fit(batch: int, m: int, n: int, k: int, size: int) -> None:
    problem = product(m, n, k, size, batch)
    check(choose_tile(problem, CORE), problem, CORE)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 600), st.integers(1, 600), st.integers(3, 60), st.integers(1, 3))
def test_tiles_of_convolutions_fit(channels: int, filters: int, side: int, kernel: int) -> None:
    problem = convolution(channels, filters, side, kernel)
    tile = choose_tile(problem, CORE)
    check(tile, problem, CORE)
    assert tile.left % problem.unit == 0 and tile.right % problem.unit == 0


def test_a_vector_times_a_matrix_reads_whole_requests() -> None:
    """Columns are cut so that no run in global memory is short or begins inside a request."""
    left, right = Matrix(1, 4096, 4096, 1, 2), Matrix(4096, 4096, 1, 4096, 2)
    tile = choose_tile(CubeProblem(1, 4096, 4096, left, right, 2, 2, 16), soc("Ascend910B2"))
    assert tile.m == 16 and tile.n % 64 == 0


def test_what_is_used_again_stays_in_l1() -> None:
    tile = choose_tile(product(128, 30720, 1024), soc("Ascend910B1"))
    assert tile.kept is Resident.LEFT and tile.left == 1024 and tile.run > 1


def test_the_core_with_most_blocks() -> None:
    """Seven blocks down, five across: pieces are single blocks, or runs of two down or across."""
    problem = product(7 * 128, 5 * 128, 1024)
    tile = replace(choose_tile(problem, CORE), m=128, n=128, left_run=1, right_run=1)
    single, across, down = tile, replace(tile, left_run=2), replace(tile, right_run=2)
    assert [single.most_blocks(problem, cores) for cores in (1, 3, 21)] == [35, 12, 2]
    assert [across.most_blocks(problem, cores) for cores in (1, 3, 21)] == [35, 14, 2]
    assert [down.most_blocks(problem, cores) for cores in (1, 3, 20)] == [35, 12, 2]


def test_no_tile_fits_a_tiny_core() -> None:
    with pytest.raises(TilingError, match="not even a tile of 16 × 16"):
        choose_tile(convolution(16, 16, 4000, 9), replace(CORE, l1=65536))


@pytest.mark.parametrize("slots", [(2, 2), (1, 1)])
def test_the_timeline_waits_for_slots(slots: tuple[int, int]) -> None:
    """With one slot a packet is loaded when the one before is used up, startup and all."""
    problem = product(128, 256, 4096)
    tile = Tile(128, 256, 64, 256, 256, *slots, 1)
    costs = Estimator(problem, CORE).costs(tile)
    alone = costs.left.cycles + costs.right.cycles + costs.left.latency
    cycles = timeline(tile, costs)
    assert (cycles > 16 * alone + costs.mte1) == (slots == (1, 1))
    assert cycles > costs.cube + costs.fixpipe


@pytest.mark.parametrize(
    ("target", "m", "k", "n"),
    [
        ("Ascend910_9391", 1536, 1536, 1536),
        ("Ascend910B1", 128, 1024, 30720),
        ("Ascend950PR_9589", 4096, 4096, 16384),
        ("Ascend910B4", 256, 512, 384),
    ],
)
def test_tiles_are_compared_at_the_rates_of_the_simulator(
    target: str, m: int, k: int, n: int
) -> None:
    """A core's part of memory and of L2, by the tile and by what the kernel's programs move."""
    core, problem = soc(target), product(m, n, k)
    planned = rates(problem, choose_tile(problem, core), core)
    programs = matmul_programs(target, m, k, n, transposed=(False, True))
    found = share(measure(programs, core.l2), core)
    for side in (LEFT, RIGHT):
        assert tuple(planned.read[side]) == pytest.approx(tuple(found.read[side]), rel=0.01)
    assert planned.write == pytest.approx(found.write)


def test_blocks_of_short_sums_are_found() -> None:
    """All columns go in one block, so that the longer operand is read once."""
    left, right = Matrix(3136, 256, 1, 3136, 2), Matrix(64, 256, 256, 1, 2)
    problem = CubeProblem(3136, 64, 256, left, right, 2, 2, 16)
    assert choose_tile(problem, soc("Ascend310P3")).n == 64
