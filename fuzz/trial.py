"""Gives one input to the readers of its format, and says what became of it."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from zlib import crc32

from compiler.errors import UserError
from fuzz.coverage import Coverage
from fuzz.guard import GROWTH, OWN, ROOT, Guard, TooSlow, forget_peak, peak
from fuzz.reader import Format, Reader

TIMES = 100
"""An input may take as many times the median of its reader."""
LEAST = 0.5
"""Seconds of processor time that an input may take in any case: a collection of garbage is long."""
MEASURED = 100
"""Inputs whose times the median is taken of, after which the limit stands."""

Path_ = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What a reader did that it must not; `place` tells one defect from another."""

    reader: str
    what: str
    place: Path_


@dataclass(slots=True)
class Outcome:
    """What became of an input: how each reader went, which took it, and what was wrong."""

    path: Path_ = ()
    taken: dict[str, bool] = field(default_factory=dict[str, bool])
    faults: list[Fault] = field(default_factory=list[Fault])


class Trial:
    """Tries inputs of a format in its folder, under guard."""

    def __init__(self, format_: Format, folder: Path, guard: Guard) -> None:
        self.format = format_
        self.file = folder / format_.file
        self.guard = guard
        self._times: dict[str, list[float]] = {reader.name: [] for reader in format_.readers}
        self._limits: dict[str, float] = {}

    def run(self, data: bytes) -> Outcome:
        """Every reader on one input."""
        self.file.write_bytes(data)
        outcome = Outcome()
        before = peak()
        lot = crc32(data)
        for place, reader in enumerate(self.format.readers):
            if (lot + place) % reader.every == 0:
                self._read(reader, data, outcome)
        grown = peak() - before
        if grown > GROWTH:
            what = f"takes {grown >> 20} MB for an input of {len(data)} bytes"
            outcome.faults.append(Fault("all readers", what, ("memory", outcome.path)))
            forget_peak()
        return outcome

    def runs_new_lines(self, coverage: Coverage) -> bool:
        """Whether the last input goes through lines of our own code that none has gone through."""
        readers = self.format.readers
        new = [coverage.new_lines(partial(reader.read, self.file)) for reader in readers]
        return any(new)

    def _read(self, reader: Reader, data: bytes, outcome: Outcome) -> None:
        """One reader; a second time when it is slow, for a collection of garbage may have come."""
        error = self._raised(reader)
        if isinstance(error, TooSlow):
            gc.collect()
            error = self._raised(reader)
        place = _place(error)
        outcome.path += (reader.name, place)
        outcome.taken[reader.name] = error is None
        outcome.faults += self._faults(reader, error, place, data)

    def _raised(self, reader: Reader) -> BaseException | None:
        """What a reader raises under guard, and its time noted."""
        started = time.perf_counter()
        try:
            with self.guard.watched(self._limits.get(reader.name, 10.0)):
                reader.read(self.file)
        except (Exception, TooSlow) as raised:
            return raised
        finally:
            self._note(reader.name, time.perf_counter() - started)
        return None

    def _faults(
        self, reader: Reader, error: BaseException | None, place: Path_, data: bytes
    ) -> Sequence[Fault]:
        found = [
            Fault(reader.name, touched, ("touched", touched.split("'")[0]))
            for touched in self.guard.touched
            if not self.format.tolerates(data, touched)
        ]
        if isinstance(error, TooSlow):
            what = f"takes more than {self._limits.get(reader.name, 10.0):.2f} s"
            found.append(Fault(reader.name, what, place))
        elif error is not None and not isinstance(error, reader.errors):
            text = f"{type(error).__name__}: {error}"[:300]
            found.append(Fault(reader.name, text, place))
        elif error is not None and _is_unfit(error):
            text = f"{type(error).__name__} that is no printable line: {error!r}"[:300]
            found.append(Fault(reader.name, text, place))
        return found

    def _note(self, reader: str, seconds: float) -> None:
        """Times, until there are enough of them for a limit."""
        times = self._times[reader]
        if len(times) < MEASURED:
            times.append(seconds)
        elif reader not in self._limits:
            self._limits[reader] = max(TIMES * median(times), LEAST)


def _is_unfit(error: BaseException) -> bool:
    """Whether an error of the user's is not a line that a terminal can be given."""
    return isinstance(error, UserError) and not (str(error) and str(error).isprintable())


def _place(error: BaseException | None) -> Path_:
    """The way through our code to where an error was raised: its type and last lines."""
    if error is None:
        return ()
    lines: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith(OWN):
            lines.append(f"{name.removeprefix(str(ROOT))}:{trace.tb_lineno}")
        trace = trace.tb_next
    return (type(error).__name__, *lines[-6:])
