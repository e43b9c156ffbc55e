# pyright: reportUnknownMemberType=false
"""Every kind of file we write is read and written again to the same bytes, and coded and back.

(onnx's save is not fully typed.)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper, parser

from compiler.atc import main as atc
from compiler.cli import main
from compiler.om.bundle import Bundle
from compiler.om.model_reader import read_model
from compiler.om.reader import read_om

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "model.onnx"
KEEP = "precision=must_keep_origin_dtype"
HEADER = '<ir_version: 10, opset_import: ["": 20]> agraph '

BRANCHES = """(float[2] x, bool c) => (float[2] y) {
    h = Mul(x, x)
    y = If(c) <
        then_branch=t () => (float[2] a) { a = Add(h, x) },
        else_branch=e () => (float[2] a) { a = Sub(h, x) }
    >
}"""
LOOP = """(int64 n, float[2] x) => (float[2] last) {
    yes = Constant<value=bool {1}>()
    last = Loop(n, yes, x) <
        body=b (int64 i, bool go, float[2] a) => (bool more, float[2] c) {
            more = Identity(go)
            c = Add(a, a)
        }>
}"""
STRINGS = """(string[2] x) => (string[2] y) {
    c = Constant<value_strings=["a", "ü"]>()
    y = StringConcat(x, c)
}"""
SEQUENCE = """(float[4, 2] x) => (float[2, 2] y) {
    two = Constant<value=int64 {2}>()
    s = SplitToSequence<axis=0>(x, two)
    first = Constant<value=int64 {0}>()
    y = SequenceAt(s, first)
}"""
OPEN = """(float[n, 3, m] x) => (float[n, 3, m] y) { y = Relu(x) }"""


def of_text(text: str) -> onnx.ModelProto:
    return parser.parse_model(HEADER + text)


def of_constants() -> onnx.ModelProto:
    """Constants of every width, a scalar, an empty one, equal ones; odd names."""
    kinds = ("FLOAT", "BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "INT4", "UINT4", "BOOL", "INT8")
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    outputs: list[onnx.ValueInfoProto] = []
    shapes = {"SCALAR": (), "EMPTY": (0, 3), "AGAIN": (2, 3), **dict.fromkeys(kinds, (2, 3))}
    for kind, shape in shapes.items():
        number = getattr(onnx.TensorProto, kind, onnx.TensorProto.FLOAT)
        dtype = helper.tensor_dtype_to_np_dtype(number)
        values = np.ones(shape).astype(dtype)
        weights.append(numpy_helper.from_array(values, f"a/b.{kind} ü"))
        nodes.append(helper.make_node("Identity", [f"a/b.{kind} ü"], [kind], name=f"n/{kind}"))
        outputs.append(helper.make_tensor_value_info(kind, number, shape))
    graph = helper.make_graph(nodes, "graph of all", [], outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


def offline(options: str) -> list[str]:
    return ["-p", f"offline{{{options}}}"]


CASES: dict[str, tuple[onnx.ModelProto | None, list[str]]] = {
    "inside": (None, offline("")),
    "files": (None, offline("external_weight=1")),
    "combined": (None, offline("external_weight=2")),
    "reference": (None, offline(f"external_weight=reference {KEEP}")),
    "bundle": (None, offline('refresh="conv1.weight","fc2.bias"')),
    "bundle, weights outside": (None, offline('refresh="conv1.weight" external_weight=1')),
    "constants of all kinds": (of_constants(), offline(KEEP)),
    "constants of all kinds outside": (of_constants(), offline(f"{KEEP} external_weight=1")),
    "branches": (of_text(BRANCHES), offline("")),
    "a loop": (of_text(LOOP), offline("")),
    "a sequence": (of_text(SEQUENCE), offline("")),
    "strings": (of_text(STRINGS), offline("")),
    "open shapes": (of_text(OPEN), offline("")),
}
ATC = {
    "a range": ["--input_shape=x:1~8,3,5"],
    "gears": ["--input_shape=x:-1,3,5", "--dynamic_batch_size=1,2,4"],
    "gears of any": ["--input_shape=x:-1,3,-1", "--dynamic_dims=1,5;2,7", "--input_format=ND"],
}


@pytest.mark.parametrize("name", CASES)
def test_ascend_opt(name: str, tmp_path: Path):
    model, arguments = CASES[name]
    source = DIGITS
    if model is not None:
        source = tmp_path / "model.onnx"
        onnx.save(model, source)
    (tmp_path / "one").mkdir()
    target = f'om{{output="{tmp_path}/one/m"}}'
    assert main([str(source), *arguments, "-t", target]) == 0
    check(tmp_path / "one" / "m.om", tmp_path)


@pytest.mark.parametrize("name", ATC)
def test_atc(name: str, tmp_path: Path):
    onnx.save(of_text(OPEN), tmp_path / "model.onnx")
    arguments = [f"--model={tmp_path}/model.onnx", f"--output={tmp_path}/m", "--framework=5"]
    assert atc([*arguments, "--soc_version=Ascend910B4", *ATC[name]]) == 0
    check(tmp_path / "m.om", tmp_path)


def check(om: Path, folder: Path) -> None:
    """The file again: straight, through text, and through its coded form."""
    written = om.read_bytes()
    assert rewritten(om, folder / "straight") == written
    text = folder / "m.mlir"
    assert main([str(om), "-o", str(text)]) == 0
    assert rewritten(text, folder / "text") == written
    coded = rewritten(om, folder / "coded", " compress_attributes=true")
    assert coded != written
    assert rewritten(folder / "coded" / "m.om", folder / "plain") == written
    again = rewritten(folder / "coded" / "m.om", folder / "again", " compress_attributes=true")
    assert again == coded


def rewritten(source: Path, folder: Path, options: str = "") -> bytes:
    """The bytes that a file or text becomes; external weights come along."""
    assert main([str(source), "-t", f'om{{output="{folder}/m"{options}}}']) == 0
    return (folder / "m.om").read_bytes()


def test_the_device_reads_coded_attributes_as_plain_ones(tmp_path: Path):
    """Whoever reads a file finds in it what is in the plain one."""
    for options, name in (("", "plain"), (" compress_attributes=true", "coded")):
        target = f'om{{output="{tmp_path}/{name}"{options}}}'
        assert main([str(DIGITS), "-p", "offline", "-t", target]) == 0
    plain, coded = (read_model(tmp_path / f"{name}.om").root for name in ("plain", "coded"))
    assert coded.model_def == plain.model_def
    assert not isinstance(read_om(tmp_path / "coded.om"), Bundle)
    assert b"tvm_blockdim" in bytes(coded.bodies[1])
    assert bytes(coded.bodies[1]).count(b"tvm_blockdim") == 1
