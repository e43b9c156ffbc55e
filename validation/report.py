"""The table of all points as a page of docs/, and as lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from validation.judgement import Row, figures, orders, own_kernels
from validation.points import LARGE_US

INTRODUCTION = f"""# Simulated times against measured ones

Published measurements of kernels on Ascend devices, and what the simulator says of them, in µs:
predicted / measured, and the error. `make validate` writes this page from the tables in
`validation/points/`, which say where each row is from and how its kernel is tiled.

Rows in **bold** have pipes or a known tiling: the goals for pipes are theirs. `core` is the mean of
the cores' own times, which the error is of where it is published, and `task` the time of the whole
task, which ends with the slowest core: with an uneven split the two differ by a tenth. A kernel is
large from {LARGE_US:g} µs on. A pipe is busy while its instructions are on their way. Profilers
count more: `mte3`, `fixpipe` and `scalar`, which contain waiting, have no goals. In rows
of a library's operators the kernel is our own: they say as much of our kernels as of the simulator.
"""


def page(rows: Sequence[Row]) -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_goals(rows), "", *_pairs(rows), *_tables(rows)]) + "\n"


def _goals(rows: Sequence[Row]) -> Iterator[str]:
    yield "| figure | value | goal | of | |\n| --- | --- | --- | --- | --- |"
    for one in figures(rows):
        sign, word = "≥" if one.least else "≤", "met" if one.met else "**missed**"
        yield f"| {one.name} | {one.value:.1f} % | {sign} {one.goal:g} % | {one.count} | {word} |"
    own = own_kernels(rows)
    if own:
        mean = sum(own) / len(own)
        yield f"| our kernels against a library's, mean | {mean:.1f} % | | {len(own)} | |"


def _pairs(rows: Sequence[Row]) -> Iterator[str]:
    wrong = [f"{pair.slower} and {pair.faster}" for pair in orders(rows) if not pair.right]
    if wrong:
        yield f"Not predicted in their order: {', '.join(wrong)}.\n"


def _tables(rows: Sequence[Row]) -> Iterator[str]:
    for (source, soc), group in groupby(rows, lambda row: (row.point.source, row.point.soc)):
        yield f"## {source} ({soc})\n"
        yield "| | kernel | whole | pipes |\n| --- | --- | --- | --- |"
        yield from map(_line, group)
        yield ""


def _line(row: Row) -> str:
    point = row.point
    name = f"**{point.id}**" if point.bold else point.id
    if row.reason:
        measured = ", ".join(f"{key} {value:g}" for key, value in point.measured.items())
        return f"| {name} | {point.what} | {measured} | not predicted: {row.reason} |"
    cells = [_cell(row, key) for key in point.measured]
    whole = [cell for key, cell in zip(point.measured, cells, strict=True) if key in _WHOLE]
    pipes = [cell for key, cell in zip(point.measured, cells, strict=True) if key not in _WHOLE]
    return f"| {name} | {point.what} | {'<br>'.join(whole)} | {'<br>'.join(pipes)} |"


_WHOLE = ("task", "core")


def _cell(row: Row, name: str) -> str:
    error, measured = row.error(name), row.point.measured[name]
    if error is None:
        return f"{name} – / {measured:g}"
    return f"{name} {row.times[name]:.4g} / {measured:g} {100 * error:+.1f} %"


def lines(row: Row) -> str:
    """A row for the terminal."""
    mark = "*" if row.point.bold else " "
    text = row.reason or "; ".join(_cell(row, name) for name in row.point.measured)
    return f"{mark}{row.point.id:<6}{row.point.what:<72} {text}"
