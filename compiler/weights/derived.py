"""Weights that hold another one's elements: cast, scattered, transposed while they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compiler.weights.arrays import array_of, pieces
from compiler.weights.element_types import numpy_dtype
from compiler.weights.weight import CHUNK, Weight


@dataclass(frozen=True, slots=True)
class Cast:
    """Another weight with each element converted; out-of-range values become infinite."""

    source: Weight
    from_dtype: str
    to_dtype: str

    @property
    def length(self) -> int:
        count = self.source.length // numpy_dtype(self.from_dtype).itemsize
        return count * numpy_dtype(self.to_dtype).itemsize

    def chunks(self) -> Iterator[memoryview]:
        import numpy as np

        for chunk in self.source.chunks():
            values = np.frombuffer(chunk, numpy_dtype(self.from_dtype))
            with np.errstate(over="ignore", invalid="ignore"):
                converted = values.astype(numpy_dtype(self.to_dtype))
            yield memoryview(converted.tobytes())


@dataclass(frozen=True, slots=True)
class Scatter:
    """Zeros, but for some values at their places (int64) in the flat tensor."""

    values: Weight
    indices: Weight
    count: int

    @property
    def _width(self) -> int:
        return self.values.length // (self.indices.length // 8) if self.values.length else 1

    @property
    def length(self) -> int:
        return self.count * self._width

    def chunks(self) -> Iterator[memoryview]:
        import numpy as np

        width = self._width
        places = np.frombuffer(b"".join(self.indices.chunks()), "<i8")
        elements = np.frombuffer(b"".join(self.values.chunks()), np.uint8).reshape(-1, width)
        per_chunk = max(1, CHUNK // width)
        for start in range(0, self.count, per_chunk):
            block = np.zeros((min(per_chunk, self.count - start), width), np.uint8)
            here = (places >= start) & (places < start + len(block))
            block[places[here] - start] = elements[here]
            yield memoryview(block.tobytes())


@dataclass(frozen=True, slots=True)
class Transposed:
    """Another weight with its axes in another order: axis i of the result is axis perm[i]."""

    source: Weight
    dtype: str
    shape: tuple[int, ...]
    """The shape of the source."""
    perm: tuple[int, ...]

    @property
    def length(self) -> int:
        return self.source.length

    def chunks(self) -> Iterator[memoryview]:
        return pieces(array_of(self.source, self.dtype, self.shape).transpose(self.perm))
