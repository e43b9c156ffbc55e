# pyright: reportUnknownMemberType=false
"""Models that onnx's own inference stumbles over: an error of one line, or none."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper, parser
from xdsl.utils.exceptions import VerifyException

from compiler.context import context
from compiler.conversion.onnx_to_ge import ConvertOnnxToGEPass
from compiler.errors import UserError
from compiler.frontends.onnx import import_model


def saved(model: onnx.ModelProto, folder: Path) -> str:
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return str(folder / "m.onnx")


def parsed(text: str, opset: int = 13) -> onnx.ModelProto:
    return parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]> g {text}')


def test_a_constant_with_an_attribute_of_a_later_opset(tmp_path: Path):
    text = "(float[2] x) => (float[n] y) { c = Constant<value_int=3>() y = Newer(c) }"
    with pytest.raises(UserError, match="has no operator 'Newer'"):
        import_model(saved(parsed(text, 7), tmp_path))


def test_a_pool_with_a_graph(tmp_path: Path):
    text = "(float[1,1,3,3] x) => (float[1,1,a,b] y) {"
    model = parsed(text + "y = MaxPool<kernel_shape=[2,2], ceil_mode=1>(x) }")
    inner = parsed("(float[1] z) => (float[1] w) { w = Neg(z) }").graph
    model.graph.node[0].attribute.append(helper.make_attribute("body", inner))
    with pytest.raises(VerifyException, match="'body'"):
        import_model(saved(model, tmp_path)).verify()


def test_an_input_without_a_name(tmp_path: Path):
    text = "(float[1,1,2,2] x) => (float[a,b,c,d] y) <float[4] s = {1,1,2,2}> {"
    model = parsed(text + "y = Resize(x, , s) }")
    model.graph.input[0].name = ""
    with pytest.raises(UserError, match="without a name"):
        import_model(saved(model, tmp_path))


@pytest.mark.parametrize("name", [":0", "_0", "_1_2", "0", "é", "a_0"])
def test_a_name_that_is_no_name_in_the_ir(name: str, tmp_path: Path):
    model = parsed("(float[2] x, float[2] unused) => (float[2] y) { y = Neg(x) }")
    model.graph.input[1].name = name
    module = import_model(saved(model, tmp_path))
    ConvertOnnxToGEPass().apply(context(), module)
    module.verify()
