"""The moves of a core whose program was made with loops: counted, not gone through."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate, islice

from compiler.kernels.cores import Arguments, Ran, Runs, Site, reads
from compiler.kernels.expressions import Numbers
from compiler.simulator.cost import Stream
from compiler.simulator.moves import Move, Moves


class CoreMoves(Moves):
    """The moves of the core at a place: its block index and its index in the group."""

    def __init__(self, ran: Ran, functions: Sequence[Numbers], place: Arguments) -> None:
        self._ran = ran
        self._functions = functions
        self._place = place
        self._counts: Counter[Move] = Counter()
        for site, count in ran.counts.items():
            self._counts[site.move] += count
        self._offsets: defaultdict[Move, set[int]] = defaultdict(set)
        self._first: list[tuple[Move, int]] = []
        self._sums: dict[tuple[Runs, Stream], list[int]] = {}

    @property
    def counts(self) -> Mapping[Move, int]:
        return self._counts

    @property
    def offsets(self) -> Mapping[Move, Collection[int]]:
        if not self._offsets:
            for site, places in self._ran.places.items():
                self._offsets[site.move] |= self._moved(site, places, self._place)
        return self._offsets

    def reads(self, stream: Stream) -> int:
        return self._ran.reads(stream)

    def read_places(self, stream: Stream, first: int, last: int) -> Collection[int]:
        return set(self._read(self._ran, self._place, stream, first, last))

    def _read(
        self, ran: Ran, at: Arguments, stream: Stream, first: int, last: int
    ) -> Iterator[int]:
        """Where a body that runs with these arguments reads, from its first to its last read."""
        if first <= 0 and last >= ran.reads(stream):
            for site, places in ran.places.items():
                if reads(site, stream):
                    yield from self._moved(site, places, at)
            return
        for item in ran.order:
            if isinstance(item, Runs):
                sums = self._sum(item, stream)
                for turn in range(bisect_right(sums, first), bisect_left(sums, last) + 1):
                    if turn < len(sums):
                        before, inside = sums[turn - 1] if turn else 0, (*at, item.values[turn])
                        body = item.bodies[turn]
                        yield from self._read(body, inside, stream, first - before, last - before)
                count = sums[-1]
            elif (count := int(reads(item, stream))) and first <= 0 < last:
                yield self._offset(item, at)
            first, last = first - count, last - count

    def _sum(self, runs: Runs, stream: Stream) -> list[int]:
        """How many reads there are after each iteration."""
        key = runs, stream
        if key not in self._sums:
            self._sums[key] = list(accumulate(body.reads(stream) for body in runs.bodies)) or [0]
        return self._sums[key]

    def first(self, count: int) -> Sequence[tuple[Move, int]]:
        if len(self._first) < min(count, sum(self._ran.counts.values())):
            self._first = list(islice(self._walk(self._ran, self._place), count))
        return self._first[:count]

    def _walk(self, ran: Ran, at: Arguments) -> Iterator[tuple[Move, int]]:
        for item in ran.order:
            if isinstance(item, Runs):
                for value, body in zip(item.values, item.bodies, strict=True):
                    yield from self._walk(body, (*at, value))
            else:
                yield item.move, self._offset(item, at)

    def _moved(self, site: Site, places: Collection[int], at: Arguments) -> set[int]:
        """Offsets that loops inside make, moved by what those around add."""
        start = self._offset(site, at)
        return {start + place for place in places}

    def _offset(self, site: Site, at: Arguments) -> int:
        """The offset of a move in bytes, in these iterations of the loops around."""
        shifts = site.issue.shifts[: len(at) - 1]
        return sum([self._functions[s](*at[:end])[0] for end, s in enumerate(shifts, start=2)])
