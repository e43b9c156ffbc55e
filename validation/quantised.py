"""A kernel of float16 as one of int8: the same tiles, every element a byte."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache

from compiler.simulator.cost import Stream
from compiler.simulator.instruction import Instruction, Loop, Program, Transfer
from compiler.simulator.moves import CountedPrograms, Move, Moves, moves_of


def quantised(programs: Sequence[Program]) -> Sequence[Program]:
    """The programs with half the bytes, and half the fractals, which hold 32 elements of k then."""
    known: dict[int, Program] = {}
    halves = [known.setdefault(id(program), _half(program)) for program in programs]
    return CountedPrograms(halves, [_HalfMoves(moves) for moves in moves_of(programs)])


def _half(program: Program) -> Program:
    return [
        Loop(item.count, _half(item.body), {at: step // 2 for at, step in item.steps.items()})
        if isinstance(item, Loop)
        else _half_instruction(item)
        for item in program
    ]


@cache
def _half_instruction(item: Instruction) -> Instruction:
    return replace(
        item,
        bytes=-(-item.bytes // 2),
        fractals=-(-item.fractals // 2),
        repeats=-(-item.repeats // 2),
        element_bytes=1,
        transfer=None if item.transfer is None else _half_transfer(item.transfer),
    )


@cache
def _half_transfer(transfer: Transfer) -> Transfer:
    return replace(
        transfer,
        offset=transfer.offset // 2,
        burst_bytes=-(-transfer.burst_bytes // 2),
        pitch=transfer.pitch // 2,
    )


class _HalfMoves(Moves):
    """The transfers of cores, each half as large and at half its offset."""

    def __init__(self, moves: Moves) -> None:
        self.cores = moves.cores
        self._whole = moves
        self._halves = {
            id(move): Move(_half_transfer(move.transfer), move.stream) for move in moves.counts
        }

    @property
    def counts(self) -> Mapping[Move, int]:
        return {self._halves[id(move)]: count for move, count in self._whole.counts.items()}

    @property
    def offsets(self) -> Mapping[Move, Collection[int]]:
        whole = self._whole
        names = {move: self._halves[id(move)] for move in whole.counts}
        return {names[move]: [at // 2 for at in found] for move, found in whole.offsets.items()}

    def first(self, count: int) -> Sequence[tuple[Move, int]]:
        return [(self._halves[id(move)], at // 2) for move, at in self._whole.first(count)]

    def read_places(self, stream: Stream, first: int, last: int) -> Collection[int]:
        return {at // 2 for at in self._whole.read_places(stream, first, last)}
