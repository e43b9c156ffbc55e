"""How the reads of a kernel's cores meet: at one place at a time, or again while it is in L2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from statistics import mean

from compiler.simulator.cost import Stream
from compiler.simulator.moves import Move, Moves

_SAMPLES = 16
"""How many reads of a stream are looked at: kernels repeat themselves."""

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
        _distance(moves[first + 1 : second], scale) <= l2
        for first, second in (again[at] for at in _samples(len(again)))
    ]
    return sum(held) / len(held)


def _samples(count: int) -> list[int]:
    """Evenly spaced numbers below `count`, each in the middle of its part."""
    parts = min(count, _SAMPLES)
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
