"""Where things fit: multiples of a unit, and the lowest gap between what is placed already."""

from __future__ import annotations

from collections.abc import Iterable


def align(value: int, unit: int) -> int:
    """The least multiple of `unit` that is not below `value`."""
    return -(-value // unit) * unit


def first_gap(taken: Iterable[tuple[int, int]], size: int, unit: int = 1, offset: int = 0) -> int:
    """The lowest place for `size` that no range of `taken` overlaps; ranges come by their start.

    The place is `offset` behind a multiple of `unit`.
    """
    place = offset
    for start, end in taken:
        if start - place >= size:
            break
        place = max(place, align(end - offset, unit) + offset)
    return place
