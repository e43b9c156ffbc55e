"""Operands of cube kernels in global memory: matrices, feature maps and filters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

from compiler.planning.cube.problem import BLOCK, FRACTAL
from compiler.planning.placement import align
from compiler.simulator.instruction import Transfer


@dataclass(frozen=True, slots=True)
class Matrix:
    """`copies` matrices; the strides of a row and of a column (of k) in elements, one of them 1."""

    rows: int
    k: int
    row: int
    column: int
    element_bytes: int
    copies: int = 1

    @property
    def size(self) -> int:
        return self.copies * self.rows * self.k * self.element_bytes

    def l1_bytes(self, rows: int, k: int) -> int:
        return align(rows, FRACTAL) * align(k * self.element_bytes, BLOCK)

    def loads(self, rows: int, k: int) -> tuple[int, Transfer]:
        size = self.element_bytes
        rows, k = min(rows, self.rows), min(k, self.k)
        steps = (self.row * rows if rows < self.rows else 0, self.column * k if k < self.k else 0)
        offset = gcd(*steps, self.rows * self.k if self.copies > 1 else 0) * size
        bursts, burst, pitch = (rows, k, self.row) if self.column == 1 else (k, rows, self.column)
        if bursts == 1 or burst == pitch:
            return 1, Transfer(0, offset, 1, bursts * burst * size, 0, False)
        return 1, Transfer(0, offset, bursts, burst * size, pitch * size, False)


@lru_cache(maxsize=4096)
def _most_rows(points: int, total: int, width: int) -> int:
    """The most rows of `width` that a run of `points` touches, of those that cut up `total`."""
    if points % width == 0:
        return min(points, total) // width
    firsts = range(0, total, points)
    return max((min(p + points, total) - 1) // width - p // width for p in firsts) + 1


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """An NCHW feature map: rows are output points, k is counted as (C1, taps, C0).

    `reach` is the input rows an output row looks at, `stride` from one output row to the next.
    """

    images: int
    channels: int
    height: int
    width: int
    output: tuple[int, int]
    taps: int
    stride: int
    reach: int
    element_bytes: int

    @property
    def size(self) -> int:
        return self.images * self.channels * self.height * self.width * self.element_bytes

    @property
    def points(self) -> int:
        """The output points of an image."""
        return self.output[0] * self.output[1]

    def input_rows(self, points: int) -> int:
        """The most input rows that tiles of so many consecutive output points need."""
        spans = _most_rows(points, self.points, self.output[1]) - 1
        return min(spans * self.stride + self.reach, self.height)

    def l1_bytes(self, rows: int, k: int) -> int:
        return k // self.taps * self.input_rows(rows) * self.width * self.element_bytes

    def loads(self, rows: int, k: int) -> tuple[int, Transfer]:
        size, plane = self.element_bytes, self.height * self.width
        channels = min(k // self.taps, self.channels)
        span = self.input_rows(rows) * self.width
        if span == plane:
            return 1, Transfer(0, plane * channels * size, 1, channels * plane * size, 0, False)
        step = gcd(plane, max(rows // self.output[1], 1) * self.stride * self.width)
        return 1, Transfer(0, step * size, channels, span * size, plane * size, False)


@dataclass(frozen=True, slots=True)
class Filter:
    """`copies` × filters [filters, channels, taps], k counted as (C1, taps, C0)."""

    filters: int
    channels: int
    taps: int
    element_bytes: int
    copies: int = 1

    @property
    def size(self) -> int:
        return self.copies * self.filters * self.channels * self.taps * self.element_bytes

    def l1_bytes(self, rows: int, k: int) -> int:
        return align(rows, FRACTAL) * k * self.element_bytes

    def loads(self, rows: int, k: int) -> tuple[int, Transfer]:
        size, c0 = self.element_bytes, BLOCK // self.element_bytes
        rows, row = min(rows, self.filters), self.channels * self.taps
        whole = self.channels % c0 == 0
        count = 1 if whole else -(-min(k // self.taps, self.channels) // c0)
        burst = min(k if whole else c0 * self.taps, row)
        if burst == row:
            return count, Transfer(0, rows * row * size, 1, rows * row * size, 0, False)
        return count, Transfer(0, gcd(burst, row) * size, rows, burst * size, row * size, False)
