"""How the reads of a kernel's cores meet: at one place at a time, or again while it is in L2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from math import exp, lgamma, log
from statistics import mean

from compiler.simulator.cost import Stream
from compiler.simulator.moves import Move, Moves

_SAMPLES = 16
"""How many reads of a stream are looked at: kernels repeat themselves."""

_SPANS = 3
"""How many spans of reads: their length is what takes time."""

_WAYS = 24
"""Lines of a set of L2, in the operator profiler's model of Atlas A2."""

_FIRST = 1 << 13
"""How many moves of a core are looked at, for what it moves again."""


def sharing(cores: Sequence[Moves], stream: Stream) -> float:
    """How many cores read one place of a stream at a time, as all begin together: those that do so
    over the places of their nth reads, the mean over samples of n."""
    reads = [(moves, moves.reads(stream)) for moves in cores]
    found: list[float] = []
    for nth in _samples(max(count for _, count in reads)):
        active = [(moves.nth_read(stream, nth), moves.cores) for moves, n in reads if nth < n]
        found.append(sum(n for _, n in active) / len(dict(active)))
    return mean(found)


def readers(cores: Sequence[Moves], stream: Stream, l2: int) -> float:
    """How many cores read one place of a stream while it is in L2, at a time or one after another.

    Looked at are spans of reads in which all cores together touch no more than half of L2; the
    other streams take their part of that.
    """
    most = max(cores, key=lambda moves: moves.reads(stream))
    count, own = most.reads(stream), _own_bytes(most)
    room = l2 // 2 * own[stream] / sum(own.values())
    room /= _bytes(most, stream) / count
    return mean(_readers(cores, stream, nth, room) for nth in _samples(count, _SPANS))


def _readers(cores: Sequence[Moves], stream: Stream, nth: int, room: float) -> float:
    """Those of the longest span around the nth read that has room for its places."""
    count = max(moves.reads(stream) for moves in cores)
    span, found = 1, 1.0
    while True:
        first = max(0, min(nth - span // 2, count - span))
        places: Counter[int] = Counter()
        for moves in cores:
            last = min(first + span, moves.reads(stream))
            offsets = moves.read_places(stream, first, last)
            for _ in range(moves.cores):
                places.update(offsets)
        if span > 1 and len(places) > room:
            return found
        found = places.total() / len(places)
        if span >= count:
            return found
        span *= 2


def _bytes(moves: Moves, stream: Stream) -> int:
    """What one core reads of a stream."""
    reads = [(move, n) for move, n in moves.counts.items() if move.stream == stream]
    return sum(move.transfer.bytes * n for move, n in reads if not move.transfer.write)


def hit_share(
    cores: Sequence[Moves], stream: Stream, compulsory: Mapping[Stream, int], l2: int
) -> float:
    """The share of what is read again of `stream` that L2, least recently used out first, holds.

    Between two reads of a place lie the distinct bytes that all cores touch: those of the core
    with most reads, times what all cores need of each buffer over what this one needs.
    """
    core = max(cores, key=lambda moves: moves.reads(stream))
    moves = core.first(_FIRST)
    kinds = {id(move) for move in core.counts if move.stream == stream and not move.transfer.write}
    again = _repeats(moves, kinds)
    if not again:
        return 1.0  # only other cores read it again, at about the same time
    own = _own_bytes(core)
    scale = {key: compulsory.get(key, 0) / size if size else 0.0 for key, size in own.items()}
    held = [
        _held(_distance(moves[first + 1 : second], scale) / l2)
        for first, second in (again[at] for at in _samples(len(again)))
    ]
    return sum(held) / len(held)


def _held(part: float) -> float:
    """How likely a line is still there when lines for that part of all of L2 were brought since.

    Addresses are spread over its sets at random: a line is gone when its set got as many others as
    it has ways.
    """
    others = _WAYS * part
    return sum(exp(n * log(others) - others - lgamma(n + 1)) for n in range(_WAYS)) if others else 1


def _samples(count: int, most: int = _SAMPLES) -> list[int]:
    """Evenly spaced numbers below `count`, each in the middle of its part."""
    parts = min(count, most)
    return [(2 * part + 1) * count // (2 * parts) for part in range(parts)]


def _repeats(moves: Sequence[tuple[Move, int]], kinds: Collection[int]) -> list[tuple[int, int]]:
    """Each move of these kinds that was made before, with the one before it."""
    last: dict[tuple[int, int], int] = {}
    pairs: list[tuple[int, int]] = []
    for at, (move, offset) in enumerate(moves):
        if id(move) in kinds:
            place = id(move), offset
            if place in last:
                pairs.append((last[place], at))
            last[place] = at
    return pairs


def _own_bytes(moves: Moves) -> dict[Stream, int]:
    """The distinct bytes that one core moves, by stream; writes count like reads."""
    own: dict[Stream, int] = {}
    for (transfer, key), offsets in moves.offsets.items():
        own[key] = own.get(key, 0) + transfer.bytes * len(offsets)
    return own


def _distance(moves: Sequence[tuple[Move, int]], scale: Mapping[Stream, float]) -> float:
    """The distinct bytes that all cores bring into L2 meanwhile."""
    distinct = {(id(move), offset): move for move, offset in moves}
    counts = Counter(map(id, distinct.values()))
    return sum(
        move.transfer.bytes * counts[id(move)] * scale[move.stream]
        for move in {id(move): move for move in distinct.values()}.values()
        if move.stream.cached
    )
