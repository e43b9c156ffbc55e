"""What the cores of every generation share: their pipes, and the flags between two pipes."""

from __future__ import annotations

from enum import StrEnum

EVENTS = 8
"""Event ids of each pair of pipes (Ascend C's EVENT_ID0 to EVENT_ID7)."""


class Pipe(StrEnum):
    """The in-order queues of an AI core, by their Ascend C names without `PIPE_`."""

    S = "S"
    V = "V"
    M = "M"
    MTE1 = "MTE1"
    MTE2 = "MTE2"
    MTE3 = "MTE3"
    FIX = "FIX"
