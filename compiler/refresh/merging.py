"""A weight plus a low-rank change, computed block by block in float64 and rounded once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compiler.errors import UserError
from compiler.weights import Weight, numpy_dtype

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FLOATS = ("f64", "f32", "f16", "bf16")
"""Element types that a change can be merged into."""

PRODUCTS = 1 << 18
"""Products in a block: what it becomes in float64 stays in the cache, and BLAS computes it in this
very thread, beside others that merge or hash."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A matrix of `rows` × `columns`, row-major, small enough to be in memory."""

    data: Weight
    dtype: str
    rows: int
    columns: int

    def matrix(self) -> Array:
        """Its values in float64, which has each of them."""
        import numpy as np

        flat = np.frombuffer(b"".join(self.data.chunks()), numpy_dtype(self.dtype))
        return flat.astype(np.float64).reshape(self.rows, self.columns)


@dataclass(frozen=True, slots=True)
class Merged:
    """The bytes of W + scale · B·A, or of W + scale · (B·A)ᵀ where W is `transposed`.

    B is `out` × r, A is r × `in`. Products of float32 and narrower factors are exact in float64;
    the sum is rounded once, to the weight's own type. UserError where that has no room for it.
    """

    name: str
    base: Weight
    dtype: str
    a: Factor
    b: Factor
    scale: float
    transposed: bool

    @property
    def length(self) -> int:
        return self.base.length

    def chunks(self) -> Iterator[memoryview]:
        import numpy as np

        left, right = self.b.matrix(), self.a.matrix()
        if self.transposed:
            left, right = right.T, left.T
        left = left * self.scale
        columns, row = right.shape[1], 0
        many = max(1, PRODUCTS // (self.a.rows * columns or 1))
        for values in _rows(self.base, self.dtype, columns, many):
            count = len(values)
            exact = values.astype(np.float64)
            exact += left[row : row + count] @ right
            yield memoryview(self._rounded(exact, values).tobytes())
            row += count

    def _rounded(self, exact: Array, before: Array) -> Array:
        import numpy as np

        result = rounded(exact, self.dtype)
        if not np.isfinite(result).all() and np.isfinite(before).all():
            raise UserError(
                f"weight '{self.name}' has values, once merged, that {self.dtype} lacks"
            )
        return result


def rounded(values: Array, dtype: str) -> Array:
    """float64 rounded to the nearest value of a type, once."""
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        if dtype != "bf16":
            return values.astype(numpy_dtype(dtype))
        # There is no way from float64 but by float32; rounding to odd first makes two steps one.
        single = values.astype(np.float32)
        bits = single.view(np.uint32)
        bits -= np.abs(single) > np.abs(values)
        bits |= single != values
        return single.astype(numpy_dtype(dtype))


def _rows(base: Weight, dtype: str, columns: int, many: int) -> Iterator[Array]:
    """The rows of a matrix, so many at a time or fewer: chunks need not end where rows do."""
    import numpy as np

    width = numpy_dtype(dtype).itemsize * columns
    rest = b""
    for chunk in base.chunks():
        data = memoryview(b"".join((rest, chunk)))
        whole = len(data) // width * width if width else 0
        for start in range(0, whole, many * width):
            rows = data[start : min(start + many * width, whole)]
            yield np.frombuffer(rows, numpy_dtype(dtype)).reshape(-1, columns)
        rest = bytes(data[whole:])
