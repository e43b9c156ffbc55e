"""How the reads of a kernel's cores meet: at one place at a time, or again while it is in L2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TypeAlias

from compiler.simulator.cost import Stream
from compiler.simulator.instruction import Transfer

Move: TypeAlias = tuple[Transfer, Stream]

_SAMPLES = 16
"""How many reads of a stream are looked at: kernels repeat themselves."""


@dataclass(frozen=True, slots=True)
class Reads:
    """The transfers of a program in order, and how many cores run it."""

    moves: Sequence[Move]
    cores: int

    def of(self, stream: Stream) -> list[int]:
        """Where in `moves` the stream is read."""
        return [
            at
            for at, (transfer, key) in enumerate(self.moves)
            if key == stream and not transfer.write
        ]


def sharing(programs: Sequence[Reads], stream: Stream) -> float:
    """How many cores read one place of a stream at a time, as all begin together: those that do so
    over the places of their nth reads, the mean over samples of n."""
    read = [(program.moves, program.of(stream), program.cores) for program in programs]
    longest = max(len(places) for _, places, _ in read)
    found: list[float] = []
    for nth in _samples(longest):
        active = [(moves[at[nth]][0].offset, n) for moves, at, n in read if nth < len(at)]
        found.append(sum(n for _, n in active) / len(dict(active)))
    return mean(found)


def hit_share(
    programs: Sequence[Reads], stream: Stream, compulsory: Mapping[Stream, int], l2: int
) -> float:
    """The share of what is read again of `stream` that L2, least recently used out first, holds.

    Between two reads of a place lie the distinct bytes that all cores touch: those of the core
    with most reads, times what all cores need of each buffer over what this one needs.
    """
    program = max(programs, key=lambda program: len(program.of(stream)))
    again = _repeats(program.moves, program.of(stream))
    if not again:
        return 1.0  # only other cores read it again, at about the same time
    own = _own_bytes(program.moves)
    scale = {key: compulsory.get(key, 0) / size if size else 0.0 for key, size in own.items()}
    held = [
        _distance(program.moves[first + 1 : second], scale) <= l2
        for first, second in (again[at] for at in _samples(len(again)))
    ]
    return sum(held) / len(held)


def _samples(count: int) -> list[int]:
    """Evenly spaced numbers below `count`, each in the middle of its part."""
    parts = min(count, _SAMPLES)
    return [(2 * part + 1) * count // (2 * parts) for part in range(parts)]


def _repeats(moves: Sequence[Move], reads: Sequence[int]) -> list[tuple[int, int]]:
    """Each read of what was read before, with the read before it."""
    last: dict[Transfer, int] = {}
    pairs: list[tuple[int, int]] = []
    for at in reads:
        transfer = moves[at][0]
        if transfer in last:
            pairs.append((last[transfer], at))
        last[transfer] = at
    return pairs


def _own_bytes(moves: Sequence[Move]) -> dict[Stream, int]:
    """The distinct bytes that one core moves, by stream; writes count like reads."""
    own: dict[Stream, int] = {}
    for transfer, key in dict.fromkeys(moves):
        own[key] = own.get(key, 0) + transfer.bytes
    return own


def _distance(moves: Sequence[Move], scale: Mapping[Stream, float]) -> float:
    """The distinct bytes that all cores bring into L2 meanwhile."""
    return sum(transfer.bytes * scale[key] for transfer, key in dict.fromkeys(moves) if key.cached)
