"""Model-local functions, inlined where they mean the same in the model's opset."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from compiler.errors import UserError
from compiler.frontends.onnx import import_model
from dialects.onnx import GraphOp

DOMAIN = "local"


def function(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    opsets: dict[str, int],
    attributes: Sequence[str] = (),
) -> onnx.FunctionProto:
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    return helper.make_function(DOMAIN, name, ["a"], ["b"], nodes, imports, attributes)


def call(op_type: str, source: str, result: str, **attributes: float) -> onnx.NodeProto:
    node = helper.make_node(op_type, [source], [result], domain=DOMAIN)
    node.attribute.extend(helper.make_attribute(name, v) for name, v in attributes.items())
    return node


def imported(
    folder: Path,
    nodes: Sequence[onnx.NodeProto],
    functions: Sequence[onnx.FunctionProto],
    opset: int = 17,
) -> GraphOp:
    source = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    model = helper.make_model(
        helper.make_graph(nodes, "g", [source], [result]),
        opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, 1)],
        functions=functions,
    )
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    module = import_model(str(path))
    module.verify()
    graph = module.body.block.first_op
    assert isinstance(graph, GraphOp)
    return graph


def kinds(graph: GraphOp) -> list[str]:
    return [node.op_type for node in graph.nodes]


def test_calls_are_replaced_by_bodies(tmp_path: Path):
    inner = function("Inner", [helper.make_node("Neg", ["a"], ["b"])], {"": 17})
    nodes = [call("Inner", "a", "h"), helper.make_node("Relu", ["h"], ["b"])]
    outer = function("Outer", nodes, {"": 17, DOMAIN: 1})
    graph = imported(tmp_path, [call("Outer", "x", "h"), call("Outer", "h", "y")], [inner, outer])
    assert kinds(graph) == ["Neg", "Relu", "Neg", "Relu"]
    assert str(graph.outputs["y"].type) == "tensor<4xf32>"


def test_attributes_are_passed_on(tmp_path: Path):
    node = helper.make_node("LeakyRelu", ["a"], ["b"])
    node.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    leaky = function("Leaky", [node], {"": 17}, ["slope"])
    graph = imported(tmp_path, [call("Leaky", "x", "y", slope=0.25)], [leaky])
    assert next(graph.nodes).number("alpha") == 0.25


def test_attributes_have_defaults(tmp_path: Path):
    node = helper.make_node("LeakyRelu", ["a"], ["b"])
    node.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    leaky = function("Leaky", [node], {"": 17})
    leaky.attribute_proto.append(helper.make_attribute("slope", 0.5))
    outer = function("Outer", [call("Leaky", "a", "b")], {DOMAIN: 1})
    calls = [call("Leaky", "x", "h", slope=0.25), call("Outer", "h", "y")]
    graph = imported(tmp_path, calls, [leaky, outer])
    assert [node.number("alpha") for node in graph.nodes] == [0.25, 0.5]


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [(["x", "x"], ["y"], "has 2 inputs, .*has 1"), (["x"], ["y", "z"], "has 2 outputs, .*has 1")],
)
def test_a_call_that_does_not_fit(
    inputs: list[str], outputs: list[str], words: str, tmp_path: Path
):
    negate = function("F", [helper.make_node("Neg", ["a"], ["b"])], {"": 17})
    node = helper.make_node("F", inputs, outputs, name="odd", domain=DOMAIN)
    with pytest.raises(UserError, match=f"F node 'odd': {words}"):
        imported(tmp_path, [node], [negate])


def test_two_functions_of_one_name(tmp_path: Path):
    functions = [
        function("F", [helper.make_node(k, ["a"], ["b"])], {"": 17}) for k in ("Neg", "Abs")
    ]
    with pytest.raises(UserError, match=f"two functions are called 'F' in the domain '{DOMAIN}'"):
        imported(tmp_path, [call("F", "x", "y")], functions)


def test_another_opset_with_the_same_operators(tmp_path: Path):
    relu = function("F", [helper.make_node("Relu", ["a"], ["b"])], {"": 14})
    graph = imported(tmp_path, [call("F", "x", "y")], [relu], opset=21)
    assert kinds(graph) == ["Relu"]
    assert next(graph.nodes).opset == 21


def test_another_opset_with_other_operators_is_refused(tmp_path: Path):
    softmax = function("F", [helper.make_node("Softmax", ["a"], ["b"])], {"": 12})
    message = r"function 'F' uses Softmax of opset 12, which is not that of the model's opset 17"
    with pytest.raises(UserError, match=message):
        imported(tmp_path, [call("F", "x", "y")], [softmax])


def test_a_function_nobody_calls_does_no_harm(tmp_path: Path):
    softmax = function("F", [helper.make_node("Softmax", ["a"], ["b"])], {"": 12})
    assert kinds(imported(tmp_path, [helper.make_node("Relu", ["x"], ["y"])], [softmax])) == [
        "Relu"
    ]


def test_a_domain_only_the_function_imports(tmp_path: Path):
    node = helper.make_node("Normalizer", ["a"], ["b"], domain="ai.onnx.ml", norm="L2")
    graph = imported(tmp_path, [call("F", "x", "y")], [function("F", [node], {"ai.onnx.ml": 3})])
    assert next(graph.nodes).opset == 3


@pytest.mark.parametrize("cycle", [["F"], ["G", "F"]])
def test_recursion_is_refused(tmp_path: Path, cycle: list[str]):
    names = [*cycle, cycle[0]]
    functions = [
        function(name, [call(callee, "a", "b")], {DOMAIN: 1}) for name, callee in pairwise(names)
    ]
    with pytest.raises(UserError, match=f"function '{cycle[0]}' calls itself"):
        imported(tmp_path, [call(cycle[0], "x", "y")], functions)


def test_weights_in_functions_are_references(tmp_path: Path):
    weight = np.arange(1000, dtype=np.float32).reshape(250, 4)
    constant = helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(weight))
    nodes = [constant, helper.make_node("Add", ["a", "k"], ["b"])]
    graph = imported(tmp_path, [call("F", "x", "y")], [function("F", nodes, {"": 17})])
    offset = (tmp_path / "m.onnx").read_bytes().index(weight.tobytes())
    assert f"{offset} + 4000> : tensor<250x4xf32>" in str(next(graph.nodes))


def test_a_standard_operator_goes_before_a_function_of_its_name(tmp_path: Path):
    named = function("Relu", [helper.make_node("Neg", ["a"], ["b"])], {"": 17})
    named.domain = ""
    graph = imported(tmp_path, [helper.make_node("Relu", ["x"], ["y"])], [named])
    assert kinds(graph) == ["Relu"]
    model = onnx.ModelProto.FromString((tmp_path / "m.onnx").read_bytes())
    model.ir_version = 10
    session: Any = onnxruntime.InferenceSession(model.SerializeToString())
    x = np.array([-1, 1, -2, 2], np.float32)
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], np.maximum(x, 0))


def test_a_function_stands_for_an_operator_that_the_opset_has_not(tmp_path: Path):
    gelu = function("Gelu", [helper.make_node("Neg", ["a"], ["b"])], {"": 17})
    gelu.domain = ""
    nodes = [helper.make_node("Gelu", ["x"], ["y"])]
    assert kinds(imported(tmp_path, nodes, [gelu], 17)) == ["Neg"]
    assert kinds(imported(tmp_path, nodes, [gelu], 20)) == ["Gelu"]


def odd(kind: str, source: str) -> onnx.NodeProto:
    return helper.make_node(kind, [source], ["b"], name="odd")


def leaky(reference: str) -> onnx.NodeProto:
    node = odd("LeakyRelu", "a")
    node.attribute.add(name="alpha", ref_attr_name=reference, type=onnx.AttributeProto.FLOAT)
    return node


def branching(source: str) -> list[onnx.NodeProto]:
    result = helper.make_tensor_value_info("b", TensorProto.FLOAT, None)
    branch = helper.make_graph([odd("Neg", source)], "branch", [], [result])
    truth = helper.make_node("Cast", ["a"], ["c"], to=TensorProto.BOOL)
    return [truth, helper.make_node("If", ["c"], ["b"], then_branch=branch, else_branch=branch)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([odd("Neg", "x")], "Neg node 'odd' reads 'x', which the function neither takes nor makes"),
        (branching("x"), "Neg node 'odd' reads 'x', which the function neither takes nor makes"),
        ([helper.make_node("Neg", ["a"], ["c"])], "never makes its output 'b'"),
        ([leaky("slope")], "LeakyRelu node 'odd' refers to the attribute 'slope', which"),
    ],
)
def test_a_body_that_uses_what_it_has_not(body: list[onnx.NodeProto], words: str, tmp_path: Path):
    message = rf"m\.onnx: function 'F'(:)? {words}"
    with pytest.raises(UserError, match=message):
        imported(tmp_path, [call("F", "x", "y")], [function("F", body, {"": 17})])


def test_branches_read_what_the_function_has(tmp_path: Path):
    graph = imported(tmp_path, [call("F", "x", "y")], [function("F", branching("a"), {"": 17})])
    assert kinds(graph) == ["Cast", "If"]


def test_an_attribute_that_the_function_has_not(tmp_path: Path):
    negate = function("F", [helper.make_node("Neg", ["a"], ["b"])], {"": 17}, ["slope"])
    node = call("F", "x", "y", slop=0.5)
    message = "gives attribute 'slop', function 'F' has 'slope'"
    with pytest.raises(UserError, match=message):
        imported(tmp_path, [node], [negate])


def test_a_reference_outside_of_functions(tmp_path: Path):
    node = leaky("slope")
    node.input[0], node.output[0] = "x", "y"
    message = "LeakyRelu node 'odd': refers to the attribute 'slope' of a function"
    with pytest.raises(UserError, match=message):
        imported(tmp_path, [node], [])
