"""Time from new weights to the first inference that sees them, beside other engines.

`python -m bench.refresh [--repeats N] [--width N] [--layers N] [--engine NAME]`

Rows: one weight of 4 MB, one layer of four of them, all weights of a model of 400 MB. A figure is
the call that changes the weights, plus what the first inference behind it takes longer than the
one before, which has fixed weights where those are faster. Each engine has its own process.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from bench.refresh_engines import ENGINES, Engine
from bench.refresh_models import Model, Weights, mlp

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

    def chosen(self, weights: Weights) -> Weights:
        """The weights that change."""
        return {name: weights[name] for name in self.names}


def rows(width: int, layers: int) -> list[Row]:
    """The three rows; a small model for the first two, whose inferences vary less."""
    small, large = mlp(width, 8), mlp(width, layers)
    layer = tuple(f"{kind}{i}" for i in range(4) for kind in "wb")
    everything = tuple(f"{kind}{i}" for kind in "wb" for i in range(layers))
    return [
        Row("one weight", small, ("w0",)),
        Row("one layer", small, layer),
        Row("all weights", large, everything),
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


def measured(engine: Engine, versions: list[Weights], repeats: int) -> Figures:
    """Changes the weights back and forth; every change must show in the outputs."""
    last = np.array(engine.infer())
    found: list[tuple[float, float, float, float]] = []
    for number in range(WARM_UP + repeats):
        steady = milliseconds(engine.fixed or engine.infer)
        change = milliseconds(lambda n=number: engine.change(versions[n % len(versions)]))
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


def copied(engine: Engine, versions: list[Weights], repeats: int) -> Figures:
    """Copies the bytes into memory that is there, each time behind an inference.

    An inference leaves as little of them in the caches as there is before an update.
    """
    targets = [{n: np.zeros_like(w) for n, w in weights.items()} for weights in versions]

    def copy(number: int) -> None:
        for name, weight in versions[number].items():
            target = targets[number][name]
            ctypes.memmove(target.ctypes.data, weight.ctypes.data, weight.nbytes)

    times: list[float] = []
    for number in range(WARM_UP + repeats):
        engine.infer()
        times.append(milliseconds(lambda n=number: copy(n % len(versions))))
    return Figures(0.0, median(times[WARM_UP:]), 0.0, 0.0)


def one_engine(name: str, row: Row, repeats: int) -> Figures:
    """The figures of an engine, in this process."""
    generator = np.random.default_rng(0)
    weights, *others = (row.model.draw(generator) for _ in range(3))
    x = generator.standard_normal((row.model.rows, row.model.width), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        made = ENGINES[COPIED if name == MEMCPY else name]
        engine = made(row.model, weights, x, row.names, Path(folder))
        versions = [row.chosen(other) for other in others]
        return (copied if name == MEMCPY else measured)(engine, versions, repeats)


def apart(name: str, number: int, given: argparse.Namespace) -> Figures | str:
    """The same in a process of its own; why there are none where the engine fails."""
    options = ["--repeats", str(given.repeats), "--width", str(given.width)]
    options += ["--layers", str(given.layers), "--engine", name, "--row", str(number)]
    command = [sys.executable, "-m", "bench.refresh", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return Figures(**json.loads(done.stdout.splitlines()[-1]))
    reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    missing = "ModuleNotFoundError" in reason
    return "not installed" if missing else reason[:60]


def shown(row: Row, found: dict[str, Figures | str]) -> None:
    """Prints the table of a row."""
    size = sum(row.model.draw(np.random.default_rng(0))[n].nbytes for n in row.names) / 1e6
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


def main() -> None:
    """Print the tables, and for each row the figures against the goals; exit 1 for one missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=100)
    parser.add_argument("--engine", choices=[MEMCPY, *ENGINES])
    parser.add_argument("--row", type=int, default=0)
    given = parser.parse_args()
    table = rows(given.width, given.layers)
    number: int = given.row
    if given.engine:
        found = one_engine(given.engine, table[number], given.repeats)
        print(json.dumps(asdict(found)))
        return
    met = True
    for number, row in enumerate(table):
        names = [MEMCPY, *ENGINES]
        figures = {name: apart(name, number, given) for name in names}
        shown(row, figures)
        met &= judged(row, figures)
    sys.exit(not met)


if __name__ == "__main__":
    main()
