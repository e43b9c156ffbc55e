"""How a command ends: at once, also when it is interrupted or its output cannot be written."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress

# What a shell says of a program that a signal ended: 128 and the signal's number.
INTERRUPTED = 128 + 2
UNREAD = 128 + 13


def collect_rarely() -> None:
    """For a process that compiles: the IR is a large graph that lives long. At the end there is
    nothing to collect, all memory goes back at once."""
    gc.set_threshold(1_000_000, 50, 1000)
    atexit.register(gc.freeze)


def exit_code(run: Callable[[], int]) -> int:
    """What `run` returns, its output flushed; without a traceback where that ends badly."""
    code = 0
    try:
        try:
            code = run()
        finally:
            print(end="", flush=True)  # unlike a call of flush, right where stdout is closed
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        _give_up_output()
        code = UNREAD
    except OSError as error:
        _give_up_output()
        if code == 0:  # else `run` has said so already
            print(f"error: standard output: {error.strerror}", file=sys.stderr)
            code = 1
    return code


def _give_up_output() -> None:
    """What is still in the buffer would be flushed once more, and fail, when Python exits."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
