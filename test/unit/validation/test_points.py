"""Published measurements that are quick to predict keep the goals; all of them, make validate."""

from __future__ import annotations

from functools import cache

import pytest

from validation.judgement import Row, figures, pairs
from validation.points import Point, points
from validation.prediction import KERNELS, MODELS, OPERATORS, predict

QUICK = "B3 B4 B5 B6 B18 B19 B21 B22 B24b B25b C1d C4b D1 D2".split()
POINTS = {point.id: point for point in points()}


@cache
def row(name: str) -> Row:
    return Row(POINTS[name], predict(POINTS[name]))


@pytest.mark.parametrize("name", QUICK)
def test_pipes_are_near_what_was_measured(name: str) -> None:
    for pipe in ("mac", "mte1", "vec"):
        assert abs(row(name).error(pipe) or 0) <= 0.08, pipe
    assert abs(row(name).error("mte2") or 0) <= 0.13


@pytest.mark.parametrize("name", QUICK)
def test_the_whole_is_near_what_was_measured(name: str) -> None:
    point = POINTS[name]
    assert abs(row(name).error(point.total) or 0) <= (0.10 if point.large else 0.25)


@pytest.mark.parametrize("pair", [("B3", "B4"), ("B4", "B5"), ("B19", "B18"), ("B22", "B21")])
def test_variants_are_in_their_order(pair: tuple[str, str]) -> None:
    assert pair in pairs()
    slower, faster = (row(name).times["task"] for name in pair)
    assert slower > faster


def test_ids_are_unique_and_pairs_name_them() -> None:
    assert len(POINTS) == len(points())
    assert {name for pair in pairs() for name in pair} <= set(POINTS)


@pytest.mark.parametrize("point", points(), ids=lambda point: point.id)
def test_every_point_has_a_kernel_or_a_reason(point: Point) -> None:
    assert point.reason or point.kernel in {**KERNELS, **OPERATORS, **MODELS}
    assert point.measured or point.reason


def test_a_wrong_prediction_misses_the_goals() -> None:
    right = Row(POINTS["D2"], dict(POINTS["D2"].measured))
    wrong = Row(POINTS["D2"], {name: 2 * time for name, time in right.times.items()})
    names = ("cube, MTE1 and vector, median", "worst", "MTE2, median", "large kernels, mean")
    for rows, met in (([right], True), ([wrong], False)):
        found = {figure.name: figure.met for figure in figures(rows)}
        assert [found[name] for name in names] == [met] * 4
