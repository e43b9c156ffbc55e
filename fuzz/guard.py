"""What an input may cost and touch: processor time, memory, files. Everything else is a fault."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OWN = tuple(str(ROOT / name) + "/" for name in ("compiler", "dialects", "runtime"))
INSTALLED = tuple(
    {f"{Path(prefix).resolve()}/" for prefix in (sys.prefix, sys.base_prefix, ROOT / "fuzz")}
)
"""Where code is imported from, and the tables that belong to it."""

GROWTH = 32 << 20
"""Bytes that one input may make the process larger by, all its readers together."""
AGAIN = 0.5
"""Seconds after which the time is up again: what is raised in a destructor, Python ignores."""
HEADROOM = 1 << 30
"""Bytes of address space beyond those of a warm process: an allocation of more fails."""

FORBIDDEN = ("subprocess.", "os.system", "os.exec", "os.fork", "os.spawn", "os.posix_spawn",
             "socket.", "shutil.", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link",
             "os.symlink", "os.chmod", "os.truncate", "os.chdir", "urllib.")  # fmt: skip
LISTS = ("os.listdir", "os.scandir")


class TooSlow(BaseException):
    """Raised inside a reader whose time is up. No reader may catch it, so it is no Exception."""


class Guard:
    """Watches this process; `folder` holds the files that readers are given."""

    def __init__(self, folder: Path) -> None:
        self.folder = f"{folder.resolve()}/"
        self.watching = False
        self.touched: list[str] = []
        sys.addaudithook(self._heard)
        signal.signal(signal.SIGPROF, self._time_is_up)

    def limit_memory(self) -> None:
        """From now on allocations far beyond what is there fail."""
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + HEADROOM
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    @contextmanager
    def watched(self, seconds: float) -> Generator[None]:
        """Calls TooSlow when the block takes more processor time; notes what files it opens."""
        self.touched.clear()
        self.watching = True
        signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN)
        try:
            try:
                yield
            finally:
                self.watching = False
        finally:  # the time may be up in the line above as well
            self.watching = False
            signal.setitimer(signal.ITIMER_PROF, 0)

    def _time_is_up(self, number: int, frame: FrameType | None) -> None:
        if self.watching:
            raise TooSlow

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.watching:
            return
        if event == "open" or event in LISTS:
            path = arguments[0] if arguments[0] is not None else "."
            mode, flags = arguments[1:3] if event == "open" else ("r", 0)
            if not isinstance(path, int) and not self._is_given(os.fsdecode(path), mode, flags):
                verb = "opens" if event == "open" else "lists"
                self.touched.append(f"{verb} {path!r}"[:200])
        elif event.startswith(FORBIDDEN):
            self.touched.append(f"{event} {str(arguments)[:200]}")

    def _is_given(self, path: str, mode: str | None, flags: int) -> bool:
        """Whether a reader may open a file so: to read, and one of ours or of the input's."""
        reads = set(mode or "r") <= set("rbt") and not flags & (os.O_WRONLY | os.O_RDWR)
        # A link that is not followed is judged by where it lies. Names below an open folder come
        # alone: they count from the working directory, which is the folder of the input.
        parent, name = os.path.split(path) if flags & os.O_NOFOLLOW else (path, "")
        real = os.path.join(os.path.realpath(parent), name, "")
        return reads and real.startswith((self.folder, *OWN, *INSTALLED))


def peak() -> int:
    """The most bytes of memory that this process has ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def forget_peak() -> None:
    """Begin to count the peak anew."""
    Path("/proc/self/clear_refs").write_text("5")
