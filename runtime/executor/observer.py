"""Who wants to see every tensor of a run: a function that executors call after each operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Observer = Callable[[str, str, Sequence[Any]], None]
"""Called with the name of the graph, that of the node, and the node's outputs.

The outputs are views of the device's memory, which the next operators overwrite.
"""
