"""Building vector kernels: tiles in UB, moved and computed on with their own sizes and strides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from xdsl.dialects.builtin import DenseArrayBase, Float32Type, StringAttr, f32, i64
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.ge_to_davinci.builder import KernelBuilder, Number, scalar
from compiler.conversion.ge_to_davinci.operator import Operator
from compiler.planning.placement import align
from compiler.planning.tiling_vector import best_cores, pitch
from compiler.soc import Soc
from dialects.davinci import (
    BinaryOp,
    BroadcastOp,
    CastOp,
    CompareOp,
    DuplicateOp,
    GatherOp,
    KernelOp,
    LoadOp,
    ReduceOp,
    ScalarOp,
    SelectOp,
    StoreOp,
    TransposeOp,
    UnaryOp,
)
from dialects.davinci.attributes import Space
from dialects.davinci.instruction import Access
from dialects.davinci.types import BITS, BLOCK_BYTES, buffer_of, c0_of, element_bytes

REPEAT_BYTES = 256
"""What a vector instruction works on in one repeat."""
MASK = 256
"""Bits of a block: rows of a mask begin at multiples of it."""


@dataclass(frozen=True)
class Tile:
    """Elements of a UB buffer: sizes that may depend on the loop, strides in elements."""

    buffer: SSAValue
    element: Attribute
    sizes: tuple[Number, ...]
    strides: tuple[int, ...]
    offset: Number = 0

    def repeated(self, *dimensions: int) -> Tile:
        """The tile with a stride of 0 along those dimensions."""
        strides = [0 if i in dimensions else stride for i, stride in enumerate(self.strides)]
        return replace(self, strides=tuple(strides))

    @property
    def name(self) -> str:
        """What its buffer is called."""
        return self.buffer.name_hint or "tile"

    def window(self, offset: Number, sizes: Sequence[Number]) -> Tile:
        """A part of the tile, `offset` elements further on."""
        return replace(self, offset=self.offset + offset, sizes=tuple(sizes))


STEPS = 16
"""Vector instructions on an element, where a builder does not say how many."""


class VectorBuilder(KernelBuilder):
    """A kernel of vector instructions, on as many cores as are worth their start."""

    def __init__(
        self,
        operator: Operator,
        core_type: str,
        soc: Soc,
        mixed: KernelOp | None = None,
        *,
        steps: int = STEPS,
    ):
        super().__init__(operator, core_type, soc, mixed)
        self._cores = super().cores
        if mixed is None:
            each = soc.costs.launch.vector_core_us
            self._cores = best_cores(single_us(operator, soc, steps), each, self._cores)

    @property
    def cores(self) -> int:
        """The cores the kernel may run on."""
        return self._cores

    def tile(
        self,
        shape: Sequence[int],
        element: Attribute,
        name: str,
        *,
        sizes: Sequence[Number] | None = None,
        buffers: int = 1,
    ) -> Tile:
        """A new buffer for tiles up to `shape`, rows at multiples of 32 bytes."""
        *outer, columns = shape
        row = align(columns, MASK) if element == BITS else pitch(columns, element_bytes(element))
        strides = [row * prod(outer[i + 1 :]) for i in range(len(outer))] + [1]
        buffer = self.alloc([*outer, row], element, Space.UB, buffers=buffers, name=name)
        return Tile(buffer, element, tuple(sizes or shape), tuple(strides))

    def shape_of(self, tile: Tile) -> tuple[int, ...]:
        """Its buffer's sizes, of which the last one is rounded up to blocks."""
        return buffer_of(tile.buffer).get_shape()

    def at(self, tile: Tile) -> Access:
        """The tile as an instruction's operand."""
        return self.access(tile.buffer, [tile.offset], tile.strides)

    def load(self, tile: Tile, source: SSAValue, offset: Number, strides: Sequence[int]) -> None:
        """Fill a tile from global memory."""
        self.emit(LoadOp, [self.at(tile), self.access(source, [offset], strides)], tile.sizes)

    def load_padded(self, tile: Tile, source: Access, pad: tuple[int, int], value: float) -> None:
        """Fill a tile whose rows get `pad` elements of `value` on the left and right."""
        padding = DenseArrayBase.from_list(i64, list(pad))
        accesses = [self.at(tile), source]
        self.emit(LoadOp, accesses, tile.sizes, pad=padding, pad_value=scalar(value))

    def store(self, target: SSAValue, offset: Number, strides: Sequence[int], tile: Tile) -> None:
        """Write a tile to global memory."""
        self.emit(StoreOp, [self.access(target, [offset], strides), self.at(tile)], tile.sizes)

    def unary(self, kind: str, target: Tile, source: Tile) -> None:
        """target = kind(source)."""
        self.emit(UnaryOp, [self.at(target), self.at(source)], target.sizes, kind=_name(kind))

    def binary(self, kind: str, target: Tile, left: Tile, right: Tile) -> None:
        """target = kind(left, right)."""
        operands = [self.at(target), self.at(left), self.at(right)]
        self.emit(BinaryOp, operands, target.sizes, kind=_name(kind))

    def scalar(self, kind: str, target: Tile, source: Tile, value: float) -> None:
        """target = kind(source, value)."""
        operands = [self.at(target), self.at(source)]
        number = scalar(value, source.element)
        self.emit(ScalarOp, operands, target.sizes, kind=_name(kind), value=number)

    def cast(self, target: Tile, source: Tile, mode: str = "") -> None:
        """target = source, converted to the target's element type, rounded by `mode`."""
        rounding: dict[str, Attribute] = {"mode": _name(mode)} if mode else {}
        self.emit(CastOp, [self.at(target), self.at(source)], target.sizes, (), **rounding)

    def compare(self, kind: str, target: Tile, left: Tile, right: Tile | float) -> None:
        """target = the mask of where left kind right."""
        operands = [self.at(target), self.at(left)]
        if isinstance(right, Tile):
            self.emit(CompareOp, [*operands, self.at(right)], target.sizes, kind=_name(kind))
            return
        number = scalar(right, left.element)
        self.emit(CompareOp, operands, target.sizes, kind=_name(kind), value=number)

    def select(self, target: Tile, mask: Tile, chosen: Tile, other: Tile | float) -> None:
        """target = chosen where the mask is set, else other."""
        operands = [self.at(target), self.at(mask), self.at(chosen)]
        if isinstance(other, Tile):
            self.emit(SelectOp, [*operands, self.at(other)], target.sizes)
            return
        self.emit(SelectOp, operands, target.sizes, value=scalar(other, target.element))

    def duplicate(self, target: Tile, value: float) -> None:
        """target = value everywhere."""
        number = scalar(value, target.element)
        self.emit(DuplicateOp, [self.at(target)], target.sizes, value=number)

    def gather(self, target: Tile, source: Tile) -> None:
        """target = source, whatever its strides and alignment."""
        self.emit(GatherOp, [self.at(target), self.at(source)], target.sizes)

    def reduce(self, kind: str, target: Tile, source: Tile) -> None:
        """target = sum or max of source over the dimensions where target's stride is 0."""
        operands = [self.at(target), self.at(source)]
        self.emit(ReduceOp, operands, source.sizes, kind=_name(kind))

    def transpose(self, target: Tile, source: Tile) -> None:
        """target[j, i] = source[i, j]."""
        swapped = replace(target, strides=target.strides[::-1])
        self.emit(TransposeOp, [self.at(swapped), self.at(source)], source.sizes)

    def column(self, source: Tile, count: int, name: str) -> Tile:
        """The first `count` elements, each in a block of its own, as a repeated column.

        The result has sizes [elements, 1] and strides [C0, 0].
        """
        c0 = c0_of(source.element)
        blocks = self.alloc(
            [align(count, BLOCK_BYTES // 4), c0], source.element, Space.UB, name=name
        )
        sizes = source.sizes[:1]
        self.emit(BroadcastOp, [self.access(blocks, [0], [c0]), self.at(source)], sizes)
        return Tile(blocks, source.element, (*sizes, 1), (c0, 0))

    def widened(self, source: Tile, shape: Sequence[int], name: str) -> Tile:
        """The tile in f32: itself, or a cast copy."""
        if isinstance(source.element, Float32Type):
            return source
        wide = self.tile(shape, f32, name, sizes=source.sizes)
        self.cast(wide, source)
        return wide


def single_us(operator: Operator, soc: Soc, steps: int) -> float:
    """What an operator would take one core, its pipes one after the other, in microseconds."""
    bytes = [tensor.size * element_bytes(tensor.element) for tensor in operator.tensors]
    count, dma = len(operator.inputs), soc.costs.dma
    moved = sum(bytes[:count]) / dma["gm_ub"].cap + sum(bytes[count:]) / dma["ub_gm"].cap
    elements = max(tensor.size for tensor in operator.tensors)
    return (moved + elements * steps / (REPEAT_BYTES // 4)) / soc.clock_mhz


def _name(kind: str) -> StringAttr:
    return StringAttr(kind)
