"""Index expressions as Python functions, and what must be known to know their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from compiler.planning.bounds import Atom, Least, Linear, Quotient, Remainder, Variable

Numbers: TypeAlias = "Callable[..., tuple[int, ...]]"
"""From the block index, the index in the group and the variables of the loops around."""

Need: TypeAlias = "tuple[Linear, int]"
"""An expression that must be known: exactly, or up to multiples of the number where that is not 0.
"""

_BLOCK, _SUB_BLOCK = "block", "sub_block"


class Functions:
    """Python functions of expressions, compiled all at once."""

    def __init__(self) -> None:
        self._sources: list[str] = []
        self._compiled: list[Numbers] = []

    def add(self, values: Iterable[Need], loops: Sequence[Variable]) -> int:
        """The number of a function for the values of expressions in these loops."""
        parts = [
            f"({_source(value)}) % {modulus}, " if modulus else f"{_source(value)}, "
            for value, modulus in values
        ]
        arguments = ", ".join([_BLOCK, _SUB_BLOCK, *map(_atom, loops)])
        self._sources.append(f"lambda {arguments}: ({''.join(parts)})")
        return len(self._sources) - 1

    def compiled(self) -> Sequence[Numbers]:
        """The functions by number."""
        scope: dict[str, Any] = {}
        text = ",\n".join(self._sources)
        exec(compile(f"functions = [\n{text}\n]", "indices", "exec"), scope)
        return scope["functions"]


def without(need: Need, variable: Variable) -> Iterator[Need]:
    """What must be known to know an expression for every value of a variable: the rest of it."""
    value, modulus = need
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
