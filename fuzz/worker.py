"""One block of inputs of one format, in a process of its own that may be killed at any time."""

from __future__ import annotations

import gc
import json
import logging
import mmap
import os
import struct
import sys
import time
import warnings
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from fuzz.coverage import Coverage
from fuzz.guard import Guard
from fuzz.noise import MOST
from fuzz.reader import Format
from fuzz.trial import Fault, Outcome, Path_, Trial

FORMATS = {"om": "fuzz.om_file", "onnx": "fuzz.onnx_file", "packs": "fuzz.pack_file"}
CORPUS = 3000
"""Inputs that others are made from, at most."""
TRACED = 128
"""One of so many inputs that all readers take has its lines traced, which makes it slower."""

MEMORY = Path("/dev/shm")
"""Where files cost least, on Linux: each input is one."""
HEAD = struct.Struct("<QQ")
"""Of the file `current`: the number of the input, its bytes; then the input."""


@dataclass
class Report:
    """What a block has found, and how many inputs each reader was given and took."""

    inputs: int = 0
    given: dict[str, int] = field(default_factory=dict[str, int])
    taken: dict[str, int] = field(default_factory=dict[str, int])
    paths: int = 0
    lines: int = 0
    seconds: float = 0
    faults: dict[str, int] = field(default_factory=dict[str, int])


class Block:
    """A block of inputs: mutates what has found new ways through the readers."""

    def __init__(self, format_: Format, folder: Path, files: Path) -> None:
        self.format, self.folder = format_, folder
        self.corpus = list(format_.seeds)
        self.corpus += [path.read_bytes() for path in sorted((folder / "corpus").glob("*"))]
        self.report = Report()
        self._seed = "none"
        self._paths: set[Path_] = set()
        self._coverage = Coverage()
        self._current = _shared(folder / "current", HEAD.size + MOST)
        guard = Guard(files)
        self.trial = Trial(format_, files, guard)
        self._warm_up()
        guard.limit_memory()

    def _warm_up(self) -> None:
        """The inputs one begins with: modules are imported, tables read, times taken."""
        for data in self.corpus:
            outcome = self.trial.run(data)
            for fault in outcome.faults:
                self._save_fault(fault, data, -1)
            self._is_new(outcome, 0)
        gc.collect()
        gc.freeze()  # what is there now stays: a collection need not look at it

    def run(self, seed: str, count: int) -> Report:
        """`count` inputs; the same ones for the same seed and corpus."""
        started = time.perf_counter()
        self._seed = seed
        for number in range(count):
            random = Random(f"{seed}/{number}")
            source = random.choice((self.format.seeds, self.corpus))
            data = self.format.mutate(random, random.choice(source))[:MOST]
            HEAD.pack_into(self._current, 0, number, len(data))
            self._current[HEAD.size : HEAD.size + len(data)] = data
            outcome = self.trial.run(data)
            self._count(outcome)
            self._note(data, outcome, number)
        self.report.seconds = time.perf_counter() - started
        self.report.paths, self.report.lines = len(self._paths), self._coverage.lines
        return self.report

    def _count(self, outcome: Outcome) -> None:
        report = self.report
        report.inputs += 1
        for reader, taken in outcome.taken.items():
            report.given[reader] = report.given.get(reader, 0) + 1
            report.taken[reader] = report.taken.get(reader, 0) + taken

    def _note(self, data: bytes, outcome: Outcome, number: int) -> None:
        for fault in outcome.faults:
            self._save_fault(fault, data, number)
        if self._is_new(outcome, number) and not outcome.faults and len(self.corpus) < CORPUS:
            self.corpus.append(data)
            (self.folder / "corpus" / f"{len(self.corpus):06}").write_bytes(data)

    def _is_new(self, outcome: Outcome, number: int) -> bool:
        """Whether an input runs lines that none has run. That is looked at when its errors are of
        a new kind, and now and then when there are none."""
        is_new = outcome.path not in self._paths
        self._paths.add(outcome.path)
        is_looked_at = is_new or (all(outcome.taken.values()) and number % TRACED == 0)
        return is_looked_at and self.trial.runs_new_lines(self._coverage)

    def _save_fault(self, fault: Fault, data: bytes, number: int) -> None:
        """Keeps the first input of each defect."""
        key = json.dumps([fault.reader, *map(str, fault.place)])
        if key not in self.report.faults:
            number_of = f"{self._seed.replace('/', '-')}_{len(self.report.faults):03}"
            name = self.folder / "faults" / f"{number_of}_{self.format.file}"
            name.write_bytes(data)
            place = "\n  ".join(map(str, fault.place))
            whence = f"input {number} of seed {self._seed}, {fault.reader}"
            note = f"{whence}: {fault.what}\n  {place}\n"
            name.with_suffix(".txt").write_text(note, errors="backslashreplace")
        self.report.faults[key] = self.report.faults.get(key, 0) + 1


def _shared(path: Path, size: int) -> mmap.mmap:
    """A file that outlives this process, as memory."""
    path.write_bytes(bytes(size))
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), size)


def prepare(name: str, files: Path) -> Format:
    """The format of a name, with its files in a folder, which becomes the working directory."""
    files.mkdir()
    os.chdir(files)
    logging.disable()
    warnings.simplefilter("ignore")
    gc.set_threshold(100_000, 50, 1000)  # as ascend-opt does
    return import_module(FORMATS[name]).make(files)


def main() -> None:
    """`python -m fuzz.worker FORMAT FOLDER SEED COUNT`: prints the report as JSON."""
    name, folder, seed, count = sys.argv[1:]
    path = Path(folder).resolve()
    for part in ("corpus", "faults"):
        (path / part).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as scratch:
        files = Path(scratch).resolve() / "files"
        block = Block(prepare(name, files), path, files)
        print(json.dumps(asdict(block.run(seed, int(count)))))


if __name__ == "__main__":
    main()
