"""A slice of ONNX's backend test suite keeps its expected status, case by case."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.half import mismatch
from conformance.run import changes, expected_status, status, table
from conformance.suite import COLUMNS, Column, Outcome, outcomes

SLICES: dict[Column, str] = {
    "origin": (
        "test_(operator_|relu|conv_|softmax_|reduce_max_|gemm_|cast_FLOAT_|shape_|squeezenet"
        "|simple_rnn|rnn_|maxunpool|optional_)"
    ),
    "fp16": "test_(operator_|relu|conv_|softmax_|reduce_max_|gemm_|greater|pow|layer_norm|lstm)",
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_slice_has_its_expected_status(column: Column):
    found = list(outcomes(SLICES[column], column))
    assert len(found) > 100
    assert changes(found, expected_status(), column) == []


def test_changes_are_told_in_both_directions():
    found = [Outcome("a", "Node", ""), Outcome("b", "Node", "no rule"), Outcome("c", "Node", "")]
    expected = {
        "a": {"origin": "fail", "fp16": "pass"},
        "b": {"origin": "pass", "fp16": "fail"},
        "c": {"origin": "pass", "fp16": "pass"},
    }
    assert changes(found, expected, "origin") == [
        "a (origin) passes now: note it in status.csv",
        "b (origin) no longer passes: no rule",
    ]
    assert changes(found, expected, "fp16") == []


def test_a_case_that_is_not_in_the_table_must_be_noted():
    told = changes([Outcome("new", "Node", "")], {}, "fp16")
    assert told == ["new (fp16) passes now: note it in status.csv"]


FOUND: dict[Column, list[Outcome]] = {
    "origin": [Outcome("b", "Node", "no rule"), Outcome("a", "Node", "")],
    "fp16": [Outcome("b", "Node", "no rule"), Outcome("a", "Node", "far off")],
}


def test_the_table_counts_and_names():
    text = table(FOUND)
    assert "| all | 1 | 0 | 2 |" in text
    assert "| b | no rule |" in text
    assert text.endswith("| a | far off |\n")


def test_the_status_is_a_line_for_each_case():
    assert status(FOUND) == "case,origin,fp16\na,pass,fail\nb,fail,fail\n"


@pytest.mark.parametrize(
    "found, expected, is_right",
    [
        ([1.007], [1.0], True),
        ([1.008], [1.0], False),
        ([100.0, 0.39], [100.0, 0.0], True),
        ([100.0, 0.4], [100.0, 0.0], False),
        ([6e-5], [0.0], True),
        ([7e-5], [0.0], False),
        ([np.inf, 65504.0], [1e5, 1e5], True),
        ([-np.inf], [1e5], False),
        ([np.inf], [6e4], False),
        ([np.nan, np.inf], [np.nan, np.inf], True),
        ([np.nan], [1.0], False),
    ],
)
def test_the_bounds_of_float16(found: list[float], expected: list[float], is_right: bool):
    pair = (np.array(values, np.float32) for values in (found, expected))
    assert (mismatch(*pair) == "") == is_right


def test_what_holds_no_floats_is_compared_exactly():
    assert mismatch(np.array([1, 2]), np.array([1, 2])) == ""
    assert mismatch(np.array([1, 2]), np.array([1, 3])) == "fp16: 1 of 2 elements differ"
    assert mismatch(np.array(["a"], object), np.array(["b"], object)) == "fp16: strings differ"
    assert "expected float32[1]" in mismatch(np.zeros(1), np.zeros(1, np.float32))
