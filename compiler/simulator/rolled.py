"""Programs written as loops: repetitions, and repetitions of these around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compiler.simulator.instruction import Instruction, Loop, Program

_PERIODS = 16
"""The most programs that are taken together as one iteration."""


class Rolling:
    """Makes programs of which equal ones are one object."""

    def __init__(self) -> None:
        self._programs: dict[tuple[int, ...], Program] = {}
        self._loops: dict[tuple[int, int], Loop] = {}
        self._instructions: dict[Instruction, Instruction] = {}

    def instruction(self, instruction: Instruction) -> Program:
        """A program of one instruction."""
        return self.program([self._instructions.setdefault(instruction, instruction)])

    def program(self, items: Sequence[Instruction | Loop]) -> Program:
        """The program with these items, which were made here."""
        return self._programs.setdefault(tuple(map(id, items)), tuple(items))

    def joined(self, programs: Sequence[Program]) -> Program:
        """Programs that were made here, one after another."""
        return self.program([item for program in programs for item in program])

    def rolled(self, programs: Sequence[Program]) -> Program:
        """Programs that were made here, one after another, with their repetitions as loops."""
        before = 0
        while len(programs) != before:
            before = len(programs)
            programs = [part for run in _repetitions(programs) for part in self._looped(*run)]
        return self.joined(programs)

    def _looped(self, count: int, programs: Sequence[Program]) -> Sequence[Program]:
        if count == 1:
            return programs
        body = self.joined(programs)
        loop = self._loops.setdefault((count, id(body)), Loop(count, body))
        return [self.program([loop])]


def _repetitions(items: Sequence[Program]) -> Iterator[tuple[int, Sequence[Program]]]:
    """How often which items follow each other, from first to last, as many as possible at a time.

    Items are told apart by identity.
    """
    names = [id(item) for item in items]
    at = 0
    while at < len(items):
        period, count = max(_candidates(names, at), key=lambda found: found[0] * found[1])
        yield count, items[at : at + period]
        at += period * count


def _candidates(names: Sequence[int], at: int) -> Iterator[tuple[int, int]]:
    """Periods, and how often they repeat from a place on; a shorter one comes before a longer."""
    yield 1, 1
    for period in range(1, min(_PERIODS, (len(names) - at) // 2) + 1):
        end = at + period
        while end < len(names) and names[end] == names[end - period]:
            end += 1
        count = (end - at) // period
        if count > 1:
            yield period, count
        if end == len(names):
            return
