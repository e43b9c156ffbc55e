"""Lowerings read nodes by the names of the schema that is in force in the model's opset."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, FloatAttr, IntegerAttr, f32, i64
from xdsl.ir import Attribute, Block
from xdsl.utils.exceptions import VerifyException

from dialects.onnx import OPERATORS, GraphOp, NodeOp, NoneOp, OutputOp
from dialects.op import describe
from dialects.types import tensor_type

F32 = tensor_type((1, 4), f32)


def attribute(value: int | Sequence[int]) -> Attribute:
    return (
        IntegerAttr(value, i64) if isinstance(value, int) else DenseArrayBase.from_list(i64, value)
    )


def in_graph(opset: int, operator: str, inputs: int, **attributes: int | Sequence[int]) -> NodeOp:
    """The only node of a model's graph, whose inputs are those of the graph."""
    block = Block(arg_types=[F32] * inputs)
    values = {name: attribute(value) for name, value in attributes.items()}
    node = OPERATORS[operator].make("n", block.args, [F32], values)
    block.add_ops([node, OutputOp.make({"y": node.results[0]})])
    GraphOp.make("g", block, [f"x{index}" for index in range(inputs)], {"ai.onnx": opset})
    return node


def test_inputs_by_name():
    node = in_graph(17, "Conv", 2)
    assert node.input("X") is node.operands[0]
    assert node.input("W") is node.operands[1]
    assert node.input("B") is None
    with pytest.raises(KeyError, match=r"has no 'Q' in its opset, only X, W, B"):
        node.input("Q")


def test_an_input_left_out_in_the_middle_is_none():
    node = in_graph(17, "Clip", 1)
    none = NoneOp.make()
    node.operands = [node.operands[0], none.output, node.operands[0]]
    assert node.input("min") is None
    assert node.input("max") is node.operands[0]


def test_variadic_inputs():
    assert len(in_graph(17, "Concat", 3, axis=1).variadic("inputs")) == 3


def test_outputs_by_name():
    node = in_graph(17, "Dropout", 1)
    assert node.output("output") is node.results[0]
    assert node.output("mask") is None


def test_attributes_have_the_schemas_defaults():
    node = in_graph(17, "Gemm", 2, transB=1)
    assert (node.integer("transA"), node.integer("transB")) == (0, 1)
    assert (node.number("alpha"), node.number("beta")) == (1.0, 1.0)
    conv = in_graph(17, "Conv", 2, strides=(2, 2))
    assert conv.integers("strides") == (2, 2)
    assert conv.integers("pads") is None
    assert conv.text("auto_pad") == "NOTSET"


def test_defaults_follow_the_opset():
    assert in_graph(12, "Softmax", 1).integer("axis") == 1
    assert in_graph(13, "Softmax", 1).integer("axis") == -1


def test_an_attribute_of_another_opset_does_not_exist():
    assert in_graph(11, "Unsqueeze", 1, axes=(0,)).integers("axes") == (0,)
    with pytest.raises(KeyError, match="no attribute 'axes' in its opset"):
        in_graph(13, "Unsqueeze", 2).attribute("axes")


def test_lists_of_text_and_numbers():
    rnn = in_graph(17, "RNN", 3)
    assert rnn.texts("activations") == ("Tanh", "Tanh")
    assert rnn.numbers("activation_alpha") is None
    rnn.attributes["activation_alpha"] = DenseArrayBase.from_list(f32, (0.5, 2.0))
    assert rnn.numbers("activation_alpha") == (0.5, 2.0)
    rnn.attributes["activation_alpha"] = ArrayAttr([FloatAttr(float("inf"), f32)])
    assert rnn.numbers("activation_alpha") == (float("inf"),)


def test_outside_a_model_the_newest_schema_holds():
    node = OPERATORS["Softmax"].make("s")
    assert node.opset is None
    assert node.integer("axis") == -1


def test_too_old_an_opset():
    with pytest.raises(VerifyException, match="is new in opset 20, the model imports 17"):
        _ = in_graph(17, "Gelu", 1).schema


def test_errors_name_the_node():
    assert describe(in_graph(17, "Relu", 1)) == "onnx.Relu 'n'"
