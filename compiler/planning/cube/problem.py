"""What a cube kernel computes, and how a tile of it uses a core."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from compiler.planning.placement import align
from compiler.simulator.instruction import Transfer

FRACTAL = 16
"""Rows of a fractal, and columns of a block of results."""

BLOCK = 32
"""Bytes of a row of a fractal."""

ACCUMULATOR = 4
"""Bytes of a result in L0C."""


class TilingError(Exception):
    """No tile of an operator fits the core's memories."""


class Resident(Enum):
    """Which operand stays in L1 with all of its k while the other one streams past it."""

    NONE = 0
    LEFT = 1
    RIGHT = 2


class Source(Protocol):
    """An operand in global memory, seen as a matrix whose columns are k."""

    @property
    def size(self) -> int:
        """The bytes of the whole operand."""
        ...

    def l1_bytes(self, rows: int, k: int) -> int:
        """The bytes in L1 of a packet of `rows` and `k`."""
        ...

    def loads(self, rows: int, k: int) -> tuple[int, Transfer]:
        """How many DMA instructions bring a packet to L1, and one of them."""
        ...


@dataclass(frozen=True, slots=True)
class CubeProblem:
    """Results of m × n, each the sum of k products, for `batch` × `images` pairs of operands.

    The right operand is the same for all `images` of a batch. `unit` is what packets of k are a
    multiple of: a fractal's columns, or all taps of as many channels.
    """

    m: int
    n: int
    k: int
    left: Source
    right: Source
    element_bytes: int
    result_bytes: int
    unit: int
    batch: int = 1
    images: int = 1
    biased: bool = False
    rows: tuple[int, ...] = ()
    """Numbers of rows that suit the left operand, beside multiples of a fractal."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A block of m × n results in L0C, with k at a time in L0.

    `left` and `right` are the k of a packet in L1, as many of which lie there as an operand has
    slots: all of k where the operand is resident, otherwise the larger a multiple of the smaller.
    An operand with a run above 1 is resident for so many blocks along the other one. Without one
    the cores go down `group` columns of blocks after each other.
    """

    m: int
    n: int
    k: int
    left: int
    right: int
    left_slots: int
    right_slots: int
    l0c_slots: int
    left_run: int = 1
    right_run: int = 1
    group: int = 1

    @property
    def kept(self) -> Resident:
        """The operand that stays in L1."""
        if self.run == 1:
            return Resident.NONE
        return Resident.LEFT if self.left_run > 1 else Resident.RIGHT

    @property
    def run(self) -> int:
        """The blocks for which a resident operand stays, 1 where none does."""
        return max(self.left_run, self.right_run)

    def width(self, across: int) -> int:
        """The columns of blocks that go together: all `across` where `group` does not cut them."""
        return across if across % self.group else self.group

    @property
    def rows(self) -> int:
        """The rows of the buffers: whole fractals."""
        return align(self.m, FRACTAL)

    @property
    def columns(self) -> int:
        """The columns of the buffers: whole fractals."""
        return align(self.n, FRACTAL)

    def check(self, problem: CubeProblem) -> None:
        """TilingError for sizes, set by hand, that do not go together."""
        packets = {Resident.LEFT: self.left, Resident.RIGHT: self.right}
        if min(self.left_run, self.right_run) > 1:
            raise TilingError("one operand at most has a run above 1")
        if packets.get(self.kept, problem.k) < problem.k:
            raise TilingError(f"an operand with a run has all {problem.k} of k in its packet")
        if self.left % problem.unit or self.right % problem.unit:
            raise TilingError(f"left and right are multiples of {problem.unit}")

    def most_blocks(self, problem: CubeProblem, cores: int) -> int:
        """How many blocks the core with most has, when pieces of work are dealt in turn."""
        down, across = -(-problem.m // self.m) * problem.images, -(-problem.n // self.n)
        line = {Resident.NONE: 1, Resident.LEFT: across, Resident.RIGHT: down}[self.kept]
        chunks, count = -(-line // self.run), self.items(problem)
        sizes = [min(self.run, line - item % chunks * self.run) for item in range(count)]
        return max(sum(sizes[core::cores]) for core in range(min(cores, count)))

    def items(self, problem: CubeProblem) -> int:
        """The pieces of work that are dealt to the cores."""
        down = -(-problem.m // self.m) * problem.images
        across = -(-problem.n // self.n)
        match self.kept:
            case Resident.NONE:
                return problem.batch * down * across
            case Resident.LEFT:
                return problem.batch * down * -(-across // self.run)
            case Resident.RIGHT:
                return problem.batch * across * -(-down // self.run)
