"""Weights computed from others, element by element, while the bytes are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from compiler.weights.element_types import numpy_dtype
from compiler.weights.weight import CHUNK, Weight

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

_UFUNCS = {
    "Add": "add",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Mul": "multiply",
    "Neg": "negative",
    "RealDiv": "divide",
    "Sqrt": "sqrt",
    "Sub": "subtract",
}
"""NumPy's functions for GraphEngine's operators on floats."""

_NARROW = ("f16", "bf16")
"""The element types that are computed in float32."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A weight under a shape; the shape broadcasts to that of the result."""

    weight: Weight
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Computed:
    """An operator's result, element by element: all weights have one element type.

    Operands of as many elements as the result are read along with it; others must be small, they
    are held as a whole. A chunk is some rows of the result: its trailing dimensions.
    """

    kind: str
    dtype: str
    shape: tuple[int, ...]
    operands: tuple[Operand, ...]

    @property
    def length(self) -> int:
        return prod(self.shape) * numpy_dtype(self.dtype).itemsize

    def chunks(self) -> Iterator[memoryview]:
        import numpy as np

        element = numpy_dtype(self.dtype)
        outer, inner = _split(self.shape, CHUNK // element.itemsize)
        rows = max(1, CHUNK // element.itemsize // max(1, prod(inner)))
        parts = [self._parts(operand, rows, inner) for operand in self.operands]
        function = getattr(np, _UFUNCS[self.kind])
        for start in range(0, prod(outer) if prod(inner) else 0, rows):
            stop = min(start + rows, prod(outer))
            with np.errstate(all="ignore"):
                result = function(*(part(start, stop) for part in parts))
                yield memoryview(result.astype(element, copy=False).reshape(-1).view(np.uint8))

    def _parts(
        self, operand: Operand, rows: int, inner: tuple[int, ...]
    ) -> Callable[[int, int], Array]:
        """The elements of an operand that belong to some of the result's rows of shape `inner`."""
        import numpy as np

        element = numpy_dtype(self.dtype)

        def wide(data: bytes | memoryview) -> Array:
            values = np.frombuffer(data, element)
            return values.astype(np.float32) if self.dtype in _NARROW else values

        if prod(operand.shape) == prod(self.shape):
            pieces = _blocks(operand.weight, rows * prod(inner) * element.itemsize)
            return lambda start, stop: wide(next(pieces)).reshape(-1, *inner)
        small = wide(b"".join(operand.weight.chunks()))
        small = small.reshape((1,) * (len(self.shape) - len(operand.shape)) + operand.shape)
        outer = len(self.shape) - len(inner)
        row = small.shape[outer:]
        spread = np.broadcast_to(small, self.shape[:outer] + row).reshape(-1, *row)
        return lambda start, stop: spread[start:stop]


def _split(shape: tuple[int, ...], limit: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The leading and the trailing dimensions, as many of the latter as have `limit` elements."""
    cut = next(cut for cut in range(len(shape) + 1) if prod(shape[cut:]) <= limit)
    return shape[:cut], shape[cut:]


def _blocks(weight: Weight, size: int) -> Iterator[bytes | memoryview]:
    """The bytes of a weight in blocks of one size; the last one may be shorter."""
    rest = bytearray()
    for chunk in weight.chunks():
        if not rest and len(chunk) == size:
            yield chunk
            continue
        rest += chunk
        while len(rest) >= size:
            yield bytes(rest[:size])
            del rest[:size]
    if rest:
        yield bytes(rest)
