"""When Python looks for garbage: rarely, for the IR is a large graph that lives long."""

from __future__ import annotations

import atexit
import gc


def collect_rarely() -> None:
    """For a process that compiles. At its end nothing is: all memory goes back at once."""
    gc.set_threshold(1_000_000, 50, 1000)
    atexit.register(gc.freeze)
