"""The tile of a problem: the candidate with the fewest estimated cycles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from heapq import nsmallest
from itertools import chain
from operator import itemgetter

from compiler.planning.cube.candidates import blocks, tiles
from compiler.planning.cube.estimate import Estimator, TileCosts
from compiler.planning.cube.problem import CubeProblem, Tile, TilingError
from compiler.planning.cube.timeline import timeline
from compiler.soc import Soc

_BLOCKS = 8
"""Blocks with the least bound, for which packets are tried: so many with an operand that stays in
L1, and so many with two that are streamed."""

_TILES = 12
"""Tiles with the least closed-form estimate, which are looked at packet by packet."""


def ranked(problem: CubeProblem, target: Soc) -> list[tuple[float, Tile]]:
    """The best candidates with their cycles, the best first; equals in order of candidacy."""
    estimator = Estimator(problem, target)
    first = _first(problem, target, estimator)
    found = [tile for block in first for tile in tiles(problem, target, block)]
    timed = [
        (timeline(tile, costs), tile)
        for _, costs, same in nsmallest(_TILES, _estimated(found, estimator), key=itemgetter(0))
        for tile in same
    ]
    return sorted(timed, key=itemgetter(0))


def _first(
    problem: CubeProblem, target: Soc, estimator: Estimator
) -> Iterable[tuple[int, int, int]]:
    """The blocks for which packets are tried."""
    every = blocks(problem, target)
    least = (
        nsmallest(_BLOCKS, every, key=partial(estimator.bound, kept=kept)) for kept in (True, False)
    )
    return dict.fromkeys(chain.from_iterable(least))


def _estimated(
    found: Iterable[Tile], estimator: Estimator
) -> Iterator[tuple[float, TileCosts, list[Tile]]]:
    """Tiles that differ in nothing but their slots, their costs, and their least estimate."""
    groups: dict[tuple[object, ...], list[Tile]] = {}
    for tile in found:
        key = tile.m, tile.n, tile.left, tile.right, tile.left_run, tile.right_run, tile.group
        groups.setdefault(key, []).append(tile)
    for same in groups.values():
        costs = estimator.costs(same[0])
        yield min(estimator.cycles(tile, costs) for tile in same), costs, same


def choose_tile(problem: CubeProblem, target: Soc) -> Tile:
    """The tile with the fewest cycles; TilingError when none fits."""
    found = ranked(problem, target)
    if not found:
        raise TilingError("not even a tile of 16 × 16 results fits L1")
    return found[0][1]
