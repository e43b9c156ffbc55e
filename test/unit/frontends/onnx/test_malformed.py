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


def converted(model: onnx.ModelProto, folder: Path) -> None:
    module = import_model(saved(model, folder))
    module.verify()
    ConvertOnnxToGEPass().apply(context(), module)


def test_a_recurrence_of_two_dimensions(tmp_path: Path):
    text = "(float[5,1,3] x, float[1,8,3] w, float[2] r) => (float[5,1,1,2] y, float[1,1,2] h)"
    model = parsed(text + " { y, h = LSTM<hidden_size=2>(x, w, r) }")
    with pytest.raises((UserError, VerifyException), match="R has the shape"):
        converted(model, tmp_path)


def test_sparse_indices_of_another_type(tmp_path: Path):
    model = parsed("(float[6] x) => (float[6] y) { y = Add(x, s) }")
    sparse = model.graph.sparse_initializer.add(dims=[6])
    sparse.values.CopyFrom(helper.make_tensor("s", onnx.TensorProto.FLOAT, [2], [1, 2]))
    sparse.indices.CopyFrom(helper.make_tensor("", onnx.TensorProto.INT8, [2], [0, 1]))
    with pytest.raises((UserError, VerifyException), match="they must be i64"):
        converted(model, tmp_path)


def test_named_dimensions_of_no_type(tmp_path: Path):
    model = parsed("(float[n] x) => (float[2] y) { y = local.other(x) }")
    model.opset_import.add(domain="local", version=1)
    model.graph.input[0].type.tensor_type.elem_type = 0
    with pytest.raises(UserError, match="input 'x' has no type"):
        converted(model, tmp_path)


def test_a_long_vector_of_a_name_that_is_short_elsewhere(tmp_path: Path):
    text = "(float[3447611448803100457] x, bool b) => (float[k] y) { h = Add(x, x) y = If(b) <"
    text += "then_branch=t () => (float[k] p) { p = Neg(h) },"
    text += "else_branch=e () => (float[k] q) { q = Abs(h) }> }"
    model = parsed(text)
    model.graph.node[1].attribute[0].g.value_info.add(name="x").type.CopyFrom(
        helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, [6])
    )
    import_model(saved(model, tmp_path))


def test_a_function_that_nobody_calls_but_itself(tmp_path: Path):
    model = parsed("(float[2] x) => (float[2] y) { y = Neg(x) }")
    model.opset_import.add(domain="local", version=1)
    node = helper.make_node("again", ["a"], ["b"], domain="local")
    function = model.functions.add(name="again", domain="local", node=[node])
    function.input.append("a")
    function.output.append("b")
    function.opset_import.add(domain="local", version=1)
    with pytest.raises(UserError, match="functions cannot be inlined: Cycle detected"):
        import_model(saved(model, tmp_path))
