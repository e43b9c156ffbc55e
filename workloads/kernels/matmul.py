"""Matmuls in the tilings of published samples, as programs of the cube cores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeAlias

from compiler.simulator.instruction import Instruction, Pipe, Program, Transfer
from workloads.kernels.flags import set_flag, wait_flag

A, B, C = 0, 1, 2
"""The arguments by index; for each operand, the flags of its packets in L1 begin at twice it."""

FRACTAL_ROWS, BLOCK_BYTES = 16, 32

_Flat: TypeAlias = "list[Instruction]"


@dataclass(frozen=True)
class Matmul:
    """C[m, n] = A[m, k] · B, in blocks of L0 size `base`; B is [n, k], or [k, n] with `b_rows`.

    Each core computes `single` rows and columns of C, those at the edge what is left. A load
    brings `step` k-blocks of each operand to L1, where `packets` of them lie. `parts` cuts m and n:
    all cores compute one part of C after another, so that what they share stays in L2.
    `element` and `result` are bytes. With `unit_flag` the fixpipe follows the last mmad of a block
    closely and the first of the next block the fixpipe, instead of one waiting for the other's end.
    With `resident` the packets of A in L1 hold all its k-blocks, and stay there from one block of
    columns to the next. `prologue` and `scalar` are cycles of address arithmetic that the source's
    calls take, before everything and for each k-block.
    """

    m: int
    k: int
    n: int
    single: tuple[int, int]
    base: tuple[int, int, int] = (128, 256, 64)
    step: tuple[int, int] = (8, 4)
    packets: int = 2
    parts: tuple[int, int] = (1, 1)
    b_rows: bool = False
    element: int = 2
    result: int = 2
    unit_flag: bool = False
    resident: bool = False
    prologue: int = 0
    scalar: int = 0

    def programs(self) -> list[Program]:
        """One program for each core."""
        tall, wide = self.single
        rows, columns = self.m // self.parts[0], self.n // self.parts[1]

        @cache
        def core(height: int, width: int) -> _Flat:
            return list(_Core(self, height, width).program())

        return [
            self._everywhere(core(min(tall, rows - m), min(wide, columns - n)), m, n)
            for m in range(0, rows, tall)
            for n in range(0, columns, wide)
        ]

    def _everywhere(self, program: _Flat, m: int, n: int) -> _Flat:
        """A core's program for all parts of C, from that for the part and the place (0, 0)."""
        rows, columns = self.m // self.parts[0], self.n // self.parts[1]
        places = [
            (m + part_m * rows, n + part_n * columns)
            for part_n in range(self.parts[1])
            for part_m in range(self.parts[0])
        ]
        opening = _opening(self)
        return opening + [item for place in places for item in self._move(program, *place)]

    def _move(self, program: _Flat, m: int, n: int) -> _Flat:
        size = self.element
        shift = {
            A: m * self.k * size,
            B: n * size * (1 if self.b_rows else self.k),
            C: (m * self.n + n) * self.result,
        }
        moved: dict[int, Instruction] = {}
        for item in program:
            if item.transfer is not None and id(item) not in moved:
                moved[id(item)] = _shifted(item, item.transfer, shift)
        return [moved.get(id(item), item) for item in program]


def _instruction(make: Callable[..., Instruction], *args: Any, **fields: Any) -> Instruction:
    return make(*args, **fields)


def _shifted(item: Instruction, transfer: Transfer, shift: dict[int, int]) -> Instruction:
    offset = transfer.offset + shift[transfer.buffer]
    return replace(item, transfer=replace(transfer, offset=offset))


def _opening(kernel: Matmul) -> _Flat:
    """Every buffer is free."""
    wait = [Instruction(Pipe.S, "scalar", repeats=kernel.prologue)] if kernel.prologue else []
    packets = [
        set_flag(Pipe.MTE1, Pipe.MTE2, 2 * operand + slot)
        for operand in (A, B)
        for slot in range(kernel.packets)
    ]
    blocks = [set_flag(Pipe.M, Pipe.MTE1, event) for event in (0, 1)]
    return [*wait, *packets, *blocks, set_flag(Pipe.FIX, Pipe.M, 0)]


class _Core:
    """The program of a core that computes `rows` × `columns` of C, at the origin."""

    def __init__(self, kernel: Matmul, rows: int, columns: int) -> None:
        self.kernel = kernel
        self.rows, self.columns = rows, columns
        self.used: Counter[int | str] = Counter()
        self.make = cache(_instruction)

    def program(self) -> Iterator[Instruction]:
        base_m, base_n, _ = self.kernel.base
        for n in range(0, self.columns, base_n):
            for m in range(0, self.rows, base_m):
                block = min(base_m, self.rows - m), min(base_n, self.columns - n)
                yield from self._block(m, n, block)

    def _block(self, m: int, n: int, size: tuple[int, int]) -> Iterator[Instruction]:
        """One block of C: its k-blocks, and what becomes of the sum."""
        yield self.make(wait_flag, Pipe.FIX, Pipe.M, 0)
        steps = -(-self.kernel.k // self.kernel.base[2])
        for step in range(steps):
            yield from self._step(m, n, size, step, last=step == steps - 1)
        yield from self._store(m, n, size)

    def _step(
        self, m: int, n: int, size: tuple[int, int], step: int, *, last: bool
    ) -> Iterator[Instruction]:
        """One k-block: perhaps new packets in L1, both operands to L0, one mmad."""
        kernel = self.kernel
        k = step * kernel.base[2]
        depth = min(kernel.base[2], kernel.k - k)
        if kernel.scalar:
            yield self.make(Instruction, Pipe.S, "scalar", repeats=kernel.scalar)
        for operand, start, length in ((A, m, size[0]), (B, n, size[1])):
            if step % kernel.step[operand] == 0 and not self._stays(operand, n):
                yield from self._load(operand, start, length, k)
        buffer = self.used["L0"] % 2
        yield self.make(wait_flag, Pipe.M, Pipe.MTE1, buffer)
        yield from self._to_l0(n, size, depth, step, last=last)
        yield self.make(set_flag, Pipe.MTE1, Pipe.M, buffer)
        yield self.make(wait_flag, Pipe.MTE1, Pipe.M, buffer)
        yield from self._mmad(size, depth, last=last)
        yield self.make(set_flag, Pipe.M, Pipe.MTE1, buffer)
        self.used["L0"] += 1

    def _load(self, operand: int, start: int, length: int, k: int) -> Iterator[Instruction]:
        """A packet of `length` rows (or columns) from `start`, as many k-blocks as it has."""
        kernel = self.kernel
        event = 2 * operand + self.used[operand] % kernel.packets
        depth = min(kernel.step[operand] * kernel.base[2], kernel.k - k)
        size = kernel.element
        pitch, place, rows, row = kernel.k, (start, k), length, depth
        if operand == B and kernel.b_rows:
            pitch, place, rows, row = kernel.n, (k, start), depth, length
        offset = (place[0] * pitch + place[1]) * size
        transfer = Transfer(operand, offset, rows, row * size, pitch * size, False)
        yield self.make(wait_flag, Pipe.MTE1, Pipe.MTE2, event)
        yield self.make(Instruction, Pipe.MTE2, "nd2nz", bytes=transfer.bytes, transfer=transfer)
        yield self.make(set_flag, Pipe.MTE2, Pipe.MTE1, event)

    def _stays(self, operand: int, n: int) -> bool:
        """Whether a block of C at column `n` finds the operand in L1."""
        return operand == A and self.kernel.resident and n > 0

    def _to_l0(
        self, n: int, size: tuple[int, int], depth: int, step: int, *, last: bool
    ) -> Iterator[Instruction]:
        """Wait for a packet at its first k-block, release it at its last."""
        kernel = self.kernel
        for operand, name in ((A, "load_l0a"), (B, "load_l0b")):
            event = 2 * operand + self.used[operand] % kernel.packets
            if step % kernel.step[operand] == 0 and not self._stays(operand, n):
                yield self.make(wait_flag, Pipe.MTE2, Pipe.MTE1, event)
            rows = -(-size[operand] // FRACTAL_ROWS) * FRACTAL_ROWS
            moved = rows * depth * kernel.element
            yield self.make(Instruction, Pipe.MTE1, name, bytes=moved)
        for operand in (B,) if kernel.resident else (A, B):
            event = 2 * operand + self.used[operand] % kernel.packets
            if last or step % kernel.step[operand] == kernel.step[operand] - 1:
                yield self.make(set_flag, Pipe.MTE1, Pipe.MTE2, event)
                self.used[operand] += 1

    def _mmad(self, size: tuple[int, int], depth: int, *, last: bool) -> Iterator[Instruction]:
        """With the unit flag, the fixpipe starts with the last one."""
        kernel = self.kernel
        height, width = (-(-length // FRACTAL_ROWS) for length in size)
        fractals = height * width * -(-depth * kernel.element // BLOCK_BYTES)
        if kernel.unit_flag and last:
            yield self.make(set_flag, Pipe.M, Pipe.FIX, 0)
        yield self.make(
            Instruction, Pipe.M, "mmad", fractals=fractals, element_bytes=kernel.element
        )

    def _store(self, m: int, n: int, size: tuple[int, int]) -> Iterator[Instruction]:
        kernel = self.kernel
        rows, burst, pitch = size[0], size[1] * kernel.result, kernel.n * kernel.result
        transfer = Transfer(C, m * pitch + n * kernel.result, rows, burst, pitch, True)
        if not kernel.unit_flag:
            yield self.make(set_flag, Pipe.M, Pipe.FIX, 0)
        yield self.make(wait_flag, Pipe.M, Pipe.FIX, 0)
        if kernel.unit_flag:
            yield self.make(set_flag, Pipe.FIX, Pipe.M, 0)
        yield self.make(
            Instruction,
            Pipe.FIX,
            "fixpipe",
            bytes=transfer.bytes,
            element_bytes=kernel.result,
            transfer=transfer,
        )
        if not kernel.unit_flag:
            yield self.make(set_flag, Pipe.FIX, Pipe.M, 0)
