"""Vector kernels that stream tiles through UB, in the tilings of published samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compiler.planning.placement import align
from compiler.simulator.instruction import Instruction, Pipe, Program, Transfer
from workloads.kernels.flags import set_flag, wait_flag

REPEAT_BYTES = 256
SHARE_BYTES = 512
"""Cores take multiples of it: what begins on a line of L2 is loaded faster."""

CONFLICTING = frozenset({"add", "mul", "div", "copy"})
SQUARE = "mul²"
"""A product whose sources are one."""


def vector(name: str, repeats: int, element: int, ways: int) -> Instruction:
    """A vector instruction; the sources of some meet in `ways` blocks of a bank group."""
    return Instruction(
        Pipe.V,
        name.removesuffix("²"),
        repeats=repeats,
        element_bytes=element,
        bank_ways=ways if name in CONFLICTING else 1,
    )


@dataclass(frozen=True)
class Tiles:
    """`operations`, one vector instruction each, on tiles of `tile` elements of flat tensors.

    `inputs` tensors are read and one is written, of `element` bytes; each core takes
    one part of all. With one buffer a tile is loaded when the one before it has been stored, or
    with `overlap` when it has been computed; with two it is loaded meanwhile. `cached=False`
    reads past L2. `ways`: how many blocks of a repeat share a bank group of UB,
    in instructions with two sources and in copies.
    """

    elements: int
    cores: int
    tile: int
    buffers: int = 2
    operations: tuple[str, ...] = ("add",)
    inputs: int = 2
    element: int = 2
    overlap: bool = False
    cached: bool = True
    ways: int = 2

    def programs(self) -> list[Program]:
        """One program for each core."""
        share = align(-(-self.elements // self.cores), SHARE_BYTES // self.element)
        starts = range(0, self.elements, share)
        return [list(self._core(at, min(at + share, self.elements))) for at in starts]

    def _core(self, start: int, end: int) -> Iterator[Instruction]:
        for event in range(self.buffers):
            yield set_flag(Pipe.MTE3, Pipe.V, event)
            yield set_flag(self._frees, Pipe.MTE2, event)
        for count, first in enumerate(range(start, end, self.tile)):
            yield from self._tile(first, min(self.tile, end - first), count % self.buffers)

    @property
    def _frees(self) -> Pipe:
        """The pipe that is the last to hold up the next load."""
        return Pipe.V if self.overlap or self.buffers > 1 else Pipe.MTE3

    def _tile(self, first: int, elements: int, event: int) -> Iterator[Instruction]:
        size, at = elements * self.element, first * self.element
        yield wait_flag(self._frees, Pipe.MTE2, event)
        for operand in range(self.inputs):
            load = Transfer(operand, at, 1, size, 0, False, self.cached)
            yield Instruction(Pipe.MTE2, "load", bytes=size, transfer=load)
        yield set_flag(Pipe.MTE2, Pipe.V, event)
        yield wait_flag(Pipe.MTE2, Pipe.V, event)
        yield wait_flag(Pipe.MTE3, Pipe.V, event)
        yield from self._compute(size)
        if self._frees is Pipe.V:
            yield set_flag(Pipe.V, Pipe.MTE2, event)
        yield set_flag(Pipe.V, Pipe.MTE3, event)
        yield wait_flag(Pipe.V, Pipe.MTE3, event)
        store = Transfer(self.inputs, at, 1, size, 0, True)
        yield Instruction(Pipe.MTE3, "store", bytes=size, transfer=store)
        yield set_flag(Pipe.MTE3, Pipe.V, event)
        if self._frees is Pipe.MTE3:
            yield set_flag(Pipe.MTE3, Pipe.MTE2, event)

    def _compute(self, size: int) -> Iterator[Instruction]:
        for name in self.operations:
            yield vector(name, -(-size // REPEAT_BYTES), self.element, self.ways)
