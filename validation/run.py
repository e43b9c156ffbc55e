"""Predicts every published measurement, writes docs/validation.md, and holds it against goals."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from validation.judgement import Row, figures
from validation.points import Point, points
from validation.prediction import Unmodelled, predict
from validation.report import lines, page

PAGE = Path(__file__).parents[1] / "docs" / "validation.md"


def row(point: Point) -> Row:
    """A point with its prediction."""
    try:
        return Row(point, predict(point))
    except Unmodelled as error:
        return Row(point, {}, str(error))


def main(wanted: Sequence[str]) -> None:
    """Print a line for each point, or for those whose ids begin with a word of `wanted`.

    With all of them the page is written, and the figures end the output: exit 1 when one misses
    its goal.
    """
    chosen = [p for p in points() if not wanted or p.id.startswith(tuple(wanted))]
    rows: list[Row] = []
    for point in chosen:
        rows.append(row(point))
        print(lines(rows[-1]), flush=True)
    if wanted:
        return
    PAGE.write_text(page(rows), "utf-8")
    found = figures(rows)
    print(f"validate: {', '.join(figure.text for figure in found)}")
    sys.exit(not all(figure.met for figure in found))


if __name__ == "__main__":
    main(sys.argv[1:])
