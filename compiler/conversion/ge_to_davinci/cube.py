"""Building cube kernels: the loop over k from L1 through L0 into L0C, and out again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from compiler.conversion.ge_to_davinci.builder import KernelBuilder, Number
from compiler.conversion.ge_to_davinci.index import Index
from compiler.conversion.ge_to_davinci.operator import UnsupportedError
from compiler.planning.tiling_cube import CubeTile
from dialects.davinci import (
    Dn2NzOp,
    FixpipeOp,
    LoadBTOp,
    LoadL0Op,
    LoadOp,
    MmadOp,
    Nd2NzOp,
)
from dialects.davinci.attributes import Layout, Space
from dialects.davinci.instruction import Access
from dialects.davinci.types import buffer_of

LoadLeft: TypeAlias = "Callable[[SSAValue, Index, Number], None]"
"""Fill an L0A buffer with `k` columns of the left operand from a column of the packet on."""


@dataclass(frozen=True)
class Block:
    """A block of results in L0C, `m` × `n` of at most the tile's size."""

    tile: CubeTile
    m: Number
    n: Number
    result: SSAValue
    bias: SSAValue | None = None


class CubeBuilder(KernelBuilder):
    """A kernel of matrix products."""

    def to_l1(
        self,
        target: Access,
        source: SSAValue,
        offset: Number,
        strides: Sequence[int],
        sizes: Sequence[Number],
    ) -> None:
        """A matrix from global memory to L1, by the instruction its strides ask for."""
        operation = Nd2NzOp if strides[-1] == 1 else Dn2NzOp
        self.emit(operation, [target, self.access(source, [offset], strides)], sizes)

    def block(self, tile: CubeTile, m: Number, n: Number) -> Block:
        """An empty block of results in L0C."""
        result = self.alloc((tile.m, tile.n), f32, Space.L0C, Layout.NZ, name="c_l0")
        return Block(tile, m, n, result)

    def biased(self, block: Block, bias: SSAValue, offset: Number) -> Block:
        """The block with a bias, brought to the bias table, that its first product adds."""
        element = buffer_of(bias).element_type
        columns = block.tile.n
        if 4 * columns > self.soc.bt:
            raise UnsupportedError(f"{self.soc.name} has no bias table for {columns} columns")
        staged = self.alloc([columns], element, Space.L1, name="bias_l1")
        table = self.alloc([columns], f32, Space.BT, name="bias_bt")
        source = self.access(bias, [offset], [1])
        self.emit(LoadOp, [self.access(staged, [0], [1]), source], [block.n])
        whole = [self.access(buffer, [0], [1]) for buffer in (table, staged)]
        self.emit(LoadBTOp, whole, [block.n])
        return replace(block, bias=table)

    def accumulate(
        self,
        block: Block,
        load_left: LoadLeft,
        right: SSAValue,
        *,
        packet: Number,
        done: Index,
    ) -> None:
        """Add the product over a packet's k to a block.

        `done` is the k of earlier packets: the first product of all overwrites the block.
        """
        tile, element = block.tile, buffer_of(right).element_type
        with self.loop(0, packet, tile.k, name="k") as step:
            k = self.minimum(packet - step, tile.k)
            a = self.alloc((tile.m, tile.k), element, Space.L0A, Layout.ZZ, name="a_l0")
            load_left(a, step, k)
            b = self.alloc((tile.n, tile.k), element, Space.L0B, Layout.ZN, name="b_l0")
            window = self.access(right, [0, step])
            self.emit(LoadL0Op, [self.access(b, [0, 0]), window], [block.n, k])
            operands = [self.access(buffer, [0, 0]) for buffer in (block.result, a, b)]
            if block.bias is not None:
                operands.append(self.access(block.bias, [0], [0, 0, 1]))
            self.emit(MmadOp, operands, [block.m, k, block.n], [done + step])

    def store(self, target: SSAValue, offset: Number, strides: Sequence[int], block: Block) -> None:
        """A block of results to global memory; strides of a row and of a column."""
        destination = self.access(target, [offset], strides)
        source = self.access(block.result, [0, 0])
        self.emit(FixpipeOp, [destination, source], [block.m, block.n])
