"""Index expressions as Python functions, and what must be known to know their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from compiler.planning.bounds import Atom, Least, Linear, Quotient, Remainder, Variable

Numbers: TypeAlias = "Callable[..., tuple[int, ...]]"
"""From the block index, the index in the group and the variables of the loops around."""

Need: TypeAlias = "tuple[Linear, int]"
"""An expression that must be known: exactly, or up to multiples of the number where that is not 0.
With AT_ALIGNMENT, only the power of two it is a multiple of matters, within ALIGNMENT and REQUEST.
"""

ALIGNMENT, REQUEST = 512, 128
"""Bytes: an address in global memory costs what it does by its multiples of these, no more."""

AT_ALIGNMENT = -1

ALIGNED = tuple(place & -place if place % REQUEST == 0 else 1 for place in range(ALIGNMENT))
"""The least address that is as well aligned as an address, by what ALIGNMENT leaves of that."""

_BLOCK, _SUB_BLOCK = "block", "sub_block"


class Functions:
    """Python functions of expressions, compiled all at once."""

    def __init__(self) -> None:
        self._sources: list[str] = []
        self._compiled: list[Numbers] = []

    def add(self, values: Iterable[Need], loops: Sequence[Variable]) -> int:
        """The number of a function for the values of expressions in these loops."""
        parts = [f"{_known(value, modulus)}, " for value, modulus in values]
        arguments = ", ".join([_BLOCK, _SUB_BLOCK, *map(_atom, loops)])
        self._sources.append(f"lambda {arguments}: ({''.join(parts)})")
        return len(self._sources) - 1

    def compiled(self) -> Sequence[Numbers]:
        """The functions by number."""
        scope: dict[str, Any] = {"aligned": ALIGNED}
        text = ",\n".join(self._sources)
        exec(compile(f"functions = [\n{text}\n]", "indices", "exec"), scope)
        return scope["functions"]


def without(need: Need, variable: Variable) -> Iterator[Need]:
    """What must be known to know an expression for every value of a variable: the rest of it."""
    value, modulus = need
    if modulus == AT_ALIGNMENT:
        modulus = ALIGNMENT
    kept: list[tuple[Atom, Any]] = []
    for atom, factor in value.terms:
        if variable in Linear.of(atom).variables:
            yield from _inside(atom, variable)
        elif not modulus or factor % modulus:
            kept.append((atom, factor))
    if kept:
        yield Linear(Linear.of(0).constant, tuple(kept)), modulus


def _inside(atom: Atom, variable: Variable) -> Iterator[Need]:
    match atom:
        case Variable():
            return
        case Quotient():
            yield from without((atom.of, 0), variable)
        case Remainder():
            yield from without((atom.of, atom.by), variable)
        case Least():
            for value in atom.of:
                yield from without((value, 0), variable)


def _known(value: Linear, modulus: int) -> str:
    if modulus == AT_ALIGNMENT:
        return f"aligned[({_source(value)}) % {ALIGNMENT}]"
    return f"({_source(value)}) % {modulus}" if modulus else _source(value)


def _source(value: Linear) -> str:
    terms = [f"{_atom(atom)} * {int(factor)}" for atom, factor in value.terms]
    return " + ".join([*terms, str(int(value.constant))])


def _atom(atom: Atom) -> str:
    match atom:
        case Variable():
            return {0: _BLOCK, -1: _SUB_BLOCK}.get(atom.name, f"v{atom.name}")
        case Quotient():
            return f"(({_source(atom.of)}) // {atom.by})"
        case Remainder():
            return f"(({_source(atom.of)}) % {atom.by})"
        case Least():
            values = ", ".join(_source(value) for value in atom.of)
            return f"min({values})"
