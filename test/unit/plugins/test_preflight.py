"""Everything that ATC would refuse of a model, in its order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from compiler.plugins import GraphOutline, ModelNode, ModelOutline, preflight
from compiler.plugins.report import report


def relu(name: str, *graphs: GraphOutline, opset: int = 18) -> ModelNode:
    return ModelNode(name, "ai.onnx", opset, "Relu", graphs=graphs)


def gelu(name: str, opset: int = 20) -> ModelNode:
    return ModelNode(name, "ai.onnx", opset, "Gelu")


def model(
    *nodes: ModelNode,
    inputs: Sequence[str] = ("x",),
    outputs: Sequence[str] = ("y",),
    constants: Sequence[str] = (),
) -> ModelOutline:
    opset = next((node.opset for node in nodes if node.opset), 18)
    return ModelOutline({"ai.onnx": opset}, GraphOutline(inputs, outputs, constants, nodes))


TWO_GELUS = GraphOutline((), ("y",), (), (gelu("inner"), gelu("inner_2")))

CASES: list[tuple[ModelOutline, list[str]]] = [
    (model(relu("a"), relu("b")), []),
    (model(relu("a"), inputs=()), ["E16001 "]),
    (model(relu("a"), outputs=()), ["E16001 "]),
    (model(relu("a"), relu("a")), ["E13009 a"]),
    (model(relu("x")), ["E13009 x"]),
    (model(relu("w_Initializer_0"), constants=("w",)), ["E13009 w_Initializer_0"]),
    (model(relu("w"), inputs=("x", "w"), constants=("w",)), []),
    (model(gelu("g"), relu("r", opset=20)), ["E13010 g", "E13010 r"]),
    (
        model(relu("r", TWO_GELUS), ModelNode("t", "ai.onnx", 18, "Transpose"), gelu("g")),
        ["E13010 g", "E11010 t", "E13010 inner", "E13010 inner_2"],
    ),
]


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_findings_in_atcs_order(given: ModelOutline, expected: list[str]):
    assert [f"{found.refusal.code} {found.node}" for found in preflight(given)] == expected


def test_the_report_groups_nodes_and_advises():
    given = model(gelu("g"), relu("a", opset=20), relu("b", opset=20))
    assert list(report(given, preflight(given))) == [
        "E13010 ai.onnx::20::Gelu: ATC has no plugin for it",
        "    1 node: g",
        "    instead: Div + Erf + Add + Mul + Mul",
        "E13010 ai.onnx::20::Relu: ATC's plugin is for opset 8-18",
        "    2 nodes: a, b",
        "    instead: opset 18",
        "ATC would refuse 3 operators",
        "Export the model with opset 18: ATC has a plugin for all but 1 node of ONNX's then.",
    ]


def test_no_advice_where_another_opset_is_no_better():
    given = model(gelu("g", 18))
    assert list(report(given, preflight(given)))[-1] == "ATC would refuse 1 operator"
