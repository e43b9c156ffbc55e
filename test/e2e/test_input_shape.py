# pyright: reportUnknownMemberType=false
"""Shapes from the command line, for models that leave them open.

onnx's helpers take values of any type, which strict typing does not know.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper

from compiler.cli import main as ascend_opt

CASES = [
    (None, "", "input 'x' has no shape: give it one (--input-shape='x:1,3,224,224')"),
    (None, "x:2,3", "tensor<2x3xf32>"),
    (["n", 3], "", "tensor<?x3xf32>"),
    (["n", 3], "x:2,3", "tensor<2x3xf32>"),
    ([2, 3], "x:-1,3", "tensor<?x3xf32>"),
    ([2, 3], "x:1~4,3", "tensor<?x3xf32>"),
    ([2, 3], "x:2,3,4", "input_shape gives 'x' 3 dimensions, it has 2"),
]


@pytest.mark.parametrize(("shape", "asked", "words"), CASES)
def test_input_shape(
    shape: list[int | str] | None,
    asked: str,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    nodes = [helper.make_node("Relu", ["x"], ["y"], "relu")]
    graph = helper.make_graph(nodes, "g", infos[:1], infos[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    code = ascend_opt([str(path), "-p", "convert-onnx-to-ge", "--input-shape", asked])
    printed = capsys.readouterr()
    assert words in (printed.err if code else printed.out)
    assert code == (0 if words.startswith("tensor") else 1)
