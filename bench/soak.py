"""Threads infer without pause while another swaps the weights and some updates fail.

`python -m bench.soak [--swaps N] [--threads N] [--seed N]`
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.refresh_models import Weights, compiled_bundle, mlp
from compiler.safetensors import TensorRef, write_safetensors
from compiler.weights import Inline
from runtime.device import Memory
from runtime.errors import AclError
from runtime.refresh import Bundle

Array = npt.NDArray[Any]

NAMES = ("first", "second", "third")
INPUTS = 8
FAILURES = 0.2
"""The share of updates that are made to fail."""
RESIDENT_MB = 32
INTERRUPTED = 0.05
"""The share of swaps in the middle of which other threads run."""
PAUSES_S = (0.0, 1e-4, 2e-3)
"""Between two swaps: several in one run, or several runs of one version."""
SWITCH_S = 2e-4
"""How soon Python lets another thread on, so that more orders of events are tried."""


class Killed(BaseException):
    """What ends a thread in the middle of an update."""


class Broken:
    """An array that cannot be had."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        raise self._error


@dataclass
class Tally:
    """What the inferring threads have seen: answers by version name and the weights they are of."""

    asked: int = 0
    answers: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    errors: list[str] = field(default_factory=list[str])
    longest: float = 0.0


@dataclass
class Swaps:
    """What the swapping thread has done; `meaning`: the weights behind each version name."""

    meaning: dict[str, str] = field(default_factory=dict[str, str])
    ways: Counter[str] = field(default_factory=Counter[str])
    failures: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    device: list[int] = field(default_factory=list[int])
    resident: list[int] = field(default_factory=list[int])


class Soak:
    """A bundle, three sets of weights, and what each answers."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        generator = np.random.default_rng(seed)
        model = mlp(64, 3)
        self.inputs = [generator.standard_normal((4, 64), np.float32) for _ in range(INPUTS)]
        self.weights: dict[str, Weights] = {name: model.draw(generator) for name in NAMES}
        self.memory = Memory()
        path = compiled_bundle(model, self.weights[NAMES[0]], folder)
        self.bundle = Bundle.load(path, memory=self.memory)
        self.files = {name: folder / f"{name}.safetensors" for name in NAMES}
        for name, file in self.files.items():
            save(self.weights[name], file)
        self.cut = folder / "cut.safetensors"
        self.cut.write_bytes(self.files[NAMES[0]].read_bytes()[:-7])
        self.swaps = Swaps()
        self.expected: dict[bytes, str] = {}
        for name in NAMES:
            self.bundle.update(self.weights[name], name)
            self.swaps.meaning[name] = name
            self.expected |= {self.answer(i)[0]: name for i in range(INPUTS)}
        assert len(self.expected) == INPUTS * len(NAMES)

    def answer(self, index: int) -> tuple[bytes, str]:
        """The bytes a run gives, and the version that it says they are of."""
        answer = self.bundle.infer({"x": self.inputs[index]})
        (output,) = answer.values()
        return bytes([index]) + output.tobytes(), answer.version

    def infer(self, tally: Tally, stop: threading.Event) -> None:
        """Asks and checks until told to stop."""
        while not stop.is_set():
            begin = perf_counter()
            tally.asked += 1
            try:
                data, version = self.answer(tally.asked % INPUTS)
            except Exception as error:
                tally.errors.append(f"{type(error).__name__}: {error}")
                continue
            tally.longest = max(tally.longest, perf_counter() - begin)
            tally.answers[version, self.expected.get(data, "a mixture")] += 1

    def swap(self) -> None:
        """One change to other weights, at times behind an update that fails."""
        if self.random.random() < FAILURES:
            self._fail(self.random.choice(NAMES))
        now = self.swaps.meaning[self.bundle.version]
        target = self.random.choice([name for name in NAMES if name != now])
        way = self.random.choice(["arrays", "file", "some", "activate", "activate", "rollback"])
        self.swaps.ways[way] += 1
        if self.random.random() < INTERRUPTED:
            sys.setprofile(self._interrupt)
        try:
            self._do(way, target, now)
        finally:
            sys.setprofile(None)
        self.swaps.device.append(self.memory.used)
        self.swaps.resident.append(resident())
        sleep(self.random.choice(PAUSES_S))

    def _interrupt(self, *event: object) -> None:
        """Between two functions of an update, lets the other threads run."""
        if self.random.random() < 0.5:
            sleep(0)

    def _do(self, way: str, target: str, now: str) -> None:
        if way == "activate":
            self.bundle.activate(target)
            return
        if way == "rollback":
            self.bundle.rollback()
            return
        weights = self.weights[target]
        same = {n: w for n, w in weights.items() if np.array_equal(w, self.weights[now][n])}
        given: Any = {
            "arrays": weights,
            "some": {n: w for n, w in weights.items() if n not in same},
            "file": self.files[target],
        }[way]
        self.swaps.meaning[self.bundle.update(given)] = target

    def _fail(self, target: str) -> None:
        """An update that must fail, and leave version and memory as they are."""
        weights = self.weights[target]
        *others, last = weights
        some = {name: weights[name] for name in others}
        kinds: dict[str, Any] = {
            "shape": some | {last: weights[last][:-1]},
            "one element": some | {last: np.zeros(1, np.float32)},
            "type": some | {last: weights[last].astype(np.float16)},
            "name": some | {"nobody": weights[last]},
            "array": some | {last: Broken(RuntimeError("no array"))},
            "killed": some | {last: Broken(Killed())},
            "cut file": self.cut,
        }
        kind = self.random.choice([*kinds, "memory"])
        before = self.bundle.version
        try:
            if kind == "memory":
                self._exhaust(target)
            else:
                self.bundle.update(kinds[kind])
            self.swaps.wrong.append(f"an update with the wrong {kind} succeeded")
        except (AclError, RuntimeError, Killed):
            self.swaps.failures[kind] += 1
            if self.bundle.version != before:
                self.swaps.wrong.append(f"an update with the wrong {kind} left another version")

    def _exhaust(self, target: str) -> None:
        """Fills the device's memory with versions until one does not fit, and forgets them."""
        before, total = self.bundle.version, self.memory.total
        self.memory.total = self.memory.used
        names: list[str] = []
        try:
            for _ in range(10):
                name = f"full {len(self.swaps.meaning)}"
                self.swaps.meaning[name] = target
                self.bundle.update(self.weights[target], name)
                names.append(name)
        finally:
            self.memory.total = total
            self.bundle.activate(before)
            for name in names:
                self.bundle.forget(name)


def save(weights: Weights, path: Path) -> None:
    """A safetensors file of float32 weights."""
    write_safetensors(
        path, [TensorRef(n, "f32", w.shape, Inline(w.tobytes())) for n, w in weights.items()]
    )


def growth(samples: list[int]) -> int:
    """How much more there was at most in the second half than in the first."""
    middle = len(samples) // 2
    return max(0, max(samples[middle:]) - max(samples[: middle + 1]))


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def soak(swaps: int, threads: int, seed: int, say: Callable[[str], None] = print) -> bool:
    """Runs it, prints the counts and the figures against the goals; whether all are met."""
    interval = sys.getswitchinterval()
    with tempfile.TemporaryDirectory() as folder:
        work = Soak(Path(folder), seed)
        tallies, stop = [Tally() for _ in range(threads)], threading.Event()
        workers = [threading.Thread(target=work.infer, args=(t, stop)) for t in tallies]
        sys.setswitchinterval(SWITCH_S)
        try:
            for worker in workers:
                worker.start()
            for _ in range(swaps):
                work.swap()
        finally:
            stop.set()
            for worker in workers:
                worker.join()
            sys.setswitchinterval(interval)
        work.bundle.close()
    return report(work, tallies, swaps, say)


def report(work: Soak, tallies: list[Tally], swaps: int, say: Callable[[str], None]) -> bool:
    """Prints what happened; whether it is what must."""
    answers = sum((tally.answers for tally in tallies), Counter[tuple[str, str]]())
    meaning, done = work.swaps.meaning, work.swaps
    mixed = sum(n for (name, found), n in answers.items() if meaning.get(name) != found)
    asked, answered = sum(t.asked for t in tallies), answers.total()
    device, grown = growth(done.device), growth(done.resident) / 1e6
    one = sum(weight.nbytes for weight in work.weights[NAMES[0]].values())
    by_weights = Counter[str]()
    for (_, found), count in answers.items():
        by_weights[found] += count
    say(f"swaps     {dict(done.ways)}")
    say(f"failures  {dict(done.failures)}")
    say(f"answers   {dict(by_weights)}, of {len(answers)} versions")
    say(f"threads   {[t.asked for t in tallies]}, longest {max(t.longest for t in tallies):.3f} s")
    errors = [error for tally in tallies for error in tally.errors] + done.wrong
    for error in errors[:5]:
        say(f"error     {error}")
    left, limit = work.memory.used, one * (len(tallies) + 1)
    made = done.ways.total()
    met = made == swaps and not (mixed or errors or left) and asked == answered > 0
    met = met and device < limit and grown < RESIDENT_MB and done.failures.total() > 0
    say(
        f"soak: {made} swaps ({swaps}), {done.failures.total()} failed updates (> 0), {answered} "
        f"answers of {asked} (all), {mixed} mixed (0), {len(errors)} errors (0), device memory "
        f"+{device} bytes (< {limit}, a set for each thread and one), "
        f"resident +{grown:.1f} MB (< {RESIDENT_MB}), "
        f"{left} bytes left (0): {'met' if met else 'missed'}"
    )
    return met


def main() -> None:
    """Exit 0 when every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swaps", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sys.exit(not soak(given.swaps, given.threads, given.seed))


if __name__ == "__main__":
    main()
