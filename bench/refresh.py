"""Time from new weights to the first inference that sees them, beside other engines.

`python -m bench.refresh [--repeats N] [--width N] [--layers N] [--engine NAME] [--row N]`

Rows: one weight of 4 MB, one layer of four of them, all weights of a model of 400 MB. A figure is
the call that changes the weights, plus what the first inference behind it takes longer than the
one before, which has fixed weights where those are faster. Each engine has its own process; the
plain copy of the same bytes is timed in turn with our update.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from bench.refresh_engines import ENGINES, Engine, Setting
from bench.refresh_models import Model, Weight, Weights, mlp

OF_MEMCPY, VERSION_MS = 1.3, 1.0
"""Goals: times the copy of the same bytes; ms to activate a version, or to roll back."""
WARM_UP = 3
"""Changes that take memory, which further ones use again."""
MEMCPY = "memcpy"
COPIED, LENT, VERSIONS = "ours", "ours, lent arrays", ("ours, activate", "ours, rollback")
BY_REFERENCE = ("weights as inputs",)
"""Peers that take the caller's arrays as they are, which stands beside our lent arrays."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is changed: the layers of a model whose weights are."""

    title: str
    model: Model
    names: tuple[str, ...]
    repeats: int

    def chosen(self, weights: Weights) -> Weights:
        """The weights that change."""
        return {name: weights[name] for name in self.names}


def rows(width: int, layers: int) -> list[Row]:
    """The three rows; a small model for the first two, whose inferences vary less."""
    small, large = mlp(width, 8), mlp(width, layers)
    layer = tuple(f"{kind}{i}" for i in range(4) for kind in "wb")
    everything = tuple(f"{kind}{i}" for kind in "wb" for i in range(layers))
    return [
        Row("one weight", small, ("w0",), 40),
        Row("one layer", small, layer, 40),
        Row("all weights", large, everything, 7),
    ]


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians in ms: an inference before a change, the change, the first inference behind it, and
    how much longer that takes, unless later ones differ among themselves by more.
    """

    steady: float
    change: float
    first: float
    longer: float

    @property
    def until(self) -> float:
        """The figure of the table."""
        return self.change + max(0.0, self.longer)


def milliseconds(function: Callable[[], object]) -> float:
    """How long a call takes."""
    start = perf_counter()
    function()
    return (perf_counter() - start) * 1000


class Copy:
    """Copies the bytes of versions into memory that is there, each time behind an inference.

    An inference leaves as little of them in the caches as there is before an update.
    """

    def __init__(self, engine: Engine, versions: list[Weights]) -> None:
        self._engine, self._versions = engine, versions
        self._targets = [{n: np.zeros_like(w) for n, w in each.items()} for each in versions]
        self.times: list[float] = []

    def once(self, number: int) -> None:
        """Notes the milliseconds of one of them."""
        self._engine.infer()
        pairs = zip(self._versions[number].values(), self._targets[number].values(), strict=True)
        self.times.append(milliseconds(lambda: self._copy(pairs)))
        self._engine.infer()

    def _copy(self, pairs: Iterable[tuple[Weight, Weight]]) -> None:
        for weight, target in pairs:
            ctypes.memmove(target.ctypes.data, weight.ctypes.data, weight.nbytes)

    def figures(self) -> Figures:
        """As a row of the table."""
        return Figures(0.0, median(self.times[WARM_UP:]), 0.0, 0.0)


def measured(
    engine: Engine, versions: list[Weights], repeats: int, copy: Copy | None = None
) -> Figures:
    """Changes the weights back and forth; every change must show in the outputs."""
    last = np.array(engine.infer())
    found: list[tuple[float, float, float, float]] = []
    for number in range(WARM_UP + repeats):
        which = number % len(versions)
        if copy is not None:
            copy.once(which)
        steady = milliseconds(engine.fixed or engine.infer)
        change = milliseconds(lambda new=versions[which]: engine.change(new))
        first, later = (milliseconds(engine.infer) for _ in range(2))
        found.append((steady, change, first, later))
        y = np.array(engine.infer())
        if np.array_equal(y, last):
            raise SystemExit(f"bench-refresh: {engine.name} does not see the new weights")
        last = y
    steady, change, first, later = map(list, zip(*found[WARM_UP:], strict=True))
    longer = median(after - before for before, after in zip(steady, first, strict=True))
    spread = median(abs(time - median(later)) for time in later)
    longer = longer if longer > spread else 0.0
    return Figures(median(steady), median(change), median(first), longer)


def one_engine(name: str, row: Row, folder: Path, repeats: int) -> dict[str, Figures]:
    """The figures of an engine, in this process, and those of the copy beside ours."""
    generator = np.random.default_rng(0)
    weights, other = (row.model.draw(generator) for _ in range(2))
    x = generator.standard_normal((row.model.rows, row.model.width), np.float32)
    engine = ENGINES[name](Setting(row.model, weights, x, row.names, folder))
    versions = [row.chosen(other), row.chosen(weights)]
    if name != COPIED:
        return {name: measured(engine, versions, repeats)}
    copy = Copy(engine, versions)
    figures = measured(engine, versions, repeats, copy)
    return {MEMCPY: copy.figures(), name: figures}


def apart(name: str, number: int, given: argparse.Namespace) -> dict[str, Figures | str]:
    """The same in a process of its own; why there are none where the engine fails."""
    options = ["--width", str(given.width), "--layers", str(given.layers)]
    options += ["--engine", name, "--row", str(number), "--folder", str(given.folder)]
    options += ["--repeats", str(given.repeats)] if given.repeats else []
    command = [sys.executable, "-m", "bench.refresh", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        found = json.loads(done.stdout.splitlines()[-1])
        return {engine: Figures(**figures) for engine, figures in found.items()}
    reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    missing = "ModuleNotFoundError" in reason
    return {name: "not installed" if missing else reason[:60]}


def shown(row: Row, found: dict[str, Figures | str]) -> None:
    """Prints the table of a row."""
    size = sum(row.model.bytes_of(name) for name in row.names) / 1e6
    print(f"\n{row.title}, {size:.1f} MB{'':17}{'until ms':>10}{'change':>10}{'first':>10}"
          f"{'steady':>10}")  # fmt: skip
    for name, figures in found.items():
        if isinstance(figures, str):
            print(f"{name:34}{figures:>10}")
            continue
        values = (figures.until, figures.change, figures.first, figures.steady)
        print(f"{name:34}" + "".join(f"{value:10.2f}" for value in values))


def judged(row: Row, found: dict[str, Figures | str]) -> bool:
    """Prints the figures of a row against the goals; whether they are met."""
    times = {name: f.until for name, f in found.items() if isinstance(f, Figures)}
    ratio = times[COPIED] / times[MEMCPY]
    slowest = max(times[name] for name in VERSIONS)
    peers = [name for name in times if name != MEMCPY and not name.startswith("ours")]
    behind = [
        name
        for name in peers
        if times[name] <= times[LENT if name.endswith(BY_REFERENCE) else COPIED]
    ]
    print(
        f"bench-refresh: {row.title}: {ratio:.2f} x memcpy (<= {OF_MEMCPY}), activate or roll back"
        f" {slowest:.2f} ms (< {VERSION_MS}), ahead of {len(peers) - len(behind)} of {len(peers)} "
        f"peers (all){': behind ' + ', '.join(behind) if behind else ''}"
    )
    return ratio <= OF_MEMCPY and slowest < VERSION_MS and not behind


def one_row(number: int, row: Row, given: argparse.Namespace) -> bool:
    """Measures and prints a row, of one engine and ours if it is asked for; whether goals are met.

    The engines share a folder of files.
    """
    names = [name for name in ENGINES if given.engine in (None, name) or name.startswith(COPIED)]
    found: dict[str, Figures | str] = {}
    with tempfile.TemporaryDirectory() as folder:
        given.folder = folder
        for name in names:
            found |= apart(name, number, given)
    shown(row, found)
    return judged(row, found)


def main() -> None:
    """Print the tables, and for each row the figures against the goals; exit 1 for one missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=100)
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--row", type=int, choices=range(3))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    table = rows(given.width, given.layers)
    if given.folder is not None:
        row = table[int(given.row)]
        repeats: int = given.repeats or row.repeats
        found = one_engine(given.engine, row, given.folder, repeats)
        print(json.dumps({name: asdict(figures) for name, figures in found.items()}))
        return
    met = True
    for number, row in enumerate(table):
        if given.row in (None, number):
            met &= one_row(number, row, given)
    sys.exit(not met)


if __name__ == "__main__":
    main()
