"""How the cores of a tiled kernel share what they read: how often, at a time, and again from L2."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm

from compiler.planning.cube.problem import CubeProblem, Resident, Tile
from compiler.simulator.cost import Share, Stream
from compiler.simulator.traffic import Traffic, Use, share
from compiler.soc import Soc

LEFT, RIGHT, _RESULT = Stream(0, nz=True, cached=True), Stream(1, nz=True, cached=True), 2


@dataclass(frozen=True, slots=True)
class Grid:
    """The blocks of a tiled problem as its cores go through them.

    `along` blocks of a row follow each other; `rows_of` and `columns_of` are the cores that read
    the same left and the same right operand at a time.
    """

    down: int
    across: int
    cores: int
    rows_of: int
    columns_of: int

    @classmethod
    def of(cls, problem: CubeProblem, tile: Tile, cores: int) -> Grid:
        """The grid on at most so many cores."""
        down, across = -(-problem.m // tile.m) * problem.images, -(-problem.n // tile.n)
        cores = min(tile.items(problem), cores)
        match tile.kept:
            case Resident.NONE:
                width = tile.width(across)
                same_row = min(cores, width)
                same_column = min(-(-cores // width), down)
            case Resident.LEFT:
                chunks = -(-across // tile.run)
                same_row = min(cores, chunks)
                same_column = min(-(-cores // chunks), down)
            case Resident.RIGHT:
                chunks = -(-down // tile.run)
                same_column = min(cores, chunks)
                same_row = min(-(-cores // chunks), across)
        return cls(down, across, cores, same_row, same_column)


def rates(problem: CubeProblem, tile: Tile, target: Soc) -> Share:
    """What a core gets of memory and of L2 for each operand, as the simulator has it."""
    grid = Grid.of(problem, tile, target.cube_cores)
    left, right = problem.left.size, problem.right.size
    left_times = -(-grid.across // tile.run) if tile.kept is Resident.LEFT else grid.across
    right_times = -(-grid.down // tile.run) if tile.kept is Resident.RIGHT else grid.down
    written = problem.batch * problem.images * problem.m * problem.n * problem.result_bytes
    hits = (1.0, 1.0)
    if left + right + written > target.l2:
        hits = _hits(problem, tile, grid, target.l2)
    longer, shorter = max(tile.left, tile.right), min(tile.left, tile.right)
    turns = -(-problem.k // (shorter if tile.kept is not Resident.NONE else longer))
    total = int(left * left_times * _overlap(problem, tile, grid))
    reads = {
        LEFT: _use(total, left, hits[0], grid.rows_of, turns),
        RIGHT: _use(right * right_times, right, hits[1], grid.columns_of, turns),
    }
    for use in reads.values():
        use.rivals = grid.cores
    writes = {_RESULT: Use(written, written, 0, written)}
    return share(Traffic(reads, writes, grid.cores), target)


def _use(total: int, size: int, hits: float, readers: int, turns: int) -> Use:
    """Reads of an operand by cores that begin with different packets: few meet at a time."""
    return Use(total, size, 0, size, hits, max(1.0, readers / turns), readers)


def _overlap(problem: CubeProblem, tile: Tile, grid: Grid) -> float:
    """The bytes of all rows' loads over those of the left operand: input rows overlap."""
    count, transfer = problem.left.loads(tile.m, problem.k)
    return max(count * transfer.bytes * grid.down * problem.batch / problem.left.size, 1.0)


def _hits(problem: CubeProblem, tile: Tile, grid: Grid, l2: int) -> tuple[float, float]:
    """The share of repeated reads that L2 still holds, of the left and of the right operand."""
    row = problem.left.size / (problem.batch * grid.down)
    column = problem.right.size / (problem.batch * grid.across)
    result = tile.m * tile.n * problem.result_bytes
    if tile.kept is not Resident.NONE:
        whole = problem.right.size if tile.kept is Resident.LEFT else problem.left.size
        streamed = 1.0 if whole / problem.batch + grid.cores * (row + column) <= l2 else 0.0
        return (1.0, streamed) if tile.kept is Resident.LEFT else (streamed, 1.0)
    width = tile.width(grid.across)
    between = lcm(width, grid.cores) // width
    right = width * column + between * (row + width * result)
    groups = grid.across // width
    left = problem.left.size / problem.batch + width * (column + grid.down * result)
    again = 1.0 if groups == 1 or left <= l2 else max(0.0, 1 - grid.cores / width)
    return again, 1.0 if right <= l2 else 0.0
