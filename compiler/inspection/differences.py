"""A difference between two offline models, and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Difference:
    """What is `old` in the first file and `new` in the second; None where it is not there.

    `place` leads to it from the outside in.
    """

    place: tuple[str, ...]
    old: Any
    new: Any

    def inside(self, *place: str) -> Difference:
        """The same difference, further in."""
        return replace(self, place=tuple(filter(None, (*place, *self.place))))

    def __str__(self) -> str:
        place = ": ".join(filter(None, self.place))
        if self.old is None:
            return f"+ {place}: {self.new}"
        if self.new is None:
            return f"- {place}: {self.old}"
        return f"{place}: {self.old} → {self.new}"


def changed(place: str, old: Any, new: Any) -> Iterator[Difference]:
    """A difference where two values are not the same."""
    if old != new:
        yield Difference((place,), old, new)


def matched(
    what: str,
    old: Mapping[str, T],
    new: Mapping[str, T],
    shown: Callable[[T], Any],
    compare: Callable[[T, T], Iterator[Difference]],
) -> Iterator[Difference]:
    """Things that only one side has, and the differences of those that both have, by name."""
    for name in dict.fromkeys([*old, *new]):
        place = " ".join(filter(None, (what, name)))
        if name not in new:
            yield Difference((place,), shown(old[name]), None)
        elif name not in old:
            yield Difference((place,), None, shown(new[name]))
        else:
            yield from (found.inside(place) for found in compare(old[name], new[name]))
