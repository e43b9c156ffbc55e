"""Tiles of matrix products and convolutions: candidates, their estimated cycles, the choice."""

from compiler.planning.cube.choice import choose_tile
from compiler.planning.cube.problem import CubeProblem, Resident, Source, Tile, TilingError
from compiler.planning.cube.sources import FeatureMap, Filter, Matrix

__all__ = [
    "CubeProblem",
    "FeatureMap",
    "Filter",
    "Matrix",
    "Resident",
    "Source",
    "Tile",
    "TilingError",
    "choose_tile",
]
