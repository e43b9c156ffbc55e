# pyright: reportUnknownMemberType=false
"""Slices of less than nothing: onnx's inference of them would end this process."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper, parser
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType

from compiler.errors import UserError
from compiler.frontends.onnx import import_model
from dialects.onnx import GraphOp

PLACES = "int64[1] z = {0}, int64[1] e = {6}, int64[1] axis = {2}"
SLICE = "y = Slice(d, z, e) }"
DEEP = "y = Slice(d, z, e, axis) }"

MADE = {
    "Conv": f"(float[1,1,2,2] x, float[1,1,5,5] w) => (float[a,b,c,d] y) <{PLACES}>"
    f" {{ [odd] d = Conv(x, w) {DEEP}",
    "ConvTranspose": f"(float[1,1,2,2] x, float[1,1,2,2] w) => (float[a,b,c,d] y) <{PLACES}>"
    f" {{ [odd] d = ConvTranspose<pads=[9,9,9,9]>(x, w) {DEEP}",
    "Pad": f"(float[6] x) => (float[a] y) <int64[2] p = {{-10,0}}, {PLACES}>"
    f" {{ [odd] d = Pad(x, p) {SLICE}",
    "Expand": f"(float[6] x) => (float[a,b] y) <int64[2] s = {{-5,6}}, {PLACES}>"
    f" {{ [odd] d = Expand(x, s) {SLICE}",
    "Expand by a difference": f"(float[2,3] x, float[1,1] o) => (float[a,b] y) <{PLACES},"
    f" int64[2] k = {{5,1}}> {{ s = Shape(x) n = Sub(s, k) [odd] d = Expand(o, n) {SLICE}",
    "Expand by a part": f"(float[2,3] x, float[1,1] o) => (float[a,b] y) <int64[2] k = {{-5,1}},"
    f" int64[2] i = {{1,0}}, {PLACES}> {{ s = Shape(x) n = Mul(s, k) m = Gather(n, i)"
    f" [odd] d = Expand(o, m) {SLICE}",
    "Split": f"(float[6] x) => (float[a] y) <int64[2] s = {{-3,9}}, {PLACES}>"
    f" {{ [odd] d, f = Split<axis=0>(x, s) {SLICE}",
    "TopK": f"(float[6] x) => (float[a] y) <{PLACES}>"
    f" {{ n = Constant<value_ints=[-3]>() [odd] d, f = TopK(x, n) {SLICE}",
    "Resize": f"(float[6] x) => (float[a] y) <float[1] f = {{-3}}, {PLACES}>"
    f" {{ [odd] d = Resize(x, , f) {SLICE}",
    "behind a slice": f"(float[1,1,9,9] x, float[1,1,5,5] w) => (float[a,b,c,d] y) <{PLACES},"
    " int64[1] o = {2}> { c = Conv(x, w) s = Slice(c, z, o, axis) [odd] d = Conv(s, w) " + DEEP,
    "in a graph": "(bool b, float[6] x) => (float[a] y) { y = If(b) <"
    " then_branch=t () => (float[k] u) { z = Constant<value_ints=[0]>()"
    " p = Constant<value_ints=[-10,0]>() [odd] d = Pad(x, p) u = Slice(d, z, z) },"
    " else_branch=f () => (float[6] v) { v = Neg(x) }> }",
}


def save(text: str, folder: Path, opset: int = 18) -> Path:
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]> g {text}')
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return folder / "m.onnx"


@pytest.mark.parametrize("case", MADE)
def test_a_size_below_zero_is_told_with_the_node_that_makes_it(case: str, tmp_path: Path):
    with pytest.raises(UserError, match=r"'odd'.*below zero"):
        import_model(str(save(MADE[case], tmp_path)))


def test_slices_behind_windows_are_inferred_as_ever(tmp_path: Path):
    text = f"(float[1,1,9,9] x, float[1,1,5,5] w) => (float[a,b,c,d] y) <{PLACES}, "
    text += f"int64[1] o = {{4}}> {{ c = Conv(x, w) d = Slice(c, z, o, axis) {DEEP}"
    (graph,) = import_model(str(save(text, tmp_path))).body.block.ops
    assert isinstance(graph, GraphOp)
    (result,) = graph.outputs.values()
    assert isinstance(result.type, TensorType)
    assert result.type.get_shape() == (1, 1, 4, 5)


def test_a_declared_size_below_zero_is_unknown(tmp_path: Path):
    text = f"(float[n,6] x) => (float[a,b] y) <{PLACES}> {{ y = Slice(x, z, e) }}"
    path = save(text, tmp_path)
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    path.write_bytes(model.SerializeToString())
    (graph,) = import_model(str(path)).body.block.ops
    assert isinstance(graph, GraphOp)
    argument = graph.body.block.args[0].type
    assert isinstance(argument, TensorType)
    assert argument.get_shape() == (DYNAMIC_INDEX, 6)


def test_a_tensor_of_a_size_below_zero(tmp_path: Path):
    path = save(f"(float[6] x) => (float[a] y) <{PLACES}> {{ y = Slice(x, z, e) }}", tmp_path)
    model = onnx.load(path)
    model.graph.initializer.append(TensorProto(name="w", dims=[-5], data_type=TensorProto.FLOAT))
    model.graph.node[0].CopyFrom(helper.make_node("Slice", ["w", "z", "e"], ["y"]))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match="tensor 'w' has a negative dimension"):
        import_model(str(path))
