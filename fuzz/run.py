"""`make fuzz`: a million mutated inputs over the readers, in two processes at a time."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.worker import FORMATS, HEAD

GOAL = 1_000_000
BLOCK = 50_000
"""Inputs of one process: what readers cache does not pile up."""
WORKERS = 2
STUCK = 300
"""Seconds without a new input after which a process hangs in code that no timer can interrupt."""
OUT = Path("out/fuzz")


@dataclass(frozen=True, slots=True)
class Job:
    """A worker's share of a format."""

    format: str
    folder: Path
    seed: str
    count: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a block has found: `taken` is the part of its inputs that each reader took, `died` tells
    how its process ended when it did not end well."""

    job: Job
    inputs: int
    seconds: float
    faults: int
    taken: Mapping[str, float] = field(default_factory=dict[str, float])
    died: str = ""


def blocks(job: Job) -> Iterator[Result]:
    """A share, block after block. A process that dies has its input kept, and the next goes on."""
    left, number = job.count, 0
    while left > 0:
        seed = f"{job.seed}/{number}"
        result = _block(Job(job.format, job.folder, seed, min(left, BLOCK)), number)
        left -= max(result.inputs, 1)
        number += 1
        yield result


def _block(job: Job, number: int) -> Result:
    folder = job.folder
    current = folder / "current"
    current.unlink(missing_ok=True)
    faults = folder / "faults"
    before = len(list(faults.glob("*.txt")))
    command = [sys.executable, "-m", "fuzz.worker", job.format, str(folder), job.seed]
    started = time.perf_counter()
    process = subprocess.Popen([*command, str(job.count)], stdout=subprocess.PIPE, text=True)
    died = _watch(process, current)
    text = process.communicate()[0]
    if died or process.returncode:
        died = died or f"ends with code {process.returncode}"
        done = _keep(current, faults / f"{number:03}_killed.{job.format}", died)
        return Result(job, done, time.perf_counter() - started, 1, died=died)
    report = json.loads(text.splitlines()[-1])
    count = len(list(faults.glob("*.txt"))) - before
    taken = {name: report["taken"][name] / given for name, given in report["given"].items()}
    return Result(job, report["inputs"], time.perf_counter() - started, count, taken)


def _watch(process: subprocess.Popen[str], current: Path) -> str:
    """Waits for a process; kills it when it stays with one input."""
    last, since = b"", time.monotonic()
    while True:
        try:
            process.wait(0.5)
            return ""
        except subprocess.TimeoutExpired:
            head = current.open("rb").read(HEAD.size) if current.exists() else b""
        if head != last:
            last, since = head, time.monotonic()
        elif time.monotonic() - since > STUCK:
            process.kill()
            return f"stays with one input for {STUCK} s"


def _keep(current: Path, path: Path, died: str) -> int:
    """Saves the input a process died of; how many it had finished."""
    data = current.read_bytes() if current.exists() else bytes(HEAD.size)
    number, size = HEAD.unpack_from(data)
    path.write_bytes(data[HEAD.size : HEAD.size + size])
    path.with_suffix(".txt").write_text(f"input {number}: the process {died}\n")
    return number


def run(inputs: int, seed: str, out: Path, formats: Sequence[str]) -> list[Result]:
    """Both workers, each with half of the inputs of every format, one format after the other."""

    def work(worker: int) -> list[Result]:
        results: list[Result] = []
        for name in formats:
            share = -(-inputs // (len(formats) * WORKERS))
            job = Job(name, out / f"{name}{worker}", f"{seed}/{worker}", share)
            shutil.rmtree(job.folder, ignore_errors=True)
            (job.folder / "faults").mkdir(parents=True)
            for result in blocks(job):
                results.append(result)
                _tell(result)
        return results

    with ThreadPoolExecutor(WORKERS) as pool:
        return [result for found in pool.map(work, range(WORKERS)) for result in found]


def _tell(result: Result) -> None:
    job = result.job
    rate = result.inputs / max(result.seconds, 1e-9)
    taken = ", ".join(f"{reader} {part:.0%}" for reader, part in result.taken.items())
    line = f"{job.format} seed {job.seed}: {result.inputs} inputs, {rate:.0f}/s, taken by {taken}; "
    print(f"{line}{result.faults} faults {result.died}", flush=True)


def main() -> None:
    """Run, print the faults and the figures; the exit code is 0 when the goal is met."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.run", description=__doc__)
    parser.add_argument("--inputs", type=int, default=GOAL)
    parser.add_argument("--seed", default="1", help="another one makes other inputs")
    parser.add_argument("--formats", nargs="+", choices=list(FORMATS), default=list(FORMATS))
    parser.add_argument("--out", type=Path, default=OUT, help="the folder for inputs that fail")
    options = parser.parse_args()
    started = time.perf_counter()
    results = run(options.inputs, options.seed, options.out.resolve(), options.formats)
    seconds = time.perf_counter() - started
    for note in sorted(options.out.glob("*/faults/*.txt")):
        print(f"{note}: {note.read_text()}", end="")
    total, faults = sum(r.inputs for r in results), sum(r.faults for r in results)
    figures = f"{total} inputs at {total / seconds:.0f}/s, {faults} faults"
    print(f"fuzz: {figures} (goal {options.inputs} inputs, 0 faults)")
    sys.exit(bool(faults) or total < options.inputs)


if __name__ == "__main__":
    main()
