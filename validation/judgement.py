"""Predictions held against measurements: errors, the order of variants, and the goals."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from validation.points import Point
from validation.prediction import KERNELS, MODELS, OPERATORS

PAIRS = Path(__file__).with_name("pairs.toml")
COMPUTE = ("mac", "mte1", "vec")
TOTALS = ("task", "core", "mte2")
"""What variants are compared by: the first that is measured of both."""


@dataclass(frozen=True, slots=True)
class Row:
    """A point with its predicted times, or the reason why there are none."""

    point: Point
    times: Mapping[str, float]
    reason: str = ""

    def error(self, name: str) -> float | None:
        """The relative error of a time, None where one of the two is missing."""
        measured, predicted = self.point.measured.get(name), self.times.get(name)
        return None if measured is None or predicted is None else predicted / measured - 1


@dataclass(frozen=True, slots=True)
class Figure:
    """One number against its goal; `count` of how many it is made."""

    name: str
    value: float
    goal: float
    count: int
    least: bool = False

    @property
    def met(self) -> bool:
        """Whether the goal is met; of nothing, it is not."""
        good = self.value >= self.goal if self.least else self.value <= self.goal
        return good and self.count > 0

    @property
    def text(self) -> str:
        """The figure and its goal in a few words."""
        sign = "≥" if self.least else "≤"
        return f"{self.name} {self.value:.1f} % ({sign} {self.goal:g} %, of {self.count})"


@dataclass(frozen=True, slots=True)
class Order:
    """Two variants, the slower first, and whether they are predicted in that order."""

    slower: str
    faster: str
    right: bool


def figures(rows: Sequence[Row]) -> list[Figure]:
    """All goals; times of kernels are those in the tiling of the source."""
    bold = [row for row in rows if row.point.bold]
    compute = sorted(_errors(bold, COMPUTE))
    loads = _errors(bold, ("mte2",))
    theirs = [row for row in rows if row.point.kernel in KERNELS]
    large = _errors([row for row in theirs if row.point.large])
    small = _errors([row for row in theirs if not row.point.large])
    models = _errors([row for row in rows if row.point.kernel in MODELS])
    order = orders(rows)
    right = 100 * sum(pair.right for pair in order) / max(1, len(order))
    return [
        Figure("cube, MTE1 and vector, median", _of(median, compute), 3, len(compute)),
        Figure("worst", _of(max, compute), 8, len(compute)),
        Figure("MTE2, median", _of(median, loads), 10, len(loads)),
        Figure("large kernels, mean", _of(mean, large), 10, len(large)),
        Figure("small kernels, mean", _of(mean, small), 25, len(small)),
        Figure("whole models, worst", _of(max, models), 30, len(models)),
        Figure("pairs in order", right, 95, len(order), least=True),
    ]


def own_kernels(rows: Iterable[Row]) -> list[float]:
    """Errors in % where our own kernel stands for one of a library: no goal of the simulator."""
    return _errors(row for row in rows if row.point.kernel in OPERATORS)


def _errors(rows: Iterable[Row], names: Sequence[str] = ()) -> list[float]:
    """Absolute errors in %, of the named times or of the whole."""
    found = (row.error(name) for row in rows for name in names or (row.point.total,))
    return [100 * abs(error) for error in found if error is not None]


def _of(function: Callable[[Sequence[float]], float], values: Sequence[float]) -> float:
    return function(values) if values else 0.0


def orders(rows: Iterable[Row]) -> list[Order]:
    """The published pairs of which both are predicted."""
    known = {row.point.id: row for row in rows}
    return [
        order
        for one, other in pairs()
        if one in known and other in known
        for order in _order(known[one], known[other])
    ]


def pairs() -> list[tuple[str, str]]:
    """Ids of variants, the slower first."""
    table: Mapping[str, Sequence[str]] = tomllib.loads(PAIRS.read_text("utf-8"))
    return [(pair.split()[0], pair.split()[1]) for group in table.values() for pair in group]


def _order(slower: Row, faster: Row) -> Iterator[Order]:
    for name in TOTALS:
        if slower.error(name) is not None and faster.error(name) is not None:
            right = slower.times[name] > faster.times[name]
            yield Order(slower.point.id, faster.point.id, right)
            return
