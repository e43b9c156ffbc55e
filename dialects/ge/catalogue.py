"""GraphEngine's operator prototypes: the ports and attributes of each operator type."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    StringAttr,
)
from xdsl.ir import Attribute, TypeAttribute
from xdsl.utils.exceptions import VerifyException

_TABLE = Path(__file__).with_name("catalogue.csv")
_ATTRIBUTE = re.compile(
    r"(?P<name>\w+):(?P<kind>\w+)(?P<required> \(required\))?(=(?P<default>.*))?"
)

_KINDS: dict[str, type[Attribute] | tuple[type[Attribute], ...]] = {
    "Int": IntegerAttr,
    "Bool": IntegerAttr,
    "Float": FloatAttr,
    "Str": StringAttr,
    "String": StringAttr,
    "Type": TypeAttribute,
    "ListInt": DenseArrayBase,
    "ListFloat": DenseArrayBase,
    "ListBool": DenseArrayBase,
    "ListListInt": ArrayAttr,
    "ListString": ArrayAttr,
}


class Port(NamedTuple):
    """An input port: `x`, optional `x?`, or dynamic `x*`, which stands for x0, x1, …."""

    name: str
    optional: bool = False
    dynamic: bool = False

    def covers(self, connected: str) -> bool:
        """Whether a connected port name is this one or one of its dynamic instances."""
        if not self.dynamic:
            return connected == self.name
        return connected.startswith(self.name) and connected[len(self.name) :].isdigit()


class Signature(NamedTuple):
    """The prototype of an operator type."""

    inputs: tuple[Port, ...]
    outputs: tuple[str, ...]
    kinds: Mapping[str, str]
    required: tuple[str, ...]
    core_types: frozenset[str] | None = None
    """Element types of the first input on the 910B's AI Core, in its library's words: none where
    the AI Core has no such operator, None where the library leaves it to a callback."""

    def port_names(self, count: int) -> tuple[str, ...]:
        """The names of the first `count` input ports: a dynamic one stands for all that follow."""
        names: list[str] = []
        for port in self.inputs:
            names += [f"{port.name}{i}" for i in range(count)] if port.dynamic else [port.name]
        names += [f"input{i}" for i in range(len(names), count)]
        return tuple(names[:count])

    def check(
        self, ports: Sequence[str], results: int, attributes: Mapping[str, Attribute]
    ) -> None:
        """Raise VerifyException where a node does not fit the prototype.

        Attributes that the prototype does not know are GraphEngine's private notes: they pass.
        """
        self._check_ports(ports)
        if results > len(self.outputs) and not any(name.endswith("*") for name in self.outputs):
            raise VerifyException(f"has {results} results, at most {len(self.outputs)} exist")
        for name in self.required:
            if name not in attributes:
                raise VerifyException(f"attribute '{name}' is missing")
        for name, value in attributes.items():
            expected = _KINDS.get(self.kinds.get(name, ""))
            if expected and not isinstance(value, expected):
                raise VerifyException(f"attribute '{name}' must be {self.kinds[name]}, not {value}")

    def _check_ports(self, ports: Sequence[str]) -> None:
        place = 0
        for connected in ports:
            match = next((i for i, port in enumerate(self.inputs) if port.covers(connected)), None)
            if match is None:
                known = ", ".join(port.name for port in self.inputs) or "none"
                raise VerifyException(f"has no input '{connected}' (inputs: {known})")
            if match < place:
                raise VerifyException(f"input '{connected}' is out of order")
            place = match
        for port in self.inputs:
            if not port.optional and not port.dynamic and port.name not in ports:
                raise VerifyException(f"input '{port.name}' is not connected")


def _port(text: str) -> Port:
    return Port(text.rstrip("?*"), optional="?" in text, dynamic="*" in text)


def _signature(row: Mapping[str, str]) -> Signature:
    attributes = [m for part in row["attrs"].split("; ") if (m := _ATTRIBUTE.match(part))]
    return Signature(
        tuple(_port(text) for text in row["inputs"].split(", ") if text),
        tuple(text for text in row["outputs"].split(", ") if text),
        {m["name"]: m["kind"] for m in attributes},
        tuple(m["name"] for m in attributes if m["required"]),
        _core_types(row["ai_core"]),
    )


def _core_types(text: str) -> frozenset[str] | None:
    if text == "no":
        return frozenset()
    _, listed, names = text.partition("yes: ")
    return frozenset(name.strip() for name in names.split(",")) if listed else None


@cache
def catalogue() -> Mapping[str, Signature]:
    """Every operator type we know the prototype of."""
    with _TABLE.open(newline="") as table:
        return {row["ge_op"]: _signature(row) for row in csv.DictReader(table)}


UNKNOWN = Signature((), (), {}, ())
"""Of an operator type that is not in the table: its ports are input0, input1, …."""


def port_names(op_type: str, count: int) -> tuple[str, ...]:
    """The names of the first `count` input ports of an operator type."""
    return (signature(op_type) or UNKNOWN).port_names(count)


def signature(op_type: str) -> Signature | None:
    """The prototype of an operator type; None for one that is not in the table."""
    return catalogue().get(op_type)
