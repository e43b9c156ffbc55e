"""Where things fit: multiples of a unit, and the lowest gap between what is placed already."""

from __future__ import annotations

from collections.abc import Iterable


def align(value: int, unit: int) -> int:
    """The least multiple of `unit` that is not below `value`."""
    return -(-value // unit) * unit


def first_gap(taken: Iterable[tuple[int, int]], size: int) -> int:
    """The lowest place for `size` that no range of `taken` overlaps; ranges come by their start."""
    place = 0
    for start, end in taken:
        if start - place >= size:
            break
        place = max(place, end)
    return place
