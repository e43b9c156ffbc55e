"""Building cube kernels: packets of k in L1, steps of k in L0, sums in L0C, and out again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from xdsl.dialects.builtin import UnitAttr, bf16, f16, f32, i8, i32
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.ge_to_davinci.builder import KernelBuilder, Number
from compiler.conversion.ge_to_davinci.index import Index, delinearize
from compiler.conversion.ge_to_davinci.operator import Operator, Tensor, UnsupportedError
from compiler.planning.cube import CubeProblem, Resident, Tile
from compiler.planning.cube.problem import ACCUMULATOR
from dialects.davinci import (
    BroadcastL0COp,
    Dn2NzOp,
    FixpipeOp,
    LoadBTOp,
    LoadOp,
    MmadOp,
    Nd2NzOp,
)
from dialects.davinci.attributes import Layout, Space
from dialects.davinci.instruction import Access
from dialects.davinci.types import buffer_of


@dataclass(frozen=True)
class Rows:
    """Rows of an operand: `count` from `first` on in the matrix of a batch and image.

    `number` counts the blocks' rows or columns that come before.
    """

    batch: Index
    image: Index
    number: Index
    first: Index
    count: Number


@dataclass(frozen=True)
class Room:
    """What a buffer in L1 has room for, the number of its slots, and the element type.

    `rows` are whole fractals, `points` the rows a block has at most.
    """

    points: int
    rows: int
    k: int
    slots: int
    element: Attribute


class Packet(Protocol):
    """Room in L1 for part of an operand's k."""

    def fill(self, start: Index, count: Number, at: Index) -> None:
        """Bring `count` of k from `start` on from global memory, to column `at`."""
        ...

    def to_l0(self, target: SSAValue, at: Index, k: Number) -> None:
        """Bring `k` columns from `at` on to L0A or L0B."""
        ...


class Operand(Protocol):
    """An operand of a product, the left one with its rows as m, the right one as n."""

    def packet(self, rows: Rows, room: Room) -> Packet:
        """Room in L1 for those rows of it."""
        ...


@dataclass(frozen=True)
class Block:
    """A block of results in L0C, `m` × `n` of at most the tile's size."""

    tile: Tile
    left: Rows
    right: Rows
    result: SSAValue
    element: Attribute
    """Of the operands."""
    bias: SSAValue | None = None
    begun: bool = False
    """Whether there is something in it already that all products are added to."""


def accumulator(element: Attribute) -> Attribute:
    """The type in which products of an element type are summed."""
    return i32 if element == i8 else f32


def check_result(operator: Operator, operand: Tensor) -> None:
    """UnsupportedError unless the sums of products can leave as they are, and begin with the bias.

    An offset of the operand would need a sum of the other one.
    """
    result, bias = operator.outputs[0].element, operator.input("bias")
    whole = operand.element == i8
    allowed = [i32] if whole else [f16, bf16, f32]
    if result not in allowed or (bias is not None and bias.element not in allowed):
        raise UnsupportedError(f"products of {operand.element} with a result or bias of {result}")
    if whole and operator.int("offset_x", 0):
        raise UnsupportedError("an offset of the integers")


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

    def biased(self, block: Block, bias: SSAValue, offset: Number) -> Block:
        """The block with a bias: in the bias table for its first product, or in L0C before it."""
        element, columns = buffer_of(bias).element_type, block.tile.columns
        source, count = self.access(bias, [offset], [1]), block.right.count
        if not self.soc.bt:
            staged = self.alloc([columns], element, Space.UB, name="bias_ub")
            self.emit(LoadOp, [self.access(staged, [0], [1]), source], [count])
            rows = self.access(staged, [0], [0, 1])
            begin = self.access(block.result, [0, 0])
            self.emit(BroadcastL0COp, [begin, rows], [block.left.count, count])
            return replace(block, begun=True)
        if ACCUMULATOR * columns > self.soc.bt:
            raise UnsupportedError(f"{self.soc.name} has no bias table for {columns} columns")
        staged = self.alloc([columns], element, Space.L1, name="bias_l1")
        table = self.alloc([columns], accumulator(block.element), Space.BT, name="bias_bt")
        self.emit(LoadOp, [self.access(staged, [0], [1]), source], [count])
        whole = [self.access(buffer, [0], [1]) for buffer in (table, staged)]
        self.emit(LoadBTOp, whole, [count])
        return replace(block, bias=table)

    def store(
        self,
        target: SSAValue,
        offset: Number,
        strides: Sequence[int],
        block: Block,
        *,
        relu: bool = False,
    ) -> None:
        """A block of results to global memory; strides of a row and of a column."""
        accesses = [self.access(target, [offset], strides), self.access(block.result, [0, 0])]
        sizes = [block.left.count, block.right.count]
        if relu:
            self.emit(FixpipeOp, accesses, sizes, relu=UnitAttr())
        else:
            self.emit(FixpipeOp, accesses, sizes)


@dataclass(frozen=True)
class Products:
    """The loops of a product: pieces of work by core, blocks, packets of k, steps of k.

    `begin` may give a block a bias, `end` stores it.
    """

    b: KernelBuilder
    problem: CubeProblem
    tile: Tile
    element: Attribute
    left: Operand
    right: Operand
    begin: Callable[[Block], Block]
    end: Callable[[Block], None]

    def build(self) -> None:
        """Every block of the results."""
        self.tile.check(self.problem)
        with self.b.tiles(self.tile.items(self.problem)) as item:
            match self.tile.kept:
                case Resident.NONE:
                    self._single(item)
                case Resident.LEFT:
                    self._along_columns(item)
                case Resident.RIGHT:
                    self._along_rows(item)

    def _single(self, item: Index) -> None:
        """One block, from groups of columns that the cores go down together."""
        problem = self.problem
        width = self.tile.width(self._across)
        counts = [problem.batch, self._across // width, problem.images, self._down, width]
        batch, group, image, down, across = delinearize(item, counts)
        columns = self._columns(batch, group * width + across)
        self._block(self._rows(batch, image, down), columns, None, None)

    def _along_columns(self, item: Index) -> None:
        """A run of blocks with the same rows, which stay in L1."""
        problem, run = self.problem, self.tile.run
        counts = [problem.batch, problem.images, self._down, -(-self._across // run)]
        batch, image, down, chunk = delinearize(item, counts)
        rows = self._rows(batch, image, down)
        kept = self._whole(self.left, rows, chunk)
        with self._run(chunk, self._across) as across:
            self._block(rows, self._columns(batch, across), kept, None)

    def _along_rows(self, item: Index) -> None:
        """A run of blocks with the same columns, which stay in L1."""
        problem = self.problem
        down = problem.images * self._down
        counts = [problem.batch, self._across, -(-down // self.tile.run)]
        batch, across, chunk = delinearize(item, counts)
        columns = self._columns(batch, across)
        kept = self._whole(self.right, columns, chunk)
        with self._run(chunk, down) as number:
            image, place = delinearize(number, [problem.images, self._down])
            self._block(self._rows(batch, image, place), columns, None, kept)

    def _run(self, chunk: Index, total: int) -> AbstractContextManager[Index]:
        run = self.tile.run
        last = self.b.minimum((chunk + 1) * run, total)
        return self.b.loop(chunk * run, last, name="block", keep=True)

    @property
    def _down(self) -> int:
        return -(-self.problem.m // self.tile.m)

    @property
    def _across(self) -> int:
        return -(-self.problem.n // self.tile.n)

    def _rows(self, batch: Index, image: Index, down: Index) -> Rows:
        first = down * self.tile.m
        count = self.b.minimum(self.problem.m - first, self.tile.m)
        return Rows(batch, image, down, first, count)

    def _columns(self, batch: Index, across: Index) -> Rows:
        first = across * self.tile.n
        count = self.b.minimum(self.problem.n - first, self.tile.n)
        return Rows(batch, Index.of(0), across, first, count)

    def _whole(self, operand: Operand, rows: Rows, chunk: Index) -> Packet | None:
        """All of an operand's k in L1; cores that read the same begin with different parts."""
        k, piece = self.problem.k, min(self.tile.left, self.tile.right)
        packet = self._packet(operand, rows)
        with self.b.loop(0, k, piece, name="piece") as turn:
            start = self._turned(turn, piece, chunk)
            packet.fill(start, self.b.minimum(k - start, piece), start)
        return packet

    def _turned(self, turn: Index, size: int, shift: Index) -> Index:
        """Where the packet of a turn begins, when the first turn is that of packet `shift`."""
        count = -(-self.problem.k // size)
        if count == 1 or shift.constant == 0:
            return turn
        return Index.of(self.b.value((turn // size + shift) % count * size))

    def _block(
        self, left: Rows, right: Rows, kept_left: Packet | None, kept_right: Packet | None
    ) -> None:
        tile = self.tile
        shape = (tile.rows, tile.columns)
        result = self.b.alloc(shape, f32, Space.L0C, Layout.NZ, buffers=tile.l0c_slots, name="c_l0")
        block = self.begin(Block(tile, left, right, result, self.element))
        if kept_left or kept_right:
            self._streamed(block, kept_left, kept_right)
        else:
            self._packets(block)
        self.end(block)

    def _streamed(self, block: Block, left: Packet | None, right: Packet | None) -> None:
        """Packets of one operand past the other, which is all in L1."""
        b, k, size = self.b, self.problem.k, min(self.tile.left, self.tile.right)
        with b.loop(0, k, size, name="packet") as turn:
            start = self._turned(turn, size, block.left.number + block.right.number)
            count = b.minimum(k - start, size)
            a = left or self._filled(self.left, block.left, start, count)
            w = right or self._filled(self.right, block.right, start, count)
            places = start if left else Index.of(0), start if right else Index.of(0)
            self._steps(block, (a, w), places, count, turn)

    def _packets(self, block: Block) -> None:
        """Packets of the operand that takes the longer ones, and within them those of the other."""
        b, tile, k = self.b, self.tile, self.problem.k
        longer, shorter = max(tile.left, tile.right), min(tile.left, tile.right)
        with b.loop(0, k, longer, name="packet") as turn:
            start = self._turned(turn, longer, block.left.number + block.right.number)
            count = b.minimum(k - start, longer)
            left = right = None
            if tile.left > tile.right:
                left = self._filled(self.left, block.left, start, count)
            elif tile.right > tile.left:
                right = self._filled(self.right, block.right, start, count)
            with b.loop(0, count, shorter, name="part") as part:
                some = b.minimum(count - part, shorter)
                a = left or self._filled(self.left, block.left, start + part, some)
                w = right or self._filled(self.right, block.right, start + part, some)
                places = part if left else Index.of(0), part if right else Index.of(0)
                self._steps(block, (a, w), places, some, turn + part)

    def _packet(self, operand: Operand, rows: Rows) -> Packet:
        tile = self.tile
        if operand is self.left:
            room = Room(tile.m, tile.rows, tile.left, tile.left_slots, self.element)
        else:
            room = Room(tile.n, tile.columns, tile.right, tile.right_slots, self.element)
        return operand.packet(rows, room)

    def _filled(self, operand: Operand, rows: Rows, start: Index, count: Number) -> Packet:
        packet = self._packet(operand, rows)
        packet.fill(start, count, Index.of(0))
        return packet

    def _steps(
        self,
        block: Block,
        packets: tuple[Packet, Packet],
        places: tuple[Index, Index],
        count: Number,
        done: Index,
    ) -> None:
        """Add the product over `count` of k, from places in packets on, to a block.

        The very first step of all, where `done` is 0, overwrites it.
        """
        b, tile = self.b, self.tile
        with b.loop(0, count, tile.k, name="k") as step:
            k = b.minimum(count - step, tile.k)
            shape = (tile.rows, tile.k)
            a = b.alloc(shape, self.element, Space.L0A, Layout.ZZ, name="a_l0")
            packets[0].to_l0(a, places[0] + step, k)
            shape = (tile.columns, tile.k)
            w = b.alloc(shape, self.element, Space.L0B, Layout.ZN, name="b_l0")
            packets[1].to_l0(w, places[1] + step, k)
            operands = [b.access(buffer, [0, 0]) for buffer in (block.result, a, w)]
            if block.bias is not None:
                operands.append(b.access(block.bias, [0], [0, 0, 1]))
            sizes = block.left.count, k, block.right.count
            b.emit(MmadOp, operands, sizes, [1 if block.begun else done + step])
