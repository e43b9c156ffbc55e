"""Matmuls whose results the vector cores of a group take further, block by block through L2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from compiler.simulator.instruction import CrossFlag, Instruction, Pipe, Program, Transfer
from workloads.kernels.flags import set_flag, wait_flag
from workloads.kernels.matmul import Matmul
from workloads.kernels.tiles import REPEAT_BYTES, vector

WORKSPACE = 3
"""The argument by index, after those of the matmul; C is what the vector cores write."""

STORED, FREE = 0, 1
"""The flags between cores: a block lies in a slot of the workspace; it was read there."""


@dataclass(frozen=True)
class Mixed:
    """`matmul`, whose blocks go through `slots` of a workspace to `vectors` of two vector cores.

    Each of these takes as many rows of a block, in tiles of `rows`, applies `operations` to their
    elements of four bytes, and writes elements of `result` bytes. With two `buffers` it loads a
    tile while it computes the one before. `fused` operations are one vector function.
    """

    matmul: Matmul
    operations: tuple[str, ...]
    vectors: int = 2
    slots: int = 2
    buffers: int = 2
    rows: int = 32
    result: int = 4
    fused: bool = False

    def programs(self) -> list[Program]:
        """For each block of the kernel, the program of the cube core and of its vector cores."""
        found: list[Program] = []
        for number, program in enumerate(self.matmul.programs()):
            flat = [item for item in program if isinstance(item, Instruction)]
            stores = [item.transfer for item in flat if item.transfer and item.transfer.write]
            found.append(list(self._cube(flat, number)))
            for core in range(2):
                found.append(list(self._vector(stores, number, core)))
        return found

    def _slot(self, number: int, block: int, size: int) -> int:
        return (number * self.slots + block % self.slots) * size

    def _cube(self, program: list[Instruction], number: int) -> Iterator[Instruction]:
        """Blocks go to the workspace, each when its slot was read."""
        block = 0
        for item in program:
            if item.transfer is None or not item.transfer.write:
                yield item
                continue
            if block >= self.slots:
                yield Instruction(Pipe.FIX, "cross_wait", cross=CrossFlag(2, FREE, False))
            at, size = self._slot(number, block, item.bytes), item.bytes
            yield replace(item, transfer=Transfer(WORKSPACE, at, 1, size, 0, True))
            yield Instruction(Pipe.FIX, "cross_set", cross=CrossFlag(2, STORED, True))
            block += 1

    def _vector(self, stores: list[Transfer], number: int, core: int) -> Iterator[Instruction]:
        for event in range(self.buffers):
            yield set_flag(Pipe.V, Pipe.MTE2, event)
            yield set_flag(Pipe.MTE3, Pipe.V, event)
        used = 0
        for block, store in enumerate(stores):
            yield Instruction(Pipe.MTE2, "cross_wait", cross=CrossFlag(2, STORED, False))
            if core < self.vectors:
                share = store.bursts // self.vectors
                for row in range(core * share, (core + 1) * share, self.rows):
                    rows = min(self.rows, (core + 1) * share - row)
                    at = self._slot(number, block, store.bytes) + row * store.burst_bytes
                    yield from self._tile(store, row, rows, at, used % self.buffers)
                    used += 1
            yield Instruction(Pipe.MTE2, "cross_set", cross=CrossFlag(2, FREE, True))

    def _tile(
        self, store: Transfer, row: int, rows: int, at: int, event: int
    ) -> Iterator[Instruction]:
        size = rows * store.burst_bytes
        yield wait_flag(Pipe.V, Pipe.MTE2, event)
        load = Transfer(WORKSPACE, at, 1, size, 0, False)
        yield Instruction(Pipe.MTE2, "load", bytes=size, transfer=load)
        yield set_flag(Pipe.MTE2, Pipe.V, event)
        yield wait_flag(Pipe.MTE2, Pipe.V, event)
        yield wait_flag(Pipe.MTE3, Pipe.V, event)
        yield from self._compute(-(-size // REPEAT_BYTES))
        yield set_flag(Pipe.V, Pipe.MTE2, event)
        yield set_flag(Pipe.V, Pipe.MTE3, event)
        yield wait_flag(Pipe.V, Pipe.MTE3, event)
        yield self._result(store, row, rows)
        yield set_flag(Pipe.MTE3, Pipe.V, event)

    def _compute(self, repeats: int) -> Iterator[Instruction]:
        if self.fused:
            yield Instruction(Pipe.V, "fused", repeats=repeats * len(self.operations), bank_ways=0)
            return
        for name in self.operations:
            yield vector(name, repeats, 4, 2)

    def _result(self, store: Transfer, row: int, rows: int) -> Instruction:
        """Rows of C, whose matmul would have written elements of four bytes."""
        part = self.result / self.matmul.result
        offset, burst, pitch = (
            int(bytes * part)
            for bytes in (store.offset + row * store.pitch, store.burst_bytes, store.pitch)
        )
        transfer = Transfer(store.buffer, offset, rows, burst, pitch, True)
        return Instruction(Pipe.MTE3, "store", bytes=transfer.bytes, transfer=transfer)
