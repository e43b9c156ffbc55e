# pyright: reportUnknownMemberType=false
"""A model that contradicts itself is one line that names the node; it never becomes a file.

onnx's parser of model text takes what it likes, which strict typing does not know.
"""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import parser

from compiler.atc import main as atc
from compiler.cli import main as ascend_opt

IMAGE = "float[1,3,8,8] x, float[4,3,3,3] w"

INVALID = [
    # ONNX's own inference tells these.
    (17, "(float[2,3,4] x) => (float[a,b] y) <int64[2] s={5,-1}> {[odd] y = Reshape(x, s)}"),
    (17, "(float[2,3] x) => (float[2,3] y) <int64[1] i={0}> {[odd] y = Gather<axis=3>(x, i)}"),
    (17, f"({IMAGE}) => (float[1,4,4,4] y) {{[odd] y = Conv<pads=[-1,-1,-1,-1]>(x, w)}}"),
    (17, f"({IMAGE}) => (float[1,4,9,9] y) {{[odd] y = Conv(x, w)}}"),
    (17, "(float[2,3] x, float[2,4] z) => (float[4,3] y) {[odd] y = Concat<axis=0>(x, z)}"),
    (17, "(float[2,3] x) => (float[2,3] y) {[odd] y = Softmax<axis=5>(x)}"),
    (11, "(float[2,3] x) => (float[2,3] y) {[odd] y = Softmax<axis=5>(x)}"),
    (17, "(float[2,3] x) => (float[2,1] y) {[odd] y = ReduceMean<axes=[5]>(x)}"),
    (18, "(float[2,3] x) => (float[2,1] y) <int64[1] a={5}> {[odd] y = ReduceMean(x, a)}"),
    (17, "(float[2,3] x, float[2,4] z) => (float[2,3] y) {[odd] y = Add(x, z)}"),
    (17, "(float[2,3] x) => (float[2,4] y) {[odd] y = Relu(x)}"),
    (17, "(float[2,3] x) => (int64[2,3] y) {[odd] y = Relu(x)}"),
    (17, "(float[2,3] x, float[4,5] z) => (float[2,5] y) {[odd] y = MatMul(x, z)}"),
    (17, "(float[2,3] x, float[4,5] z) => (float[2,5] y) {[odd] y = Gemm(x, z)}"),
    (17, "(float[2,3] x) => (float[3,2] y) {[odd] y = Transpose<perm=[0,5]>(x)}"),
    (17, "(float[2,3] x, int32[2,3] z) => (float[2,3] y) {[odd] y = Add(x, z)}"),
    # These it lets through.
    (17, "(float[2,3,4] x) => (float[5,5] y) <int64[2] s={5,5}> {[odd] y = Reshape(x, s)}"),
    (17, "(float[2,3,4] x) => (float[5,2] y) <int64[2] s={5,2}> {[odd] y = Reshape(x, s)}"),
    (17, "(float[1,3,8,8] x, float[4,5,3,3] w) => (float[1,4,6,6] y) {[odd] y = Conv(x, w)}"),
    (17, f"({IMAGE}) => (float[1,4,6,6] y) {{[odd] y = Conv<group=2>(x, w)}}"),
    (
        17,
        "(float[1,4,8,8] x, float[3,2,3,3] w) => (float[1,3,6,6] y)"
        " {[odd] y = Conv<group=2>(x, w)}",
    ),
    (17, f"({IMAGE}) => (float[1,4,4,4] y) {{[odd] y = Conv<kernel_shape=[5,5]>(x, w)}}"),
    (17, f"({IMAGE}, float[7] b) => (float[1,4,6,6] y) {{[odd] y = Conv(x, w, b)}}"),
    (17, "(float[1,3,2,2] x, float[4,3,3,3] w) => (float[1,4,a,b] y) {[odd] y = Conv(x, w)}"),
    (17, "(float[1,3,2,2] x) => (float[1,3,a,b] y) {[odd] y = MaxPool<kernel_shape=[3,3]>(x)}"),
    (9, "(float[2,3] x) => (float[2,3] y) {[odd] y = Softmax<axis=5>(x)}"),
    (
        17,
        "(float[2,3] x, float[3,5] z, float[4] c) => (float[2,5] y) {[odd] y = Gemm(x, z, c)}",
    ),
    (17, "(float[2,3] x) => (float[2,3] y) {[odd] y = Clip(x, x, x)}"),
    (17, "(float[1,3,4,4] x, float[5] s) => (float[1,3,4,4] y) {[odd] y = PRelu(x, s)}"),
    (6, "(float[2,3] x, float[7] z) => (float[2,3] y) {[odd] y = Add<broadcast=1>(x, z)}"),
    (6, "(float[2,3] x, float[3] z) => (float[2,3] y) {[odd] y = Add(x, z)}"),
    (17, '(uint8[2] x) => (uint8[2] y) {[odd] y = BitShift<direction="UP">(x, x)}'),
    (17, f'({IMAGE}) => (float[1,4,6,6] y) {{[odd] y = Conv<auto_pad="SAME">(x, w)}}'),
    (20, '(float[2] x) => (float[2] y) {[odd] y = Gelu<approximate="erf">(x)}'),
    (17, "(float[2,3] x) => (float[2,3] y) {[odd] y = LpNormalization<p=3>(x)}"),
    (17, "(float[2,3] x) => (float[2,3] y) {[odd] y = LpNormalization<p=0>(x)}"),
    (25, '(float[2] x) => (float8e8m0[2] y) {[odd] y = Cast<to=24, round_mode="odd">(x)}'),
    (18, "(float[1,1,4] x, int64[3] s) => (float[1,1,a] y)"
         ' {[odd] y = Resize<keep_aspect_ratio_policy="larger">(x, , , s)}'),
    *[
        (17, f"(float[5,1,2] x, float[{d},{4 * n},2] w, float[{d},{4 * n},4] r) =>"
             f" (float[5,{d},1,4] y) {{[odd] y = {kind}<{more}hidden_size=4>(x, w, r)}}")
        for kind, n, d, more in (
            ("RNN", 1, 1, 'activations=["Gelu"], '),
            ("RNN", 1, 1, 'activations=["Tanh","Tanh"], '),
            ("RNN", 1, 2, 'activations=["Tanh"], direction="bidirectional", '),
            ("GRU", 3, 1, 'activations=["Sigmoid","Odd"], '),
            ("GRU", 3, 1, 'activations=["Sigmoid"], '),
            ("LSTM", 4, 1, 'activations=["Sigmoid","Tanh"], '),
            ("LSTM", 4, 2, 'activations=["Sigmoid","Tanh","Tanh"], direction="bidirectional", '),
        )
    ],
    (5, "(float[2,3] x) => (float[2,4] y) {[odd] y = Relu(x)}"),
    (5, "(float[2,3] x) => (float[2,4] y) {[odd] y = Elu(x)}"),
]  # fmt: skip


def save(path: Path, opset: int, text: str) -> Path:
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]> g {text}')
    onnx.save(model, path / "model.onnx")
    return path / "model.onnx"


def complaint(model: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that the pass driver prints."""
    out = model.parent / "out"
    assert ascend_opt([str(model), "-p", "offline", "-t", f'om{{output="{out}/m"}}']) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert not out.exists()
    return printed.err


@pytest.mark.parametrize(("opset", "text"), INVALID, ids=lambda value: str(value)[-60:])
def test_names_the_node(opset: int, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert "'odd'" in complaint(save(tmp_path, opset, text), capsys)


def test_a_node_without_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = "(float[2,3] x) => (float[2,4] y) {h = Neg(x) y = Relu(h)}"
    assert "the Relu node that makes 'y'" in complaint(save(tmp_path, 17, text), capsys)


def test_an_input_shape_against_the_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = "(float[1,3,8,8] x) => (float[1,2,8,8] y) {"
    text += "w = Constant<value=float[2,3,1,1] {1,2,3,4,5,6}>() [odd] y = Conv(x, w)}"
    model = save(tmp_path, 17, text)
    arguments = [f"--model={model}", f"--output={tmp_path}/out/m", "--soc_version=Ascend910B4"]
    assert atc(["--framework=5", *arguments, "--input_shape=x:1,5,8,8"]) == 255
    assert "'odd'" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert atc(["--framework=5", *arguments, "--input_shape=x:4,3,8,8"]) == 0


def test_what_the_checks_of_the_ir_find_is_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    text = "g (float[2] x) => (float[2] y) {[odd] h = Relu(x) [odd] y = Relu(h)}"
    model = tmp_path / "model.onnx"
    onnx.save(parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> {text}'), model)
    said = complaint(model, capsys)
    assert said.startswith(f"ascend-opt: error: {model}: ")
    assert "two nodes are called 'odd'" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(float x) => (float y) {[odd] y = Relu(x)}", "input 'x'"),
        ("(float[2] x) => (float y) {h = other.Odd(x) [odd] y = Relu(h)}", "other"),
    ],
)
def test_unknown_shapes(text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["": 17, "other": 1]> g {text}')
    for value in model.graph.input:
        if not value.type.tensor_type.shape.dim:
            value.type.tensor_type.ClearField("shape")
    onnx.save(model, tmp_path / "model.onnx")
    assert words in complaint(tmp_path / "model.onnx", capsys)
