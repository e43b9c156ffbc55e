"""Loads of a matrix tile by tile, as the published copy samples measure them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compiler.simulator.instruction import Instruction, Pipe, Program, Transfer


@dataclass(frozen=True)
class Copies:
    """A matrix of `rows` × `columns` fp16, rows `pitch` elements apart, read in tiles.

    Its tiles are dealt to the cores in turns; with `same`, every core reads the first of them,
    `1 / cores` of all, each from another one on with `rotated`. All is read `passes` times, in
    `slices`, each to its end before the next. `name`: load or nd2nz.
    """

    rows: int
    columns: int
    tile: tuple[int, int]
    cores: int
    name: str = "load"
    pitch: int = 0
    passes: int = 1
    slices: int = 1
    same: bool = False
    rotated: bool = False
    cached: bool = True

    def programs(self) -> list[Program]:
        """One program for each core."""
        return [list(self._core(core)) for core in range(self.cores)]

    def _core(self, core: int) -> Iterator[Instruction]:
        height, width = self.tile
        places = [
            (row, column)
            for row in range(0, self.rows, height)
            for column in range(0, self.columns, width)
        ]
        part = len(places) // self.slices
        for start in range(0, part * self.slices, part):
            tiles = self._dealt(places[start : start + part], core)
            for _ in range(self.passes):
                yield from map(self._load, tiles)

    def _dealt(self, places: list[tuple[int, int]], core: int) -> list[tuple[int, int]]:
        if not self.same:
            return places[core :: self.cores]
        shared = places[: len(places) // self.cores]
        first = core * len(shared) // self.cores if self.rotated else 0
        return shared[first:] + shared[:first]

    def _load(self, place: tuple[int, int]) -> Instruction:
        height, width = self.tile
        pitch = self.pitch or self.columns
        offset = (place[0] * pitch + place[1]) * 2
        transfer = Transfer(0, offset, height, width * 2, pitch * 2, False, self.cached)
        return Instruction(Pipe.MTE2, self.name, bytes=transfer.bytes, transfer=transfer)
