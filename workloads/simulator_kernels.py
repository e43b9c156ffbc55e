"""Hand-written programs of the published kernels that the simulator is tested and measured with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from compiler.simulator.instruction import Flag, Instruction, Pipe, Program, Transfer

A, B, C = 0, 1, 2
"""The arguments of a matmul and of an addition, by index."""


def set_flag(source: Pipe, destination: Pipe, event: int) -> Instruction:
    """Raise a flag."""
    return Instruction(source, "set_flag", flag=Flag(source, destination, event))


def wait_flag(source: Pipe, destination: Pipe, event: int) -> Instruction:
    """Await and clear a flag."""
    return Instruction(destination, "wait_flag", flag=Flag(source, destination, event))


@dataclass(frozen=True)
class Matmul:
    """C[m, n] = A[m, k] · B[n, k]ᵀ in fp16, in blocks of L0 size.

    Each core computes `single` rows and columns of C, those at the edge what is left.
    `step_a`, `step_b`: k-blocks that one load brings to L1; two such packets lie there.
    """

    m: int
    n: int
    k: int
    single: tuple[int, int]
    base: tuple[int, int, int] = (128, 256, 64)
    step_a: int = 8
    step_b: int = 4
    element: int = 2

    def programs(self) -> list[Program]:
        """One program for each core."""
        tall, wide = self.single

        @cache
        def core(rows: int, columns: int) -> Program:
            return list(self._core(rows, columns))

        return [
            self._move(core(min(tall, self.m - m), min(wide, self.n - n)), m, n)
            for m in range(0, self.m, tall)
            for n in range(0, self.n, wide)
        ]

    def _move(self, program: Program, m: int, n: int) -> Program:
        """The program of the core whose part of C begins at (m, n), from that at (0, 0)."""
        size = self.element
        shift = {A: m * self.k * size, B: n * self.k * size, C: (m * self.n + n) * size}
        return [_shifted(instruction, shift) for instruction in program]

    def _core(self, core_m: int, core_n: int) -> Iterator[Instruction]:
        base_m, base_n, base_k = self.base
        for event in (0, 1):
            yield set_flag(Pipe.MTE1, Pipe.MTE2, event)
            yield set_flag(Pipe.MTE1, Pipe.MTE2, 2 + event)
            yield set_flag(Pipe.M, Pipe.MTE1, event)
        yield set_flag(Pipe.FIX, Pipe.M, 0)
        loads = {"A": 0, "B": 0, "L0": 0}
        for m in range(0, core_m, base_m):
            for n in range(0, core_n, base_n):
                yield wait_flag(Pipe.FIX, Pipe.M, 0)
                for k in range(0, self.k, base_k):
                    yield from self._step(m, n, k, loads)
                yield from self._store(m, n)

    def _step(self, m: int, n: int, k: int, loads: dict[str, int]) -> Iterator[Instruction]:
        """One k-block: perhaps new packets in L1, both operands to L0, one mmad."""
        base_m, base_n, base_k = self.base
        block = k // base_k
        if block % self.step_a == 0:
            yield from self._load(A, m, k, self.step_a, loads["A"] % 2)
        if block % self.step_b == 0:
            yield from self._load(B, n, k, self.step_b, 2 + loads["B"] % 2)
        buffer = loads["L0"] % 2
        yield wait_flag(Pipe.M, Pipe.MTE1, buffer)
        yield from self._to_l0("load_l0a", base_m, block, self.step_a, loads["A"] % 2)
        yield from self._to_l0("load_l0b", base_n, block, self.step_b, 2 + loads["B"] % 2)
        yield set_flag(Pipe.MTE1, Pipe.M, buffer)
        yield wait_flag(Pipe.MTE1, Pipe.M, buffer)
        fractals = (base_m // 16) * (base_n // 16) * (base_k // 16)
        yield Instruction(Pipe.M, "mmad", fractals=fractals)
        yield set_flag(Pipe.M, Pipe.MTE1, buffer)
        loads["L0"] += 1
        loads["A"] += block % self.step_a == self.step_a - 1
        loads["B"] += block % self.step_b == self.step_b - 1

    def _load(self, buffer: int, row: int, k: int, step: int, event: int) -> Iterator[Instruction]:
        rows = self.base[buffer]
        size = self.element
        burst = step * self.base[2] * size
        transfer = Transfer(buffer, (row * self.k + k) * size, rows, burst, self.k * size, False)
        yield wait_flag(Pipe.MTE1, Pipe.MTE2, event)
        yield Instruction(Pipe.MTE2, "nd2nz", bytes=rows * burst, transfer=transfer)
        yield set_flag(Pipe.MTE2, Pipe.MTE1, event)

    def _to_l0(
        self, name: str, rows: int, block: int, step: int, event: int
    ) -> Iterator[Instruction]:
        """Wait for a packet at its first k-block, release it at its last."""
        if block % step == 0:
            yield wait_flag(Pipe.MTE2, Pipe.MTE1, event)
        yield Instruction(Pipe.MTE1, name, bytes=rows * self.base[2] * self.element)
        if block % step == step - 1:
            yield set_flag(Pipe.MTE1, Pipe.MTE2, event)

    def _store(self, m: int, n: int) -> Iterator[Instruction]:
        base_m, base_n, _ = self.base
        size = self.element
        pitch = self.n * size
        transfer = Transfer(C, (m * self.n + n) * size, base_m, base_n * size, pitch, True)
        yield set_flag(Pipe.M, Pipe.FIX, 0)
        yield wait_flag(Pipe.M, Pipe.FIX, 0)
        yield Instruction(Pipe.FIX, "fixpipe", bytes=base_m * base_n * size, transfer=transfer)
        yield set_flag(Pipe.FIX, Pipe.M, 0)


def _shifted(instruction: Instruction, shift: dict[int, int]) -> Instruction:
    transfer = instruction.transfer
    if transfer is None:
        return instruction
    offset = transfer.offset + shift[transfer.buffer]
    return replace(instruction, transfer=replace(transfer, offset=offset))


@dataclass(frozen=True)
class Add:
    """C = A + B in fp16, flat, in tiles of `tile` elements with one or two buffers.

    With one buffer a tile is loaded when the one before it has been stored: the published times
    of the pipes add up to the core's.
    """

    elements: int
    cores: int
    tile: int
    buffers: int

    def programs(self) -> list[Program]:
        """One program for each core: each takes every `cores`-th tile."""
        tiles = -(-self.elements // self.tile)
        return [list(self._core(range(core, tiles, self.cores))) for core in range(self.cores)]

    def _core(self, tiles: range) -> Iterator[Instruction]:
        for event in range(self.buffers):
            yield set_flag(Pipe.MTE3, Pipe.MTE2, event)
        for count, tile in enumerate(tiles):
            yield from self._tile(tile, count % self.buffers)

    def _tile(self, tile: int, event: int) -> Iterator[Instruction]:
        size = self.tile * 2
        at = tile * size
        yield wait_flag(Pipe.MTE3, Pipe.MTE2, event)
        for operand in (A, B):
            load = Transfer(operand, at, 1, size, 0, False)
            yield Instruction(Pipe.MTE2, "load", bytes=size, transfer=load)
        yield set_flag(Pipe.MTE2, Pipe.V, event)
        yield wait_flag(Pipe.MTE2, Pipe.V, event)
        yield Instruction(Pipe.V, "add", repeats=size // 256)
        yield set_flag(Pipe.V, Pipe.MTE3, event)
        yield wait_flag(Pipe.V, Pipe.MTE3, event)
        store = Transfer(C, at, 1, size, 0, True)
        yield Instruction(Pipe.MTE3, "store", bytes=size, transfer=store)
        yield set_flag(Pipe.MTE3, Pipe.MTE2, event)
