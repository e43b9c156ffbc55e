# pyright: reportUnknownMemberType=false
"""Shapes that do not fit the model: ATC's codes.

onnx's helpers take values of any type, which strict typing does not know.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper

from compiler.atc import main as atc

CASES = [
    ("z:1,2", "(E10016): Op name z specified in --input_shape is not found in the model."),
    ("x:1,2,3", "(E10049): Dimension count 3 configured in --input_shape does not match dimension"),
    ("x:1,2;x2:1~2", "(E10016): Op name x2 specified"),
    ("1~2,3;4", "(E10001): Value 2 for parameter --input_shape"),
]


@pytest.mark.parametrize(("shape", "words"), CASES)
def test_codes(shape: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 2]) for n in "xy"]
    nodes = [helper.make_node("Relu", ["x"], ["y"], "relu")]
    graph = helper.make_graph(nodes, "g", infos[:1], infos[1:])
    path = tmp_path / "m.onnx"
    imports = [helper.make_opsetid("", 13)]
    path.write_bytes(helper.make_model(graph, opset_imports=imports).SerializeToString())
    options = ["--framework=5", "--soc_version=Ascend910B4", f"--model={path}"]
    assert atc([*options, f"--output={tmp_path}/out", f"--input_shape={shape}"]) == 255
    assert words in capsys.readouterr().out
    assert not (tmp_path / "out.om").exists()
