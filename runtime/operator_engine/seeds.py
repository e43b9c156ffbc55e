"""Seeds of operators that draw random numbers and have none of their own."""

from __future__ import annotations

from typing import cast
from zlib import crc32

from runtime.operator_engine.node import Node


def fresh_seed(node: Node) -> int:
    """A seed of 24 bits for one execution of a node.

    It follows from the node's name and how often the node has run since its model was loaded: other
    numbers in each execution and in each node, and the same ones when the program runs again.
    """
    count = cast(int, node.known.get(fresh_seed, 0))
    node.known[fresh_seed] = count + 1
    return crc32(f"{node.name} {count}".encode()) >> 8
