"""Uses of memory as bits: each byte range by each pipe, read or written, and each flag cleared."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate

from compiler.planning.sync_program import PIPES, Event, Range
from compiler.soc.core import EVENTS

READ, WRITE = 0, 1


class Uses:
    """Numbers the slots of buffers, their `places`, and says which uses exclude each other."""

    def __init__(self, buffers: Sequence[Sequence[Range]]):
        self.slots = [len(ranges) for ranges in buffers]
        self.first = [0, *accumulate(self.slots)]
        places = [place for ranges in buffers for place in ranges]
        self._flags = len(places) * len(PIPES) * 2
        self._overlaps = [
            [i for i, other in enumerate(places) if place.overlaps(other)] for place in places
        ]
        self.spoils = [
            sum(1 << i for i in overlaps if i != number and places[number].local)
            for number, overlaps in enumerate(self._overlaps)
        ]
        """For each place the others that lose what they hold when it is written."""
        self.reading = cache(self._reading)
        self.writing = cache(self._writing)

    def bit(self, place: int, pipe: int, kind: int) -> int:
        """The use of a place by a pipe."""
        return 1 << ((place * len(PIPES) + pipe) * 2 + kind)

    def is_write(self, bit: int) -> bool:
        """Whether the use is a write."""
        return (bit.bit_length() - 1) % 2 == WRITE

    def clearing(self, event: Event) -> int:
        """The clearing of a flag by its wait."""
        pair = event.source * len(PIPES) + event.destination
        return 1 << (self._flags + pair * EVENTS + event.id)

    def _reading(self, place: int, pipe: int) -> int:
        """What must be over before a pipe reads a place: other pipes' writes to its bytes."""
        return self._of_others(place, pipe, (WRITE,))

    def _writing(self, place: int, pipe: int) -> int:
        """What must be over before a pipe writes a place: all other pipes' uses of its bytes."""
        return self._of_others(place, pipe, (READ, WRITE))

    def _of_others(self, place: int, pipe: int, kinds: Sequence[int]) -> int:
        return sum(
            self.bit(other, by, kind)
            for other in self._overlaps[place]
            for by in range(len(PIPES))
            for kind in kinds
            if by != pipe
        )
