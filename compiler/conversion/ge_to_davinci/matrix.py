"""Matrices in global memory as operands of cube kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.ir import SSAValue

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.cube import CubeBuilder, Packet, Room, Rows
from compiler.conversion.ge_to_davinci.index import Index
from compiler.planning.placement import align
from dialects.davinci import LoadL0Op
from dialects.davinci.attributes import Layout, Space
from dialects.davinci.types import c0_of


@dataclass(frozen=True)
class MatrixOperand:
    """Matrices with k as their columns, by the strides of a row and a column in elements.

    `place` is the offset of the first of some rows.
    """

    b: CubeBuilder
    buffer: SSAValue
    name: str
    row: int
    column: int
    place: Callable[[Rows], Index]

    def packet(self, rows: Rows, room: Room) -> Packet:
        """Room in L1 for an NZ matrix."""
        shape = (room.rows, align(room.k, c0_of(room.element)))
        buffer = self.b.alloc(
            shape, room.element, Space.L1, Layout.NZ, buffers=room.slots, name=self.name
        )
        return _Packet(self, rows, buffer)


@dataclass(frozen=True)
class _Packet:
    operand: MatrixOperand
    rows: Rows
    buffer: SSAValue

    def fill(self, start: Index, count: Number, at: Index) -> None:
        """By the instruction that the strides ask for."""
        operand, b = self.operand, self.operand.b
        offset = operand.place(self.rows) + start * operand.column
        strides = (operand.row, operand.column)
        b.to_l1(
            b.access(self.buffer, [0, at]),
            operand.buffer,
            offset,
            strides,
            (self.rows.count, count),
        )

    def to_l0(self, target: SSAValue, at: Index, k: Number) -> None:
        """A window of the matrix."""
        load_window(self.operand.b, target, self.buffer, at, (self.rows.count, k))


def load_window(
    b: CubeBuilder, target: SSAValue, packet: SSAValue, at: Index, sizes: tuple[Number, Number]
) -> None:
    """Rows and columns of an NZ matrix in L1, from column `at` on, to L0."""
    b.emit(LoadL0Op, [b.access(target, [0, 0]), b.access(packet, [0, at])], sizes)
