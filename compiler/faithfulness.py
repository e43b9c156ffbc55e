"""Whether to do what the real tools do, also where they lose data without a word."""

from __future__ import annotations

import os


def is_faithful() -> bool:
    """Whether the environment asks for it, of the compiler and of the device alike."""
    return os.environ.get("ASCEND_OPT_FAITHFUL") == "1"
