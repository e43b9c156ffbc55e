"""A slice of ONNX's backend test suite keeps its expected status, case by case."""

from __future__ import annotations

from conformance.run import changes, expected_to_pass, table
from conformance.suite import Outcome, outcomes

SLICE = "test_(operator_|relu|conv_|softmax_|reduce_max_|gemm_|cast_FLOAT_|shape_|squeezenet)"


def test_a_slice_has_its_expected_status():
    found = list(outcomes(SLICE))
    assert len(found) > 100
    assert changes(found, expected_to_pass()) == []


def test_changes_are_told_in_both_directions():
    found = [Outcome("a", "Node", ""), Outcome("b", "Node", "no rule"), Outcome("c", "Node", "")]
    told = changes(found, frozenset({"b", "c"}))
    assert told == ["a passes now: add it to passing.txt", "b no longer passes: no rule"]


def test_the_table_counts_and_names():
    text = table([Outcome("a", "Node", ""), Outcome("b", "Node", "no rule")])
    assert "| all | 1 | 2 |" in text
    assert "| b | no rule |" in text
