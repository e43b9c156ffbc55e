"""The table of a comparison: which operator adds how much error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runtime.diff.measure import Difference
from runtime.diff.trace import Row

HEAD = ("max abs", "max rel", "cosine", "error", "of inputs", "amplified")
NOTES = """error: length of the difference over the length of what is expected; of inputs: the
largest error of what the operator reads, weights aside; amplified: one over the other, which counts
as 2^-11 at least. First come the operators where most error arises."""


def outputs(names: Sequence[str], differences: Sequence[Difference | None]) -> Iterator[str]:
    """A line for each output of the model."""
    for name, found in zip(names, differences, strict=True):
        said = "cannot be compared" if found is None else _summary(found)
        yield f"output {name}: {said}"


def _summary(found: Difference) -> str:
    return (
        f"error {found.error:.2g}, largest difference {found.largest:.2g}, "
        f"cosine similarity {found.cosine:.6f}"
    )


def table(rows: Sequence[Row], top: int) -> Iterator[str]:
    """The first rows under a head; all of them where `top` is 0."""
    shown = rows[: top or None]
    name = max((len(_called(row)) for row in shown), default=0)
    kind = max((len(row.type) for row in shown), default=0)
    yield f"{'operator':<{name}}  {'type':<{kind}}" + "".join(f"{title:>11}" for title in HEAD)
    for row in shown:
        origins = f"  ({', '.join(row.origins)})" if row.origins else ""
        yield f"{_called(row):<{name}}  {row.type:<{kind}}{_numbers(row)}{origins}"
    if len(shown) < len(rows):
        yield f"… and {len(rows) - len(shown)} more (--top=0 shows all)"
    yield NOTES


def _called(row: Row) -> str:
    graph, node = row.key
    return f"{graph}: {node}" if graph and not node.startswith(f"{graph}/") else node


def _numbers(row: Row) -> str:
    d = row.worst
    amplified = f"{row.amplified:.3g}" if row.amplified else "-"
    cells = (
        f"{d.largest:.2g}",
        f"{d.relative:.2g}",
        f"{d.cosine:.6f}",
        f"{d.error:.2g}",
        f"{row.inputs:.2g}",
        amplified,
    )
    return "".join(f"{cell:>11}" for cell in cells)
