"""The transfers of a core with global memory: how many, where, and in which order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, overload

from compiler.simulator.cost import Stream, stream
from compiler.simulator.instruction import Instruction, Program, Transfer, instructions


class Move(NamedTuple):
    """A transfer, and the stream that it belongs to."""

    transfer: Transfer
    stream: Stream


class Moves(ABC):
    """The transfers of `cores` cores that move the same. A move without its offset begins at 0."""

    cores: int = 1

    @property
    @abstractmethod
    def counts(self) -> Mapping[Move, int]:
        """How often each move occurs, whatever its address."""

    @property
    @abstractmethod
    def offsets(self) -> Mapping[Move, Collection[int]]:
        """The different offsets of each move in its buffer, in bytes."""

    @abstractmethod
    def first(self, count: int) -> Sequence[tuple[Move, int]]:
        """The first of all in order: each move, one of the objects in `counts`, and its offset."""

    @abstractmethod
    def read_places(self, stream: Stream, first: int, last: int) -> Collection[int]:
        """The different offsets of a stream's reads, in order, from the `first` up to `last`."""

    def nth_read(self, stream: Stream, number: int) -> int:
        """The offset of one of the reads of a stream, in order, from 0 on."""
        [offset] = self.read_places(stream, number, number + 1)
        return offset

    def reads(self, stream: Stream) -> int:
        """How many reads of a stream there are."""
        return sum(
            count
            for move, count in self.counts.items()
            if move.stream == stream and not move.transfer.write
        )

    def writes(self, buffer: int) -> bool:
        """Whether a buffer is written."""
        return any(m.transfer.write and m.transfer.buffer == buffer for m in self.counts)


def move_of(instruction: Instruction) -> tuple[Move, int] | None:
    """The move of an instruction and its offset, if it has one."""
    transfer = instruction.transfer
    if transfer is None:
        return None
    move = Move(replace(transfer, offset=0), stream(instruction, transfer))
    return move, transfer.offset


class ListedMoves(Moves):
    """The moves of a program, one by one."""

    def __init__(self, program: Program, cores: int = 1) -> None:
        self.cores = cores
        self._moves: list[tuple[Move, int]] = []
        self._counts: Counter[Move] = Counter()
        self._offsets: defaultdict[Move, set[int]] = defaultdict(set)
        self._reads: defaultdict[Stream, list[int]] = defaultdict(list)
        known: dict[Move, Move] = {}
        for instruction in instructions(program):
            if (place := move_of(instruction)) is not None:
                move = known.setdefault(place[0], place[0])
                self._add(move, place[1])

    def _add(self, move: Move, offset: int) -> None:
        self._moves.append((move, offset))
        self._counts[move] += 1
        self._offsets[move].add(offset)
        if not move.transfer.write:
            self._reads[move.stream].append(offset)

    @property
    def counts(self) -> Mapping[Move, int]:
        return self._counts

    @property
    def offsets(self) -> Mapping[Move, Collection[int]]:
        return self._offsets

    def read_places(self, stream: Stream, first: int, last: int) -> Collection[int]:
        return set(self._reads[stream][first:last])

    def first(self, count: int) -> Sequence[tuple[Move, int]]:
        return self._moves[:count]


class CountedPrograms(Sequence[Program]):
    """The programs of a kernel's cores, whose moves were counted as the programs were made.

    The offsets of transfers in these programs say how they are aligned and no more.
    """

    def __init__(self, programs: Sequence[Program], moves: Sequence[Moves]) -> None:
        self._programs = programs
        self.moves = moves

    def __len__(self) -> int:
        return len(self._programs)

    @overload
    def __getitem__(self, index: int) -> Program: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Program]: ...
    def __getitem__(self, index: int | slice) -> Program | Sequence[Program]:
        return self._programs[index]


def moves_of(programs: Sequence[Program]) -> Sequence[Moves]:
    """What the programs move; those that are the same object are gone through once."""
    if isinstance(programs, CountedPrograms):
        return programs.moves
    numbers = Counter(map(id, programs))
    distinct = {id(program): program for program in programs}
    return [ListedMoves(program, numbers[name]) for name, program in distinct.items()]
