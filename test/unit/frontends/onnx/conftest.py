# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
"""A model with tensors of all sizes in all places, and a folder to save it in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(0)


def array(name: str, count: int, dtype: Any = np.float32) -> TensorProto:
    return numpy_helper.from_array(RANDOM.integers(0, 99, count).astype(dtype), name)


def typed(name: str, count: int) -> TensorProto:
    return helper.make_tensor(name, TensorProto.INT64, [count], range(count))


def constant(output: str, value: TensorProto) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [output], value=value)


def rich_model() -> onnx.ModelProto:
    """A model with tensors of all sizes in all places."""
    branch = helper.make_graph(
        [constant("inner", array("", 500))],
        "branch",
        [],
        [helper.make_tensor_value_info("nested", TensorProto.FLOAT, [700])],
        [array("nested", 700)],
    )
    body = [constant("made", array("in a function", 900)), helper.make_node("Neg", ["made"], ["o"])]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    sparse = helper.make_sparse_tensor(array("values", 400), typed("indices", 400), [4000])
    graph = helper.make_graph(
        [
            constant("k", array("k", 600, np.float64)),
            helper.make_node("Constant", [], ["s"], sparse_value=sparse),
            helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch),
            helper.make_node("f", [], ["z"], domain="local"),
        ],
        "g",
        [helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
        [],
        [
            array("w", 1000),
            array("shape", 4, np.int64),
            array("scalar", 1),
            array("nothing", 0),
            array("half", 5000, np.float16),
            typed("typed", 2000),
            TensorProto(name="strings", data_type=8, dims=[2], string_data=[b"a", b"b" * 2000]),
        ],
    )
    function = helper.make_function("local", "f", [], ["o"], body, opsets[:1])
    made = helper.make_model(graph, functions=[function], opset_imports=opsets)
    training = made.training_info.add()
    training.initialization.CopyFrom(
        helper.make_graph([constant("t", array("t", 800))], "init", [], [])
    )
    return made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source" / "m.onnx"
    path.parent.mkdir()
    onnx.save(rich_model(), path)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder
