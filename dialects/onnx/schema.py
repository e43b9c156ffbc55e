"""ONNX's operator schemas, every version of each: what a node of an opset may look like."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

DEFAULT_DOMAIN = "ai.onnx"
"""The name of ONNX's own operator domain, which models spell as the empty string."""

_OPERATORS = Path(__file__).with_name("operators.csv")
_TYPE_SETS = Path(__file__).with_name("type_sets.csv")

_PARAMETER = re.compile(
    r"(?P<name>[^:?*]*)(?P<optional>\?)?(\*(?P<least>\d)(?P<mixed>~)?)?:(?P<type>.*)"
)
_ATTRIBUTE = re.compile(
    r"(?P<name>\w+)(?P<required>!)?:(?P<kind>[A-Z_]+)(=(?P<default>.*))?", re.DOTALL
)

Default: TypeAlias = int | float | str | list[int] | list[float] | list[str]
"""The default value of an attribute."""


class Parameter(NamedTuple):
    """An input or output: one value, an optional one, or (the last only) any number of them."""

    name: str
    type: str
    optional: bool = False
    variadic: bool = False
    least: int = 1
    homogeneous: bool = True


class AttributeSchema(NamedTuple):
    """An attribute: its kind as ONNX's AttributeProto names it (INT, FLOATS, GRAPH, …)."""

    name: str
    kind: str
    required: bool = False
    default: Default | None = None


class Schema(NamedTuple):
    """An operator as it is from opset `since` on."""

    operator: str
    since: int
    deprecated: bool
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]
    attributes: Mapping[str, AttributeSchema]
    types: Mapping[str, frozenset[str]]

    def allowed(self, parameter: Parameter) -> frozenset[str]:
        """The types a parameter may have, as ONNX spells them without blanks."""
        return self.types.get(parameter.type) or frozenset([parameter.type.replace(" ", "")])


class _Row(NamedTuple):
    """A row of the table, not yet taken apart."""

    since: int
    cells: Mapping[str, str]


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    with path.open(newline="", encoding="utf-8") as table:
        next(table)  # says which onnx the table was made from
        yield from csv.DictReader(table)


@cache
def _versions() -> Mapping[str, tuple[_Row, ...]]:
    """The rows of each operator, newest first."""
    versions: dict[str, list[_Row]] = {}
    for row in _rows(_OPERATORS):
        versions.setdefault(row["operator"], []).append(_Row(int(row["since"]), row))
    return {
        operator: tuple(sorted(rows, key=lambda row: -row.since))
        for operator, rows in versions.items()
    }


@cache
def _type_sets() -> Mapping[str, frozenset[str]]:
    return {row["set"]: frozenset(row["types"].split()) for row in _rows(_TYPE_SETS)}


def operators() -> tuple[str, ...]:
    """Every operator: `Conv` of the default domain, `ai.onnx.ml.Normalizer` of another."""
    return tuple(_versions())


def operator_name(domain: str, op_type: str) -> str:
    """How `operators()` spells an operator of a domain."""
    return op_type if domain in ("", DEFAULT_DOMAIN) else f"{domain}.{op_type}"


@cache
def split_operator(operator: str) -> tuple[str, str]:
    """The domain and the operator type: the inverse of `operator_name`."""
    domain, _, op_type = operator.rpartition(".")
    return domain or DEFAULT_DOMAIN, op_type


def since_versions(operator: str) -> tuple[int, ...]:
    """The opsets that changed an operator, oldest first; empty for an unknown one."""
    return tuple(row.since for row in reversed(_versions().get(operator, ())))


@cache
def schema(operator: str, opset: int | None = None) -> Schema | None:
    """The schema in force in an opset (None: the newest); None when there is none yet."""
    for row in _versions().get(operator, ()):
        if opset is None or row.since <= opset:
            return _schema(operator, row.since)
    return None


@cache
def _schema(operator: str, since: int) -> Schema:
    row = next(row for row in _versions()[operator] if row.since == since)
    attributes = [_attribute(text) for text in _split(row.cells["attributes"])]
    return Schema(
        operator,
        row.since,
        row.cells["status"] == "deprecated",
        tuple(_parameter(text) for text in _split(row.cells["inputs"])),
        tuple(_parameter(text) for text in _split(row.cells["outputs"])),
        {attribute.name: attribute for attribute in attributes},
        dict(_constraint(text) for text in _split(row.cells["types"])),
    )


def _split(cell: str) -> list[str]:
    return cell.split("; ") if cell else []


def _constraint(text: str) -> tuple[str, frozenset[str]]:
    variable, name = text.split("=")
    return variable, _type_sets()[name]


def _parameter(text: str) -> Parameter:
    match = _PARAMETER.fullmatch(text)
    assert match, text
    return Parameter(
        match["name"],
        match["type"],
        match["optional"] is not None,
        match["least"] is not None,
        int(match["least"] or 1),
        match["mixed"] is None,
    )


def _attribute(text: str) -> AttributeSchema:
    match = _ATTRIBUTE.fullmatch(text)
    assert match, text
    default = match["default"]
    return AttributeSchema(
        match["name"],
        match["kind"],
        match["required"] is not None,
        None if default is None else json.loads(default),
    )
