"""The tiles of a problem that fit a core, by rules of thumb from CANN's and CATLASS's tilings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from compiler.planning.cube.problem import (
    ACCUMULATOR,
    BLOCK,
    FRACTAL,
    CubeProblem,
    Resident,
    Tile,
)
from compiler.planning.placement import align
from compiler.soc import Soc
from compiler.soc.core import EVENTS

_SLOTS = (1, 2, 3, 4)
"""Packets of an operand that are in L1 at a time."""

_LARGEST = 512
"""Rows or columns of the largest block: more do not fit L0C beside a single fractal's 16."""


def blocks(problem: CubeProblem, core: Soc) -> list[tuple[int, int, int]]:
    """The m, n and k of blocks that fit L0, k as large as two buffers allow."""
    found: list[tuple[int, int, int]] = []
    rows = _sizes(problem.m, problem.batch * problem.images, core.cube_cores, problem.rows)
    columns = _sizes(problem.n, problem.batch, core.cube_cores)
    for m, n in product(rows, columns):
        tall, wide = align(m, FRACTAL), align(n, FRACTAL)
        if problem.biased and ACCUMULATOR * wide > core.bt > 0:
            continue
        if tall * wide * ACCUMULATOR <= core.l0c and (k := _depth(tall, wide, problem, core)):
            found.append((m, n, k))
    return found


def _sizes(total: int, times: int, cores: int, wanted: tuple[int, ...] = ()) -> list[int]:
    """Sizes that cut `total` into equal pieces or suit the cube, the largest first."""
    whole = align(total, FRACTAL)
    most = min(whole, _LARGEST)
    pieces = {*range(1, 5), *(max(1, cores * turns // times) for turns in (1, 2, 3, 4))}
    equal = {align(-(-total // count), FRACTAL) for count in pieces}
    usual = {16, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 512}
    more = {size for size in wanted if size < total}
    sizes = {size for size in equal | usual | more if size <= most}
    return sorted(sizes, reverse=True)


def _depth(tall: int, wide: int, problem: CubeProblem, core: Soc) -> int:
    """The most k that two buffers of L0A and of L0B hold, in whole fractals."""
    most = min(core.l0a // (2 * tall), core.l0b // (2 * wide)) // problem.element_bytes
    c0 = BLOCK // problem.element_bytes
    return min(most // c0 * c0, align(problem.k, c0))


def tiles(problem: CubeProblem, core: Soc, block: tuple[int, int, int]) -> Iterator[Tile]:
    """The ways to bring a block's operands to L1."""
    m, n, _ = block
    wide = align(n, FRACTAL)
    slots = min(core.l0c // (align(m, FRACTAL) * wide * ACCUMULATOR), 2)
    room = core.l1 - (2 * align(ACCUMULATOR * wide, BLOCK) if problem.biased else 0)
    found = _Tiles(problem, core.cube_cores, block, slots, room)
    yield from found.streaming()
    yield from found.resident(Resident.LEFT)
    yield from found.resident(Resident.RIGHT)


@dataclass(frozen=True, slots=True)
class _Tiles:
    """The tiles with one block, and `room` bytes in L1."""

    problem: CubeProblem
    cores: int
    block: tuple[int, int, int]
    l0c_slots: int
    room: int

    @property
    def whole(self) -> int:
        """All of k."""
        return align(self.problem.k, self.problem.unit)

    @property
    def c0(self) -> int:
        """The k of a fractal."""
        return BLOCK // self.problem.element_bytes

    @property
    def unit(self) -> int:
        """The smallest packet: as much k as L0 holds, in a power of two, or all taps of it."""
        k = self.c0 << ((self.block[2] // self.c0).bit_length() - 1)
        return min(align(k, self.problem.unit), self.whole)

    def tile(
        self, packets: tuple[int, int], slots: tuple[int, int], runs: tuple[int, int], group: int
    ) -> Tile:
        """A tile with the shorter packet cut into equal steps of k."""
        m, n, most = self.block
        shorter = min(packets)
        k = align(-(-shorter // -(-shorter // most)), self.c0)
        return Tile(m, n, k, *packets, *slots, self.l0c_slots, *runs, group)

    def left(self, k: int) -> int:
        """The bytes of a packet of the left operand."""
        return self.problem.left.l1_bytes(self.block[0], k)

    def right(self, k: int) -> int:
        """The bytes of a packet of the right operand."""
        return self.problem.right.l1_bytes(self.block[1], k)

    def streaming(self) -> Iterator[Tile]:
        """Both operands in packets, equal or one a multiple of the other."""
        for left, right in self._packets():
            for slots in self._slots(left, right):
                for group in self._groups():
                    yield self.tile((left, right), slots, (1, 1), group)

    def _groups(self) -> list[int]:
        """Numbers of columns that go together: all, or an even part that shares rows or fits L2."""
        across = -(-self.problem.n // self.block[1])
        down = -(-self.problem.m // self.block[0]) * self.problem.images
        if across * down <= self.cores or down == 1:
            return [across]
        return [across, *(width for width in range(2, min(across // 2, 17)) if across % width == 0)]

    def _slots(self, left: int, right: int) -> list[tuple[int, int]]:
        """As many slots of packets as fit, more of the one operand or of the other.

        Equal numbers of equal packets share their flags.
        """
        a, w = self.left(left), self.right(right)
        events = EVENTS - 2 * self.problem.biased
        fit = [
            (x, y)
            for x in _SLOTS
            for y in _SLOTS
            if x * a + y * w <= self.room and ((x, left) == (y, right) or x + y <= events)
        ]
        return _unbeaten(fit)

    def _packets(self) -> list[tuple[int, int]]:
        sizes = [self.unit]
        while sizes[-1] < self.whole:
            sizes.append(min(2 * sizes[-1], self.whole))
        pairs = [(size, size) for size in sizes]
        for small, large in pairwise(sizes):
            if large % small == 0:
                pairs += [(small, large), (large, small)]
        return pairs

    def resident(self, kind: Resident) -> Iterator[Tile]:
        """One operand with all of its k, the other in the longest packets that fit."""
        problem, left = self.problem, kind is Resident.LEFT
        down = -(-problem.m // self.block[0]) * problem.images
        across = -(-problem.n // self.block[1])
        along, others = (across, down) if left else (down, across)
        kept, streamed = (self.left, self.right) if left else (self.right, self.left)
        for run in _runs(along, problem.batch * others, self.cores):
            for slots in (1, 2):
                room = self.room - slots * kept(self.whole)
                packet = self._longest(lambda k, room=room: 2 * streamed(k) <= room)
                if packet:
                    packets = (self.whole, packet) if left else (packet, self.whole)
                    more = min(room // streamed(packet), 4)
                    each = (slots, more) if left else (more, slots)
                    runs = (run, 1) if left else (1, run)
                    yield self.tile(packets, each, runs, across)

    def _longest(self, fits: Callable[[int], bool]) -> int:
        """The longest packet that fits and leaves several to a block; 0 where none does."""
        packet = self.whole
        while packet >= self.unit:
            if fits(packet):
                return packet
            packet = packet // 2 // self.unit * self.unit
        return 0


def _unbeaten(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of pairs in ascending order those of which no other has as much of both."""
    found: list[tuple[int, int]] = []
    for pair in reversed(pairs):
        if not found or pair[1] > found[-1][1]:
            found.append(pair)
    return found[::-1]


def _runs(along: int, others: int, cores: int) -> list[int]:
    """Lengths of runs that share the blocks evenly among the cores."""
    chunks = {max(1, min(along, cores * turns // others)) for turns in (1, 2, 3)}
    return sorted({-(-along // count) for count in chunks} - {1})
