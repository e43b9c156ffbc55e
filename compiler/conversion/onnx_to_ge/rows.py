"""The table of ONNX operators: their GraphEngine form.

    operator,opsets,ge,ports,attributes,shape
    HardSigmoid,,HardSigmoid,input_x,alpha beta,same

opsets      the opsets of the model that the row is for, all of them when empty
ge          the operator types it becomes; one type with ports is all a simple operator needs
ports       the input port for each ONNX input by position: `-` is not wired, `x*` takes all left
attributes  `ge=onnx`, or one name for both, and `ge='text'`, `ge=3`, `ge=0.5`, `ge=true` for a
            constant; `ge:bool=onnx`, `ge:list=onnx` and `ge:float=onnx` change the kind
shape       `same` where the first result has the shape of the first input: operators of the first
            opsets have no shape inference
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.checks import result_type
from compiler.conversion.onnx_to_ge.elementwise import aligned
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import boolean, integer, integers, real, string
from compiler.plugins.registered import Opsets, spans
from dialects.types import shape_of

_TABLE = Path(__file__).with_name("operators.csv")
_ATTRIBUTE = re.compile(r"(?P<ge>\w+)(:(?P<kind>\w+))?(=(?P<value>.+))?")


class Row(NamedTuple):
    """One row of the table."""

    operator: str
    opsets: Opsets
    types: tuple[str, ...]
    ports: tuple[str, ...]
    attributes: tuple[tuple[str, str, str], ...]
    same_shape: bool

    @property
    def is_simple(self) -> bool:
        """Whether the row says all there is to the conversion."""
        return bool(self.ports)

    def covers(self, opset: int) -> bool:
        """Whether the row is for a model of that opset."""
        return not self.opsets or any(opset in span for span in self.opsets)

    def convert(self, emit: Emitter) -> list[SSAValue]:
        """The one GraphEngine node that a simple operator becomes."""
        attributes = {ge: _attribute(emit, kind, value) for ge, kind, value in self.attributes}
        given = {ge: value for ge, value in attributes.items() if value is not None}
        inputs = aligned(emit) if emit.has("broadcast") else emit.inputs
        inner = "result" if emit.expansion.order else ""
        results = emit.kept_results()
        ranked = isinstance(emit.first.type, TensorType)
        if ranked and (emit.has("broadcast") or self.same_shape):
            results[0] = result_type(emit, shape_of(emit.first))
        ports = _wired(self.ports, inputs)
        return emit.ops(self.types[0], ports, given, inner=inner, results=results)


def _wired(ports: Sequence[str], inputs: Sequence[SSAValue | None]) -> dict[str, SSAValue | None]:
    """The inputs by port."""
    names: list[str] = []
    for port in ports:
        rest = len(inputs) - len(names)
        names += [f"{port[:-1]}{i}" for i in range(rest)] if port.endswith("*") else [port]
    return {name: x for name, x in zip(names, inputs, strict=False) if name != "-"}


def _attribute(emit: Emitter, kind: str, value: str) -> Attribute | None:
    """The attribute as the table says; None where the ONNX node has none and no default."""
    if value.startswith("'"):
        return string(value[1:-1])
    if value in ("true", "false"):
        return boolean(value == "true")
    if value[0].isdigit() or value[0] == "-":
        return real(float(value)) if "." in value else integer(int(value))
    if not emit.has(value):
        return None
    found = emit.node.attribute(value)
    return found if found is None or not kind else _CONVERT[kind](emit, value)


_CONVERT: Mapping[str, Callable[[Emitter, str], Attribute]] = {
    "bool": lambda emit, name: boolean(emit.node.integer(name)),
    "float": lambda emit, name: real(float(emit.node.integer(name) or 0)),
    "list": lambda emit, name: integers([emit.node.integer(name) or 0]),
}


def _entry(text: str) -> tuple[str, str, str]:
    match = _ATTRIBUTE.fullmatch(text)
    assert match is not None, f"{_TABLE.name}: '{text}' is no attribute"
    return match["ge"], match["kind"] or "", match["value"] or match["ge"]


def _row(cells: Mapping[str, str]) -> Row:
    return Row(
        cells["operator"],
        spans(cells["opsets"]),
        tuple(cells["ge"].split()),
        tuple(cells["ports"].split()),
        tuple(_entry(text) for text in cells["attributes"].split()),
        cells["shape"] == "same",
    )


@cache
def rows() -> Mapping[str, Sequence[Row]]:
    """All rows by operator of the default domain, in the order of the table."""
    found: dict[str, list[Row]] = {}
    with _TABLE.open(newline="", encoding="utf-8") as table:
        for cells in csv.DictReader(table):
            found.setdefault(cells["operator"], []).append(_row(cells))
    return found


def row_for(op_type: str, opset: int) -> Row | None:
    """The row for an operator in a model of an opset."""
    return next((row for row in rows().get(op_type, ()) if row.covers(opset)), None)
