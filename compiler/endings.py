"""How a command ends that is interrupted, or whose output nobody reads any more."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

# What a shell says of a program that a signal ended: 128 and the signal's number.
INTERRUPTED = 128 + 2
UNREAD = 128 + 13


def exit_code(run: Callable[[], int]) -> int:
    """What `run` returns, its output flushed; without a traceback on Ctrl-C and a closed pipe."""
    try:
        try:
            return run()
        finally:
            print(end="", flush=True)  # unlike a call of flush, right where stdout is closed
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # What is still in the buffer would be flushed once more, and fail, when Python exits.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
