# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""A bundle refreshed to another checkpoint, and rolled back, answers as what is compiled afresh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from compiler.om.bundle import read_bundle
from conformance.checkpoints import FORMS, Form, case, findings, plain_answer
from conformance.models import Example


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["bert_dynamo", "gpt2_script", "llama_dynamo", "resnet_dynamo"])
def test_another_checkpoint_and_back(name: str, form: Form, tmp_path: Path) -> None:
    """In float16, with batch norms folded, embeddings that a classifier shares, rotations."""
    example = Example(name, tmp_path)
    made = case(name, example.path, example.inputs[0])
    fresh = plain_answer(made, tmp_path, "force_fp16") if form == "compiled" else b""
    assert not findings(made, tmp_path, "force_fp16", form, fresh).wrong


def joined_model(path: Path) -> Path:
    """y = x · left(qkv) + x · right(qkv) + x · [k | v], the parts and the joined one in columns."""
    nodes = [
        helper.make_node("Split", ["qkv"], ["left", "right"], "split", axis=1),
        helper.make_node("Concat", ["k", "v"], ["kv"], "join", axis=1),
        helper.make_node("MatMul", ["x", "left"], ["a"], "a"),
        helper.make_node("MatMul", ["x", "right"], ["b"], "b"),
        helper.make_node("MatMul", ["x", "kv"], ["c"], "c"),
        helper.make_node("Add", ["a", "b"], ["ab"], "ab"),
        helper.make_node("Add", ["ab", "c"], ["y"], "abc"),
    ]
    draw = np.random.default_rng(0)
    shapes = {"qkv": (64, 96), "k": (64, 16), "v": (64, 32)}
    weights = {name: draw.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 64])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 48])
    kept = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "joined", [x], [y], kept)
    opset = helper.make_opsetid("", 17)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_parts_of_weights_and_joined_ones(form: Form, tmp_path: Path) -> None:
    """Where variables hold what the inference needs, nothing is cut or joined in it any more."""
    inputs = {"x": np.ones((2, 64), np.float32)}
    made = case("joined", joined_model(tmp_path / "joined.onnx"), inputs)
    fresh = plain_answer(made, tmp_path, "force_fp16") if form == "compiled" else b""
    assert not findings(made, tmp_path, "force_fp16", form, fresh).wrong
    bundle = read_bundle((tmp_path / f"joined_first_{form}.om").read_bytes())
    types = {op.type for graph in bundle.models[0].root.model_def.graph for op in graph.op}
    assert types.isdisjoint({"Split", "ConcatD"}) == (form == "compiled")
