"""Elementwise computations as expressions: what is computed, before there are tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects.builtin import f16
from xdsl.ir import Attribute

from compiler.conversion.ge_to_davinci.operator import UnsupportedError
from dialects.davinci.types import BITS
from dialects.davinci.vector import has_instruction

Operand: TypeAlias = "Value | float"


@dataclass(frozen=True, eq=False)
class Value:
    """An input, or the result of a vector instruction on other values.

    `family` is "input", or the instruction's name; `kind` tells those of one name apart.
    """

    family: str
    element: Attribute
    args: tuple[Value, ...] = ()
    kind: str = ""
    number: float = 0.0
    """The immediate operand; the place of an input."""

    def __post_init__(self) -> None:
        source = self.args[-1].element if self.args else self.element
        if not has_instruction(self.family, self.kind, source, self.element):
            what = f"{self.kind or self.family} of {self.element}"
            if self.family == "cast":
                what = f"conversion of {source} to {self.element}"
            raise UnsupportedError(f"the vector unit has no {what}")

    def __add__(self, other: Operand) -> Value:
        return _arithmetic("add", self, other)

    def __radd__(self, other: float) -> Value:
        return self + other

    def __sub__(self, other: Operand) -> Value:
        return binary("sub", self, other) if isinstance(other, Value) else self + -other

    def __rsub__(self, other: float) -> Value:
        return self * -1.0 + other

    def __mul__(self, other: Operand) -> Value:
        return _arithmetic("mul", self, other)

    def __rmul__(self, other: float) -> Value:
        return self * other

    def __truediv__(self, other: Value) -> Value:
        return binary("div", self, other)


def _arithmetic(kind: str, left: Value, right: Operand) -> Value:
    if isinstance(right, Value):
        return binary(kind, left, right)
    return scalar(f"{kind}s", left, right)


def unary(kind: str, x: Value) -> Value:
    """kind(x)."""
    return Value("unary", x.element, (x,), kind)


def binary(kind: str, left: Value, right: Value) -> Value:
    """kind(left, right)."""
    assert left.element == right.element
    return Value("binary", left.element, (left, right), kind)


def scalar(kind: str, x: Value, number: float) -> Value:
    """kind(x, number)."""
    return Value("scalar", x.element, (x,), kind, number)


def maximum(left: Value, right: Operand) -> Value:
    """The greater of two."""
    return _arithmetic("max", left, right)


def minimum(left: Value, right: Operand) -> Value:
    """The lesser of two."""
    return _arithmetic("min", left, right)


def cast(x: Value, element: Attribute, mode: str = "") -> Value:
    """x in another element type, or rounded to an integer by `mode`; x itself where neither."""
    return x if x.element == element and not mode else Value("cast", element, (x,), mode)


def compare(kind: str, left: Value, right: Operand) -> Value:
    """A mask: eq, ne, lt, le, gt, ge."""
    if isinstance(right, Value):
        return Value("compare", BITS, (left, right), kind)
    return Value("compare", BITS, (left,), kind, right)


def where(mask: Value, chosen: Operand, other: Operand) -> Value:
    """`chosen` where the mask is set, elsewhere `other`; two numbers make elements of f16."""
    if not isinstance(chosen, Value):
        element = other.element if isinstance(other, Value) else f16
        chosen = constant(chosen, element)
    if isinstance(other, Value):
        return Value("select", chosen.element, (mask, chosen, other))
    return Value("select", chosen.element, (mask, chosen), "", other)


def constant(number: float, element: Attribute) -> Value:
    """A number for each element, where no instruction takes it as its immediate."""
    return Value("duplicate", element, (), "", number)


def in_order(root: Value) -> list[Value]:
    """The values that an expression needs, each once, operands first."""
    found: dict[Value, None] = {}
    _visit(root, found)
    return list(found)


def _visit(value: Value, found: dict[Value, None]) -> None:
    if value not in found:
        for arg in value.args:
            _visit(arg, found)
        found[value] = None


Form: TypeAlias = "tuple[bool, ...]"
"""Along which dimensions of a tile a value varies."""


@dataclass(frozen=True)
class Room:
    """Where a value lies: in a tile of an input, of the result, or in scratch, by number."""

    place: str
    number: int
    element: Attribute
    form: Form

    @property
    def name(self) -> str:
        """What its buffer is called."""
        return {"input": f"x{self.number}", "result": "y"}.get(self.place, f"work{self.number}")


@dataclass(frozen=True)
class Step:
    """An instruction of an expression and where its operands and its result lie."""

    value: Value
    target: Room
    args: tuple[Room, ...]


@dataclass(frozen=True)
class Plan:
    """An expression as instructions, and the scratch tiles they need."""

    steps: Sequence[Step]
    scratch: Sequence[Room]


def plan_rooms(root: Value, inputs: Sequence[Room], rank: int) -> Plan:
    """A room for every value: what dies gives its room to what is computed from it.

    `inputs` are the tiles that inputs were loaded to, which are written over as well.
    """
    return _Planner(root, inputs, (True,) * rank).plan()


class _Planner:
    def __init__(self, root: Value, inputs: Sequence[Room], full: Form):
        self._order = in_order(root)
        self._full = full
        self._result = Room("result", 0, root.element, full)
        self._last = {arg: i for i, value in enumerate(self._order) for arg in value.args}
        self._rooms = {
            value: inputs[int(value.number)] for value in self._order if value.family == "input"
        }
        self._users = [*self._rooms.values()]
        self._free = [self._result]
        self._scratch: list[Room] = []

    def plan(self) -> Plan:
        steps: list[Step] = []
        root = self._order[-1]
        if root.family == "input":  # where a repeated operand is written out
            return Plan([Step(unary("copy", root), self._result, (self._rooms[root],))], [])
        for number, value in enumerate(self._order):
            if value.family == "input":
                continue
            args = tuple(self._rooms[arg] for arg in value.args)
            for arg in dict.fromkeys(value.args):
                if self._last[arg] == number:
                    self._release(self._rooms[arg])
            room = self._result if value is root else self._take(value, args)
            self._rooms[value] = room
            self._users.append(room)
            steps.append(Step(value, room, args))
        return Plan(steps, self._scratch)

    def _release(self, room: Room) -> None:
        """Free a room unless another input lies in the same tile still."""
        self._users.remove(room)
        if room not in self._users:
            self._free.append(room)

    def _take(self, value: Value, args: tuple[Room, ...]) -> Room:
        form = self._form(value, args)
        fits = [r for r in self._free if (r.element, r.form) == (value.element, form)]
        if fits:
            room = next((r for r in fits if r in args), fits[-1])
            self._free.remove(room)
            return room
        room = Room("scratch", len(self._scratch), value.element, form)
        self._scratch.append(room)
        return room

    def _form(self, value: Value, args: tuple[Room, ...]) -> Form:
        """A mask does not repeat, a constant need not: both are written out."""
        if value.family in ("compare", "duplicate"):
            return self._full
        forms = (room.form for room in args)
        return tuple(any(column) for column in zip(*forms, strict=True))
