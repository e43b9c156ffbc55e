"""The table of ONNX operators and their GraphEngine form."""

from __future__ import annotations

import pytest

from compiler.conversion.onnx_to_ge.rows import Row, row_for, rows
from compiler.conversion.onnx_to_ge.table import RULES
from dialects.ge.catalogue import catalogue
from dialects.onnx import OPERATORS
from dialects.onnx.ascend import ascend_operators

SIMPLE = [row for group in rows().values() for row in group if row.is_simple]


@pytest.mark.parametrize("row", SIMPLE, ids=lambda row: row.operator)
def test_simple_rows_name_ports_and_attributes_of_the_prototype(row: Row):
    [kind] = row.types
    prototype = catalogue()[kind]
    ports = [port.name + "*" * port.dynamic for port in prototype.inputs]
    wired = [port for port in row.ports if port != "-"]
    assert wired == [port for port in ports if port in wired]
    if prototype.kinds:
        assert {name for name, _, _ in row.attributes} <= set(prototype.kinds)


def test_every_row_is_of_an_operator_that_exists():
    assert set(rows()) <= {*OPERATORS, "Constant"}
    assert set(RULES) <= set(OPERATORS)


def test_an_operator_has_either_ports_or_a_rule():
    assert {row.operator for row in SIMPLE}.isdisjoint(RULES)


def test_ascend_operators_have_a_prototype_and_no_schema():
    for (_, name), operator in ascend_operators().items():
        assert operator.ge in catalogue()
        assert name not in OPERATORS


def test_opsets():
    row = row_for("Elu", 13)
    assert row is not None
    assert row.covers(7)
