"""Kernels that compute each output element from the input elements at the same place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from xdsl.ir import Attribute, SSAValue

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.expression import (
    Form,
    Plan,
    Room,
    Step,
    Value,
    in_order,
    plan_rooms,
)
from compiler.conversion.ge_to_davinci.index import Index, delinearize, linearize
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.planning.tiling_vector import VectorTile, vector_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import BITS, element_bytes

_BLOCK_OPERAND = 96
"""UB bytes of a row's element that repeats along it: two loads, its block, a copy."""


@dataclass(frozen=True)
class Operand:
    """A tensor in global memory and its strides along the collapsed dimensions."""

    buffer: SSAValue
    element: Attribute
    strides: tuple[int, ...]


def broadcast_strides(shape: Sequence[int], target: Sequence[int]) -> tuple[int, ...]:
    """The strides of a row-major tensor along each dimension of what it is broadcast to."""
    padded = (1,) * (len(target) - len(shape)) + tuple(shape)
    return tuple(0 if size == 1 else prod(padded[place + 1 :]) for place, size in enumerate(padded))


def fitting_strides(shape: Sequence[int], target: Sequence[int]) -> tuple[int, ...]:
    """The same; UnsupportedError where shapes do not fit, as those of a model for other sizes."""
    padded = (1,) * (len(target) - len(shape)) + tuple(shape)
    if len(padded) != len(target) or any(
        a not in (1, b) for a, b in zip(padded, target, strict=True)
    ):
        raise UnsupportedError(f"{list(shape)} cannot be broadcast to {list(target)}")
    return broadcast_strides(shape, target)


def collapse(
    shape: Sequence[int], strides: Sequence[Sequence[int]]
) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Merge neighbouring dimensions wherever every operand runs through them in one stride."""
    kept: list[int] = []
    merged: list[list[int]] = [[] for _ in strides]
    for place, size in enumerate(shape):
        if size == 1:
            continue
        here = [operand[place] for operand in strides]
        if kept and all(row[-1] == step * size for row, step in zip(merged, here, strict=True)):
            kept[-1] *= size
            for row, step in zip(merged, here, strict=True):
                row[-1] = step
        else:
            kept.append(size)
            for row, step in zip(merged, here, strict=True):
                row.append(step)
    if not kept:
        return (1,), [(1,) for _ in strides]
    return tuple(kept), [tuple(row) for row in merged]


def pointwise(
    operator: Operator,
    soc: Soc,
    operands: Sequence[tuple[str, tuple[int, ...]]],
    root: Value,
    shape: tuple[int, ...] | None = None,
) -> KernelOp:
    """A kernel over the output's elements.

    `operands` are the input ports that the expression's inputs are numbered by, with their strides
    along the output's dimensions, or those of `shape` in its stead, 0 where an operand repeats.
    """
    output = operator.outputs[0]
    builder = VectorBuilder(operator, "AIV", soc, steps=len(in_order(root)))
    shape = output.shape if shape is None else shape
    own = broadcast_strides(shape, shape)
    dims, strides = collapse(shape, [own, *(strides for _, strides in operands)])
    inputs = [
        Operand(builder.arguments[operator.index(port)], operator.at(port).element, stride)
        for (port, _), stride in zip(operands, strides[1:], strict=True)
    ]
    target = Operand(builder.arguments[len(operator.inputs)], output.element, strides[0])
    Pointwise(builder, dims, inputs, target, root).build()
    return builder.kernel


@dataclass(frozen=True)
class Pointwise:
    """An expression over the elements of a tensor; inputs and output by collapsed dimensions."""

    b: VectorBuilder
    dims: Sequence[int]
    inputs: list[Operand]
    output: Operand
    root: Value

    def build(self) -> None:
        """Every tile, dealt to the cores."""
        tiling = self.tiling(prod(self.dims[:-2]), self._matrix, self.b.cores)
        with self.b.tiles(prod(self.dims[:-2]) * tiling.count) as tile:
            counts = [*self.dims[:-2], tiling.row_tiles, tiling.column_tiles]
            *outer, down, across = delinearize(tile, counts)
            self._tile(tiling, outer, down * tiling.rows, across * tiling.columns)

    @property
    def _rank(self) -> int:
        return min(len(self.dims), 2)

    @property
    def _matrix(self) -> tuple[int, int]:
        return (self.dims[-2] if len(self.dims) > 1 else 1), self.dims[-1]

    @cached_property
    def _loaded(self) -> list[Room]:
        """The tiles of the inputs: no larger than the elements they have."""
        return [
            Room("input", i, x.element, tuple(stride != 0 for stride in x.strides[-self._rank :]))
            for i, x in enumerate(self.inputs)
        ]

    @cached_property
    def _plan(self) -> Plan:
        return plan_rooms(self.root, self._loaded, self._rank)

    def tiling(self, matrices: int, matrix: tuple[int, int], cores: int) -> VectorTile:
        """The tiles of matrices of so many rows and columns that fit UB, for so many cores."""
        rooms = [*self._loaded, *self._loaded, *self._plan.scratch]
        return vector_tile(
            matrices,
            *matrix,
            element_bytes=min(element_bytes(x.element) for x in (*self.inputs, self.output)),
            bytes_per_element=2 * element_bytes(self.output.element)
            + sum(_bytes(room) for room in rooms if room.form[-1]),
            bytes_per_row=_BLOCK_OPERAND * sum(not room.form[-1] for room in rooms),
            ub=self.b.soc.ub,
            cores=cores,
        )

    def _tile(self, tiling: VectorTile, outer: list[Index], row: Index, column: Index) -> None:
        rows, columns = self._matrix
        sizes: tuple[Number, ...] = (self.b.minimum(columns - column, tiling.columns),)
        shape: tuple[int, ...] = (tiling.columns,)
        if self._rank > 1:
            sizes = (self.b.minimum(rows - row, tiling.rows), *sizes)
            shape = (tiling.rows, *shape)
        self.compute(shape, sizes, (*outer, row, column)[-len(self.dims) :])

    def compute(
        self, shape: tuple[int, ...], sizes: tuple[Number, ...], place: Sequence[Index]
    ) -> None:
        """Load, compute and store `sizes` elements from `place` on; `shape` is what they may be."""
        tiles = Tiles(self.b, shape, sizes)
        for room, operand in zip(self._loaded, self.inputs, strict=True):
            source = tiles.at(room)
            strides = [s for s in operand.strides[-self._rank :] if s] or [1]
            self.b.load(source, operand.buffer, _offset(operand, place), strides)
        for step in self._plan.steps:
            tiles.compute(step)
        result = tiles.at(self._plan.steps[-1].target)
        strides = self.output.strides[-self._rank :]
        self.b.store(self.output.buffer, _offset(self.output, place), strides, result)


class Tiles:
    """The tiles that the rooms of an expression stand for, each made when it is first needed."""

    def __init__(self, b: VectorBuilder, shape: tuple[int, ...], sizes: tuple[Number, ...]):
        self._b, self._shape, self._sizes = b, shape, sizes
        self._tiles: dict[Room, Tile] = {}

    def at(self, room: Room) -> Tile:
        """The tile of a room, as large as what varies along its dimensions."""
        if room not in self._tiles:
            kept = [i for i, varies in enumerate(room.form) if varies]
            self._tiles[room] = self._b.tile(
                [self._shape[i] for i in kept] or [1],
                room.element,
                room.name,
                sizes=[self._sizes[i] for i in kept] or [1],
            )
        return self._tiles[room]

    def compute(self, step: Step) -> None:
        """One instruction of an expression."""
        b, value = self._b, step.value
        target = self.at(step.target)
        args = [self._repeated(room, step.target.form) for room in step.args]
        first, *rest = args or [target]
        match value.family:
            case "unary":
                b.unary(value.kind, target, first)
            case "binary":
                b.binary(value.kind, target, first, rest[0])
            case "scalar":
                b.scalar(value.kind, target, first, value.number)
            case "cast":
                b.cast(target, first, value.kind)
            case "compare":
                b.compare(value.kind, target, first, (*rest, value.number)[0])
            case "select":
                b.select(target, first, rest[0], (*rest, value.number)[1])
            case _:
                b.duplicate(target, value.number)

    def _repeated(self, room: Room, form: Form) -> Tile:
        """A tile as an operand of an instruction on elements of another form."""
        tile = self.at(room)
        if room.form == form:
            return tile
        kept = [i for i, varies in enumerate(form) if varies]
        sizes = tuple(self._sizes[i] for i in kept)
        if room.form[-1]:
            return replace(tile, sizes=sizes, strides=(0, *tile.strides))
        if element_bytes(room.element) not in (2, 4):
            raise UnsupportedError(f"no instruction repeats elements of {room.element}")
        count = self._shape[0] if room.form[0] else 1
        column = self._b.column(tile, count, f"{room.name}_column")
        step = column.strides[0] if room.form[0] else 0
        return replace(column, sizes=sizes, strides=(step, 0)[-len(sizes) :])


def _bytes(room: Room) -> int:
    return 1 if room.element == BITS else element_bytes(room.element)


def _offset(operand: Operand, place: Sequence[Index]) -> Number:
    return linearize(place, operand.strides)
