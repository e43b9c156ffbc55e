"""Kernels that compute each output element from the input elements at the same place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from xdsl.ir import Attribute, SSAValue

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.index import Index, delinearize, linearize
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.planning.tiling_vector import VectorTile, vector_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import element_bytes

_BLOCK_OPERAND = 160
"""UB bytes of an operand's element that repeats along a row: two loads, its block, a f32 copy."""


@dataclass(frozen=True)
class Scratch:
    """Where a computation finds room for intermediate tiles of the output's shape."""

    builder: VectorBuilder
    shape: tuple[int, ...]
    sizes: tuple[Number, ...]

    def __call__(self, element: Attribute, name: str = "work") -> Tile:
        return self.builder.tile(self.shape, element, name, sizes=self.sizes)


Compute: TypeAlias = "Callable[[VectorBuilder, Sequence[Tile], Tile, Scratch], None]"


@dataclass(frozen=True)
class _Operand:
    """An input in global memory and its strides along the collapsed dimensions."""

    buffer: SSAValue
    element: Attribute
    strides: tuple[int, ...]


def broadcast_strides(shape: Sequence[int], target: Sequence[int]) -> tuple[int, ...]:
    """The strides of a row-major tensor along each dimension of what it is broadcast to."""
    padded = (1,) * (len(target) - len(shape)) + tuple(shape)
    return tuple(0 if size == 1 else prod(padded[place + 1 :]) for place, size in enumerate(padded))


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
    compute: Compute,
    scratch_bytes: int,
) -> KernelOp:
    """A kernel over the output's elements.

    `operands` are input ports with their strides along the output's dimensions, 0 where an
    operand repeats; `scratch_bytes` is what intermediate tiles take for each element.
    """
    output = operator.outputs[0]
    builder = VectorBuilder(operator, "AIV", soc)
    own = broadcast_strides(output.shape, output.shape)
    dims, strides = collapse(output.shape, [own, *(strides for _, strides in operands)])
    inputs = [
        _Operand(builder.arguments[operator.index(port)], _element(operator, port), stride)
        for (port, _), stride in zip(operands, strides[1:], strict=True)
    ]
    target = _Operand(builder.arguments[len(operator.inputs)], output.element, strides[0])
    operator.float_element(output)
    _Pointwise(builder, dims, inputs, target, compute, scratch_bytes).build()
    return builder.kernel


def _element(operator: Operator, port: str) -> Attribute:
    tensor = operator.input(port)
    if tensor is None:
        raise UnsupportedError(f"input '{port}' is not connected")
    return operator.float_element(tensor)


@dataclass(frozen=True)
class _Pointwise:
    builder: VectorBuilder
    dims: Sequence[int]
    inputs: list[_Operand]
    output: _Operand
    compute: Compute
    scratch_bytes: int

    def build(self) -> None:
        tiling = self._tiling()
        matrices = prod(self.dims[:-2])
        with self.builder.tiles(matrices * tiling.count) as tile:
            counts = [*self.dims[:-2], tiling.row_tiles, tiling.column_tiles]
            *outer, down, across = delinearize(tile, counts)
            self._tile(tiling, outer, down * tiling.rows, across * tiling.columns)

    @property
    def _matrix(self) -> tuple[int, int]:
        return (self.dims[-2] if len(self.dims) > 1 else 1), self.dims[-1]

    def _tiling(self) -> VectorTile:
        full = [operand for operand in (*self.inputs, self.output) if operand.strides[-1] != 0]
        sizes = [element_bytes(operand.element) for operand in (*self.inputs, self.output)]
        blocks = sum(operand.strides[-1] == 0 for operand in self.inputs)
        rows, columns = self._matrix
        return vector_tile(
            prod(self.dims[:-2]),
            rows,
            columns,
            element_bytes=min(sizes),
            bytes_per_element=self.scratch_bytes
            + sum(2 * element_bytes(operand.element) for operand in full),
            bytes_per_row=blocks * _BLOCK_OPERAND,
            ub=self.builder.soc.ub,
            cores=self.builder.cores,
        )

    def _tile(self, tiling: VectorTile, outer: list[Index], row: Index, column: Index) -> None:
        rows, columns = self._matrix
        sizes: tuple[Number, ...] = (self.builder.minimum(columns - column, tiling.columns),)
        shape: tuple[int, ...] = (tiling.columns,)
        if len(self.dims) > 1:
            sizes = (self.builder.minimum(rows - row, tiling.rows), *sizes)
            shape = (tiling.rows, *shape)
        place = (*outer, row, column)[-len(self.dims) :]
        tiles = [
            self._load(operand, shape, sizes, place, i) for i, operand in enumerate(self.inputs)
        ]
        result = self.builder.tile(shape, self.output.element, "y", sizes=sizes, buffers=2)
        self.compute(self.builder, tiles, result, Scratch(self.builder, shape, sizes))
        strides = self.output.strides[-len(shape) :]
        self.builder.store(self.output.buffer, _offset(self.output, place), strides, result)

    def _load(
        self,
        operand: _Operand,
        shape: Sequence[int],
        sizes: Sequence[Number],
        place: Sequence[Index],
        number: int,
    ) -> Tile:
        """The operand's part of a tile: all of it, one row, a column, or a single element."""
        offset = _offset(operand, place)
        name = f"x{number}"
        rows, columns = operand.strides[-2:] if len(shape) > 1 else (0, operand.strides[-1])
        if columns and (rows or len(shape) == 1):
            tile = self.builder.tile(shape, operand.element, name, sizes=sizes, buffers=2)
            self.builder.load(tile, operand.buffer, offset, operand.strides[-len(shape) :])
            return tile
        if columns:
            tile = self.builder.tile(shape[1:], operand.element, name, sizes=sizes[1:], buffers=2)
            self.builder.load(tile, operand.buffer, offset, [columns])
            return Tile(tile.buffer, tile.element, tuple(sizes), (0, 1))
        count, length = (shape[0], sizes[0]) if rows else (1, 1)
        tile = self.builder.tile((count,), operand.element, name, sizes=(length,), buffers=2)
        self.builder.load(tile, operand.buffer, offset, [1])
        column = self.builder.column(tile, count, f"{name}_column")
        step = column.strides[0] if rows else 0
        return Tile(column.buffer, column.element, tuple(sizes), (step, 0)[-len(shape) :])


def _offset(operand: _Operand, place: Sequence[Index]) -> Number:
    return linearize(place, operand.strides)
