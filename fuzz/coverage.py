"""Which lines of our own code have been run: an input that runs others is worth changing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from fuzz.guard import OWN


class Coverage:
    """The lines that any call so far has gone through.

    A function of which no line is left to see runs as fast as it does untraced, almost.
    """

    def __init__(self) -> None:
        self.lines = 0
        self._unseen: dict[CodeType, set[int]] = {}

    def new_lines(self, call: Callable[[], object]) -> int:
        """The lines that a call is the first to go through, whatever it raises."""
        before = self.lines
        sys.settrace(self._entered)
        try:
            call()
        except Exception:
            pass  # whoever asks for the lines has seen what the call raises
        finally:
            sys.settrace(None)
        return self.lines - before

    def _entered(self, frame: FrameType, event: str, argument: object) -> Any:
        unseen = self._unseen.get(frame.f_code)
        if unseen is None:
            unseen = self._unseen[frame.f_code] = _lines_of(frame.f_code)
        return self._line if unseen and self._line(frame, event, argument) else None

    def _line(self, frame: FrameType, event: str, argument: object) -> Any:
        unseen = self._unseen[frame.f_code]
        if frame.f_lineno in unseen:
            unseen.remove(frame.f_lineno)
            self.lines += 1
        return self._line if unseen else None


def _lines_of(code: CodeType) -> set[int]:
    """The lines of a function of ours, none of any other."""
    if not code.co_filename.startswith(OWN):
        return set()
    return {line for _, _, line in code.co_lines() if line is not None}
