"""What ATC refuses of single nodes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import compiler.plugins as plugins
from compiler.plugins import ModelNode, refusal
from compiler.plugins.conditions import CONDITIONS
from compiler.plugins.node import Value
from compiler.plugins.registered import atc_opsets, spans
from dialects.onnx import OPERATORS


def node(operator: str, opset: int, **attributes: Value) -> ModelNode:
    return ModelNode("n", "ai.onnx", opset, operator, attributes, (True,), (True,))


REGISTRATIONS = [
    ("Relu", 7, "E13010", "opset 8-18", 8),
    ("Relu", 8, None, "", None),
    ("Relu", 18, None, "", None),
    ("Relu", 19, "E13010", "opset 8-18", 18),
    ("HardSwish", 13, "E13010", "opset 14-18", 14),
    ("ReduceL1", 17, None, "", None),
    ("ReduceL1", 18, "E13010", "opset 8-17", 17),
    ("MaxUnpool", 9, None, "", None),
    ("MaxUnpool", 10, "E13010", "opset 9, 11-18", 11),
    ("Upsample", 10, "E13010", "opset 8-9, 11-16", 11),
    ("GridSample", 12, "E13010", "opset 11, 16-18", 16),
    ("GroupNormalization", 18, "E13010", "no plugin", None),
    ("Frobnicate", 13, "E13010", "no plugin", None),
    ("AscendQuant", 22, None, "", None),
    ("AscendQuant", 23, "E13010", "opset 8-22", 18),
]


@pytest.mark.parametrize(("operator", "opset", "code", "words", "instead"), REGISTRATIONS)
def test_registrations(
    operator: str, opset: int, code: str | None, words: str, instead: int | None
):
    why = refusal(node(operator, opset))
    assert (why.code if why else None) == code
    if why is not None:
        assert words in why.reason
        assert why.opset == instead
        assert why.kind == f"ai.onnx::{opset}::{operator}"


PARAMETERS: list[tuple[ModelNode, str]] = [
    (node("ArgMax", 12), ""),
    (node("ArgMax", 12, select_last_index=1), "select_last_index"),
    (node("ArgMin", 13, select_last_index=1), "select_last_index"),
    (node("AveragePool", 11, auto_pad="SAME_UPPER"), ""),
    (node("AveragePool", 11, auto_pad="SAME_LOWER"), "SAME_LOWER"),
    (node("Clip", 10), ""),
    (node("Clip", 11), "neither min nor max"),
    (ModelNode("n", "ai.onnx", 11, "Clip", {}, (True, False, True)), ""),
    (node("Constant", 13, value=None), ""),
    (node("Constant", 13, value_float=1.0), "value"),
    (node("Conv", 13), "kernel_shape"),
    (node("Conv", 13, pads=(1, 1, 1, 1), auto_pad="SAME_UPPER"), ""),
    (node("Conv", 13, strides=(1, 1, 1), auto_pad="SAME_UPPER"), "three dimensions"),
    (node("ConvTranspose", 13, strides=(1, 1)), "kernel_shape"),
    (node("IsInf", 10, detect_negative=1), ""),
    (node("IsInf", 10, detect_positive=0), "detect_positive"),
    (node("MaxPool", 12), ""),
    (ModelNode("n", "ai.onnx", 12, "MaxPool", {}, (True,), (True, True)), "Indices"),
    (ModelNode("n", "ai.onnx", 12, "MaxPool", {}, (True,), (True, False)), ""),
    (ModelNode("n", "ai.onnx", 18, "Pad", {}, (True, True, False, True)), "axes"),
    (ModelNode("n", "ai.onnx", 18, "Pad", {}, (True, True, True, False)), ""),
    (node("ScatterND", 16, reduction="add"), ""),
    (node("ScatterND", 16, reduction="mul"), "reduction=mul"),
    (node("Selu", 8), ""),
    (node("Selu", 8, alpha=1.67326319217681884765625, gamma=1.05070102214813232421875), ""),
    (node("Selu", 8, gamma=1.06), "default alpha and gamma"),
    (node("Transpose", 13, perm=(1, 0)), ""),
    (node("Transpose", 13), "perm"),
]


@pytest.mark.parametrize(("given", "words"), PARAMETERS, ids=lambda v: getattr(v, "operator", v))
def test_parameters(given: ModelNode, words: str):
    why = refusal(given)
    assert (why is not None) == bool(words)
    if why is not None:
        assert why.code == "E11010"
        assert words in why.reason
        assert why.rewrite


def test_ascends_own_domain():
    assert refusal(ModelNode("n", "npu", 1, "NPUIou")) is None
    assert refusal(ModelNode("n", "npu", 2, "NPUIou")) is not None


def test_a_domain_that_is_not_imported():
    why = refusal(ModelNode("n", "acme", None, "Frobnicate"))
    assert why is not None
    assert why.code == "E19999"


def test_conditions_are_of_opsets_with_a_plugin():
    for operator, conditions in CONDITIONS.items():
        for condition in conditions:
            [span] = spans(condition.opsets)
            assert refusal(node(operator, span[0] - 1)) is None or span[0] >= 8
            registered = {opset for r in atc_opsets("ai.onnx", operator) for opset in r}
            assert set(span) <= registered


def test_rewrites_are_of_operators_that_atc_refuses():
    table = Path(plugins.__path__[0], "rewrites.csv").read_text(encoding="utf-8")
    operators = [row["operator"] for row in csv.DictReader(table.splitlines())]
    assert operators == sorted(set(operators))
    for operator in operators:
        assert operator in OPERATORS or f"ai.onnx.preview.{operator}" in OPERATORS
        taken = {opset for span in atc_opsets("ai.onnx", operator) for opset in span}
        assert not taken >= set(range(8, 19))
