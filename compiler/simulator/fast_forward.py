"""Running loops: what an iteration does to all times is found out, then many are done at once.

Every time in the state of the cores is a sum of costs after the latest of some other times. As
long as the same times are the latest (no margin changes its sign), an iteration moves each time by
a sum of its own. When it moved them by the same as the one before, the next one will as well, every
margin grows or shrinks steadily, and so do the busy and blocked times of an iteration. All numbers
are whole: the result is that of running every iteration, to the last tick. How many iterations an
inner loop did at once is a fact to the loop around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from compiler.simulator.engine import Engine
from compiler.simulator.operations import Operation

PERIODS = 4
"""As many iterations at most are taken together when they repeat only together."""

FEWEST = 4
"""Loops of fewer iterations are just run."""

NOTED = 1 << 16
"""What an outermost loop notes is kept for its last iterations only, once it is as much as this."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """Operations that are issued `count` times."""

    count: int
    body: Steps


Steps: TypeAlias = "Sequence[Operation | Rounds]"


@dataclass(frozen=True, slots=True)
class _Mark:
    """The state after an iteration, and how much was noted up to there."""

    shape: tuple[object, ...]
    times: list[int]
    totals: list[int]
    margins: int
    facts: int


def run(engine: Engine, steps: Steps) -> None:
    """Issue everything, steady loops many iterations at once."""
    runner = _Runner(engine)
    for step in steps:
        runner.run([step])
        runner.forget()


class _Runner:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._margins = engine.margins
        self._facts = engine.facts
        self._depth = 0

    def run(self, steps: Steps) -> None:
        for step in steps:
            if isinstance(step, Operation):
                self._engine.issue(step)
            elif step.count < FEWEST:
                for _ in range(step.count):
                    self.run(step.body)
            else:
                self._loop(step)

    def forget(self) -> None:
        """What was noted matters to loops around, of which there are none."""
        self._margins.clear()
        self._facts.clear()

    def _loop(self, loop: Rounds) -> None:
        self._depth += 1
        marks = [self._mark()]
        left = loop.count
        while left:
            self.run(loop.body)
            left -= 1
            if left:
                marks.append(self._mark())
                left -= self._jump(marks, left)
                self._forget_before(marks)
        self._depth -= 1

    def _forget_before(self, marks: list[_Mark]) -> None:
        """Keep the marks of the last iterations, and what was noted from there on."""
        del marks[: -2 * PERIODS - 1]
        margins, facts = marks[0].margins, marks[0].facts
        if self._depth == 1 and margins > NOTED:
            del self._margins[:margins]
            del self._facts[:facts]
            marks[:] = [
                replace(mark, margins=mark.margins - margins, facts=mark.facts - facts)
                for mark in marks
            ]

    def _mark(self) -> _Mark:
        engine = self._engine
        counts = len(self._margins), len(self._facts)
        return _Mark(engine.shape(), engine.times(), engine.totals(), *counts)

    def _jump(self, marks: list[_Mark], left: int) -> int:
        """Go as far as the last iterations show the way; the number of iterations done so."""
        if any(core.issued < core.keep for core in self._engine.cores):
            return 0
        for period in range(1, min(PERIODS, left, (len(marks) - 1) // 2) + 1):
            before, between, now = marks[-1 - 2 * period], marks[-1 - period], marks[-1]
            rounds = self._rounds(before, between, now, left // period)
            if rounds:
                self._advance(before, between, now, rounds)
                self._facts += (period, rounds)
                marks[:] = [self._mark()]
                return period * rounds
        return 0

    def _rounds(self, before: _Mark, between: _Mark, now: _Mark, most: int) -> int:
        """How many times what happened from `before` to `between` to `now` goes on like that."""
        if not before.shape == between.shape == now.shape:
            return 0
        moves = zip(before.times, between.times, now.times, strict=True)
        if not all(last - middle == middle - first for first, middle, last in moves):
            return 0
        facts, cut = self._facts, between.facts
        if facts[before.facts : cut] != facts[cut : now.facts]:
            return 0
        first = self._margins[before.margins : between.margins]
        second = self._margins[between.margins : now.margins]
        return _steady(first, second, most) if len(first) == len(second) else 0

    def _advance(self, before: _Mark, between: _Mark, now: _Mark, rounds: int) -> None:
        """Do `rounds` iterations: add up what each adds to the times and to the totals."""
        engine = self._engine
        moves = zip(between.times, now.times, strict=True)
        engine.set_times(last + rounds * (last - middle) for middle, last in moves)
        gains = zip(before.totals, between.totals, now.totals, strict=True)
        engine.set_totals(
            last
            + rounds * (last - middle)
            + (last - 2 * middle + first) * (rounds * (rounds + 1) // 2)
            for first, middle, last in gains
        )
        earlier = self._margins[before.margins : between.margins]
        latest = self._margins[between.margins : now.margins]
        self._margins += [b + rounds * (b - a) for a, b in zip(earlier, latest, strict=True)]


def _steady(first: Sequence[int], second: Sequence[int], most: int) -> int:
    """For how many more steps of `second - first` no margin changes sign; 0 counts as positive."""
    for one, two in zip(first, second, strict=True):
        if (one < 0) != (two < 0):
            return 0
        if two >= 0 and two < one:
            most = min(most, two // (one - two))
        elif two < 0 and two > one:
            most = min(most, (-two - 1) // (two - one))
    return most
