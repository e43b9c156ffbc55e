"""Weights as arrays while they are read, and the bytes of arrays in bounded chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from compiler.weights.element_types import numpy_dtype
from compiler.weights.files import FileBytes
from compiler.weights.weight import CHUNK, Weight

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]


def array_of(weight: Weight, dtype: str, shape: tuple[int, ...]) -> Array:
    """All elements of a weight: a file's where they lie, what is computed in memory."""
    import numpy as np

    data = weight.view() if isinstance(weight, FileBytes) else b"".join(weight.chunks())
    return np.frombuffer(data, numpy_dtype(dtype)).reshape(shape)


def pieces(values: Array) -> Iterator[memoryview]:
    """The bytes of an array in row-major order, at most CHUNK at a time."""
    if values.nbytes <= CHUNK:
        yield memoryview(values.tobytes())
        return
    rows = CHUNK // (values.nbytes // len(values))
    for start in range(0, len(values), rows or 1):
        part = values[start : start + rows] if rows else values[start]
        yield from pieces(part)
