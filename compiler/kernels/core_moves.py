"""The moves of a core whose program was made with loops: counted, not gone through."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate, islice

from compiler.kernels.cores import Arguments, Ran, Runs
from compiler.kernels.expressions import Numbers
from compiler.kernels.nest import Issue
from compiler.simulator.cost import Stream
from compiler.simulator.moves import Move, Moves


class CoreMoves(Moves):
    """The moves of the core at a place: its block index and its index in the group."""

    def __init__(self, ran: Ran, functions: Sequence[Numbers], place: Arguments) -> None:
        self._ran = ran
        self._functions = functions
        self._place = place
        self._first: list[tuple[Move, int]] = []
        self._sums: dict[tuple[Runs, Stream], list[int]] = {}

    @property
    def counts(self) -> Mapping[Move, int]:
        return self._ran.counts

    @property
    def offsets(self) -> Mapping[Move, Collection[int]]:
        found: defaultdict[Move, set[int]] = defaultdict(set)
        for (issue, move), places in self._ran.places.items():
            (start,) = self._functions[issue.shifts[0]](*self._place)
            found[move] |= {start + place for place in places}
        return found

    def reads(self, stream: Stream) -> int:
        return self._ran.reads[stream]

    def nth_read(self, stream: Stream, number: int) -> int:
        return self._find(self._ran, self._place, stream, number)

    def _find(self, ran: Ran, at: Arguments, stream: Stream, number: int) -> int:
        """The offset of a read of a body that runs with these arguments."""
        for item in ran.order:
            if isinstance(item, Runs):
                sums = self._sum(item, stream)
                if number < sums[-1]:
                    turn = bisect_right(sums, number)
                    inside = (*at, item.values[turn])
                    before = sums[turn - 1] if turn else 0
                    return self._find(item.bodies[turn], inside, stream, number - before)
                number -= sums[-1]
            elif item[1].stream == stream and not item[1].transfer.write:
                if number == 0:
                    return self._offset(item[0], at)
                number -= 1
        raise IndexError(f"there are not as many reads of {stream}")

    def _sum(self, runs: Runs, stream: Stream) -> list[int]:
        """How many reads there are after each iteration."""
        key = runs, stream
        if key not in self._sums:
            self._sums[key] = list(accumulate(body.reads[stream] for body in runs.bodies)) or [0]
        return self._sums[key]

    def first(self, count: int) -> Sequence[tuple[Move, int]]:
        if len(self._first) < min(count, self._ran.counts.total()):
            self._first = list(islice(self._walk(self._ran, self._place), count))
        return self._first[:count]

    def _walk(self, ran: Ran, at: Arguments) -> Iterator[tuple[Move, int]]:
        for item in ran.order:
            if isinstance(item, Runs):
                for value, body in zip(item.values, item.bodies, strict=True):
                    yield from self._walk(body, (*at, value))
            else:
                issue, move = item
                yield move, self._offset(issue, at)

    def _offset(self, issue: Issue, at: Arguments) -> int:
        """The offset of an access in bytes, in these iterations of the loops around."""
        shifts = enumerate(issue.shifts, start=2)
        return sum(self._functions[shift](*at[:end])[0] for end, shift in shifts)
