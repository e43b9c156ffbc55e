"""Weights that are parts of another one, or several joined, while they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from compiler.weights.arrays import array_of, pieces
from compiler.weights.computed import Operand
from compiler.weights.element_types import numpy_dtype
from compiler.weights.weight import CHUNK, Weight


@dataclass(frozen=True, slots=True)
class Joined:
    """Weights of one element type, one after the other along an axis."""

    operands: tuple[Operand, ...]
    dtype: str
    axis: int

    @property
    def length(self) -> int:
        return sum(operand.weight.length for operand in self.operands)

    def chunks(self) -> Iterator[memoryview]:
        import numpy as np

        if not self.axis:
            for operand in self.operands:
                yield from operand.weight.chunks()
            return
        arrays = [array_of(each.weight, self.dtype, each.shape) for each in self.operands]
        row = sum(array[:1].nbytes for array in arrays)
        rows = max(1, CHUNK // max(1, row))
        for start in range(0, len(arrays[0]), rows):
            stop = start + rows
            yield from pieces(np.concatenate([array[start:stop] for array in arrays], self.axis))


@dataclass(frozen=True, slots=True)
class Part:
    """The elements of another weight from `begin` on, `size` in each axis."""

    source: Weight
    dtype: str
    shape: tuple[int, ...]
    """The shape of the source."""
    begin: tuple[int, ...]
    size: tuple[int, ...]

    @property
    def length(self) -> int:
        return prod(self.size) * numpy_dtype(self.dtype).itemsize

    def chunks(self) -> Iterator[memoryview]:
        values = array_of(self.source, self.dtype, self.shape)
        pairs = zip(self.begin, self.size, strict=True)
        return pieces(values[tuple(slice(first, first + count) for first, count in pairs)])
