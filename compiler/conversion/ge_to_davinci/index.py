"""Index arithmetic of kernels: affine expressions over SSA values, written as Python arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineDimExpr, AffineExpr, AffineMap


@dataclass(frozen=True)
class Index:
    """An affine expression; its dimensions stand for `values`."""

    expr: AffineExpr
    values: tuple[SSAValue, ...] = ()

    @classmethod
    def of(cls, value: Index | SSAValue | int) -> Index:
        """The expression that is just that value."""
        if isinstance(value, Index):
            return value
        if isinstance(value, int):
            return cls(AffineExpr.constant(value))
        return cls(AffineExpr.dimension(0), (value,))

    @property
    def constant(self) -> int | None:
        """The number, where the expression is one."""
        return self.expr.value if isinstance(self.expr, AffineConstantExpr) else None

    @property
    def single(self) -> SSAValue | None:
        """The SSA value, where the expression is one."""
        return self.values[self.expr.position] if isinstance(self.expr, AffineDimExpr) else None

    def over(self, values: tuple[SSAValue, ...]) -> AffineExpr:
        """The expression with its dimensions counted in a longer list of values."""
        places = [AffineExpr.dimension(values.index(value)) for value in self.values]
        return self.expr.replace_dims_and_symbols(places, [])

    def __add__(self, other: Index | int) -> Index:
        other = Index.of(other)
        values = merged(self, other)
        return Index(self.over(values) + other.over(values), values)

    def __radd__(self, other: int) -> Index:
        return self + other

    def __sub__(self, other: Index | int) -> Index:
        return self + Index.of(other) * -1

    def __rsub__(self, other: int) -> Index:
        return Index.of(other) - self

    def __mul__(self, factor: int) -> Index:
        if factor == 0:
            return Index.of(0)
        return self if factor == 1 else Index(self.expr * factor, self.values)

    def __rmul__(self, factor: int) -> Index:
        return self * factor

    def __floordiv__(self, divisor: int) -> Index:
        return self if divisor == 1 else Index(self.expr // divisor, self.values)

    def __mod__(self, divisor: int) -> Index:
        return Index.of(0) if divisor == 1 else Index(self.expr % divisor, self.values)


def merged(*indices: Index) -> tuple[SSAValue, ...]:
    """The values of several expressions, each once, in order."""
    return tuple(dict.fromkeys(value for index in indices for value in index.values))


def affine_map(*indices: Index) -> tuple[AffineMap, tuple[SSAValue, ...]]:
    """One map with a result for each expression, and its operands."""
    values = merged(*indices)
    return AffineMap(len(values), 0, tuple(index.over(values) for index in indices)), values


def bound_map(index: Index) -> tuple[AffineMap, tuple[SSAValue, ...]]:
    """The map of a loop bound; a plain value is a symbol, which prints without a map."""
    if index.single is None:
        return affine_map(index)
    return AffineMap(0, 1, (AffineExpr.symbol(0),)), (index.single,)


def delinearize(number: Index, sizes: Sequence[int]) -> list[Index]:
    """The index along each dimension of a row-major number below the product of the sizes."""
    places: list[Index] = []
    for dimension, size in enumerate(sizes):
        inner, outer = prod(sizes[dimension + 1 :]), prod(sizes[:dimension])
        place = number // inner
        places.append(Index.of(0) if size == 1 else place if outer == 1 else place % size)
    return places


def linearize(places: Sequence[Index | int], strides: Sequence[int]) -> Index:
    """The sum of each index times its stride."""
    total = Index.of(0)
    for place, stride in zip(places, strides, strict=True):
        total = total + Index.of(place) * stride
    return total
