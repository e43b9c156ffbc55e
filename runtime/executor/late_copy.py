"""Weights that are copied when a model first runs, so that loading it reads none of them."""

from __future__ import annotations

from threading import Lock

from runtime.device import Bytes


class LateCopy:
    """`memory` has the bytes of `stored` once it is `ready`: External of a session."""

    def __init__(self, stored: Bytes, memory: Bytes) -> None:
        self._stored: Bytes | None = stored
        self._memory = memory
        self._lock = Lock()

    @property
    def memory(self) -> Bytes:
        """The copy, to read only."""
        view = self._memory.view()
        view.flags.writeable = False
        return view

    def ready(self) -> None:
        """Copies, once."""
        with self._lock:
            if self._stored is not None:
                self._memory[:] = self._stored
                self._stored = None

    def release(self) -> None:
        """Lets go of where the bytes are stored."""
        self._stored = None
