"""Between which numbers an index expression stays: affine, with quotients, remainders and minima.

The bounds are those of all values of its variables at once, so they cost the same for any number of
iterations. They are exact where terms cancel (`row + min(rows - row, tile)` reaches `rows`); where
only the values together show more, `Linear.values` computes them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import floor
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values: TypeAlias = "NDArray[Any]"


@dataclass(frozen=True, slots=True)
class Variable:
    """A number from `low` to `high` inclusive, at multiples of `step` from `low`."""

    name: int
    low: int
    high: int
    step: int = 1


@dataclass(frozen=True, slots=True)
class Quotient:
    """A value divided by a positive number, rounded down."""

    of: Linear
    by: int


@dataclass(frozen=True, slots=True)
class Remainder:
    """What that division leaves."""

    of: Linear
    by: int


@dataclass(frozen=True, slots=True)
class Least:
    """The least of several values."""

    of: tuple[Linear, ...]


Atom: TypeAlias = Variable | Quotient | Remainder | Least
Factor: TypeAlias = int | Fraction
"""Whole as a rule: fractions are slow."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A constant and the sum of atoms, each with a factor other than 0."""

    constant: Factor
    terms: tuple[tuple[Atom, Factor], ...] = ()

    @classmethod
    def of(cls, value: Linear | Atom | int) -> Linear:
        """A number or an atom as an expression."""
        if isinstance(value, Linear):
            return value
        if isinstance(value, int):
            return cls(value)
        return cls(0, ((value, 1),))

    def __add__(self, other: Linear | int) -> Linear:
        other = Linear.of(other)
        if not other.terms:
            return Linear(self.constant + other.constant, self.terms)
        factors = dict(self.terms)
        for atom, factor in other.terms:
            factors[atom] = factors.get(atom, 0) + factor
        kept = tuple((atom, factor) for atom, factor in factors.items() if factor)
        return Linear(self.constant + other.constant, kept)

    def __mul__(self, factor: Factor) -> Linear:
        if factor == 0:
            return Linear.of(0)
        return Linear(self.constant * factor, tuple((a, f * factor) for a, f in self.terms))

    def __sub__(self, other: Linear | int) -> Linear:
        return self + Linear.of(other) * -1

    @property
    def upper(self) -> int:
        """No value is above."""
        return floor(_upper(self))

    @property
    def lower(self) -> int:
        """No value is below."""
        return -floor(_upper(self * -1))

    @property
    def variables(self) -> frozenset[Variable]:
        """The variables it depends on."""
        return frozenset(_variables(self))

    def values(self, at: Mapping[Variable, Values]) -> Values | int:
        """Its values, given those of its variables."""
        total: Any = 0
        for atom, factor in self.terms:
            assert factor.denominator == 1
            total = total + _value(atom, at) * int(factor)
        return total + int(self.constant)


def reaches(first: Linear, last: Linear, size: int) -> tuple[int, int]:
    """The least value of `first` and the greatest of `last`, which are not below `first`.

    Exact, by all values of the variables, where bounds alone do not show both to be in `size`.
    """
    low, high = first.lower, last.upper
    if low >= 0 and high < size:
        return low, high
    import numpy as np

    variables = sorted(first.variables | last.variables, key=lambda variable: variable.name)
    grid = np.meshgrid(*(np.arange(v.low, v.high + 1, v.step) for v in variables), sparse=True)
    at = dict(zip(variables, grid, strict=True))
    lows, highs = np.broadcast_arrays(first.values(at), last.values(at))
    used = highs >= lows
    if not used.any():
        return 0, -1
    return int(lows[used].min()), int(highs[used].max())


def _value(atom: Atom, at: Mapping[Variable, Values]) -> Any:
    match atom:
        case Variable():
            return at[atom]
        case Quotient():
            return atom.of.values(at) // atom.by
        case Remainder():
            return atom.of.values(at) % atom.by
        case Least():
            import numpy as np

            first, *others = (value.values(at) for value in atom.of)
            for other in others:
                first = np.minimum(first, other)
            return first


def _variables(value: Linear) -> Iterator[Variable]:
    for atom, _ in value.terms:
        match atom:
            case Variable():
                yield atom
            case Least():
                for inner in atom.of:
                    yield from _variables(inner)
            case Quotient() | Remainder():
                yield from _variables(atom.of)


@lru_cache(maxsize=1 << 16)
def _upper(value: Linear) -> Factor:
    """An upper bound: of a minimum by each of its values, of a quotient by both of its forms."""
    for atom, factor in value.terms:
        if isinstance(atom, Least):
            rest = value - Linear(0, ((atom, factor),))
            bounds = [_upper(rest + inner * factor) for inner in atom.of]
            return min(bounds) if factor > 0 else max(bounds)
    total = value.constant
    for atom, factor in value.terms:
        total += factor * (_highest(atom) if factor > 0 else _lowest(atom))
    for atom, factor in value.terms:
        if isinstance(atom, Quotient):
            rest = value - Linear(0, ((atom, factor),))
            whole = atom.of - Linear.of(Remainder(atom.of, atom.by))
            total = min(total, _upper(rest + whole * Fraction(factor, atom.by)))
    return total


def _highest(atom: Atom) -> int:
    match atom:
        case Variable():
            return atom.high
        case Quotient():
            return atom.of.upper // atom.by
        case Remainder():
            low, high = atom.of.lower, atom.of.upper
            return high % atom.by if low // atom.by == high // atom.by else atom.by - 1
        case Least():
            return min(value.upper for value in atom.of)


def _lowest(atom: Atom) -> int:
    match atom:
        case Variable():
            return atom.low
        case Quotient():
            return atom.of.lower // atom.by
        case Remainder():
            low, high = atom.of.lower, atom.of.upper
            return low % atom.by if low // atom.by == high // atom.by else 0
        case Least():
            return min(value.lower for value in atom.of)
