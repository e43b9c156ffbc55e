# pyright: reportUnknownMemberType=false
"""What ATC's --external_weight makes of a model: its values, the nodes, the names, the folder.

onnx's helpers take values of any type, which strict typing does not know.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import ml_dtypes
import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from compiler.atc import main as atc
from compiler.om.attributes import DType, get_attribute
from compiler.om.ge_ir_pb2 import GraphDef, ModelDef, OpDef
from compiler.om.model_reader import read_model

KEEP = "--precision_mode=must_keep_origin_dtype"
UNFOLDED = "--oo_constant_folding=false"


def text_of(data: bytes) -> str:
    return "".join(f"{byte:x}" for byte in hashlib.sha256(data).digest())


def save(path: Path, nodes: list[onnx.NodeProto], tensors: list[TensorProto]) -> Path:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy")
    graph = helper.make_graph(nodes, "net", [x], [y], tensors)
    imports = [helper.make_opsetid("", 21)]
    path.parent.mkdir(exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=10), path)
    return path


def tensor(name: str, values: npt.ArrayLike) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, np.float32), name)


def plain(folder: Path, name: str = "m", weight: float = 1) -> Path:
    """y = x + w."""
    nodes = [helper.make_node("Add", ["x", "w"], ["y"], "sum")]
    return save(folder / f"{name}.onnx", nodes, [tensor("w", [weight, 2, 3, 4])])


def build(model: Path, output: Path | str, *options: str) -> int:
    fixed = ["--framework=5", "--soc_version=Ascend910B4", f"--model={model}"]
    return atc([*fixed, f"--output={output}", *options])


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())


@pytest.mark.parametrize("value", ["3", "01", "true", "-1", " 1", "reference"])
def test_values_that_are_none(
    value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GraphEngine's text has not been told of the value 2."""
    code = build(plain(tmp_path / "in"), tmp_path / "out" / "m", f"--external_weight={value}")
    assert code == 255 and not (tmp_path / "out").exists()
    said = f"(E10006): Value {value} for parameter --external_weight is invalid. The value must be"
    printed = capsys.readouterr().out
    assert said in printed and "either 1 or 0" in printed


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ([], []),
        (["--external_weight=0"], []),
        (
            ["--external_weight=1"],
            [f"weight/weight_{text_of(np.array([1, 2, 3, 4], np.float32).tobytes())}"],
        ),
        (["--external_weight=2"], ["weight/m_weight_combined"]),
    ],
)
def test_values(options: list[str], made: list[str], tmp_path: Path) -> None:
    assert build(plain(tmp_path / "in"), tmp_path / "out" / "m", KEEP, *options) == 0
    assert files(tmp_path / "out") == ["m.om", *made]


@pytest.mark.parametrize("mode", ["1", "2"])
def test_a_model_without_weights_has_no_folder(mode: str, tmp_path: Path) -> None:
    model = save(tmp_path / "in" / "m.onnx", [helper.make_node("Relu", ["x"], ["y"], "r")], [])
    assert build(model, tmp_path / "out" / "m", f"--external_weight={mode}") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["m.om"]


@pytest.mark.parametrize(
    ("output", "name"), [("a.b", "a.b"), ("sub/c", "c"), ("größe", "größe"), ("x.om", "x")]
)
def test_names_of_the_output(
    output: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written but the output, whatever folder is GraphEngine's for temporary files."""
    model = plain(tmp_path / "in")
    for folder in ("here", "work", "out"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("ASCEND_WORK_PATH", str(tmp_path / "work"))
    assert build(model, tmp_path / "out" / output, "--external_weight=2") == 0
    assert build(model, output, "--external_weight=2") == 0
    place = Path(output).parent
    made = [str(place / f"{name}.om"), str(place / "weight" / f"{name}_weight_combined")]
    assert files(tmp_path / "out") == files(tmp_path / "here") == sorted(made)
    assert files(tmp_path / "work") == []


def test_an_output_that_names_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(plain(tmp_path / "in"), f"{tmp_path}/out/", "--external_weight=1") == 255
    assert "(E10022)" in capsys.readouterr().out and not (tmp_path / "out").exists()


def test_runs_over_an_old_folder(tmp_path: Path) -> None:
    """Files of other runs stay; a combined file is the model's own, and replaced."""
    out = tmp_path / "out"
    first = plain(tmp_path / "in", weight=1)
    assert build(first, out / "m", KEEP, "--external_weight=1") == 0
    (stale,) = (path.name for path in (out / "weight").iterdir())
    second = plain(tmp_path / "in", weight=7)
    for mode in ("1", "2", "2"):
        assert build(second, out / "m", KEEP, f"--external_weight={mode}") == 0
    names = {path.name for path in (out / "weight").iterdir()}
    data = np.array([7, 2, 3, 4], np.float32).tobytes()
    assert names == {stale, f"weight_{text_of(data)}", "m_weight_combined"}
    third = plain(tmp_path / "in", weight=9)
    assert build(third, out / "m", KEEP, "--external_weight=2") == 0
    combined = (out / "weight" / "m_weight_combined").read_bytes()
    assert combined == np.array([9, 2, 3, 4], np.float32).tobytes().ljust(512, b"\0")


WEIGHTS = {
    "brain": np.array([1, 2, 3, 4], ml_dtypes.bfloat16),
    "nibbles": np.array([1, -2, 3, 4], ml_dtypes.int4),
    "eight": np.array([1, 2, 3, 4], ml_dtypes.float8_e4m3fn),
    "scale": np.array(2, np.float32),
}
BYTES = {
    "brain": WEIGHTS["brain"].tobytes(),
    "nibbles": bytes([0xE1, 0x43]),
    "eight": WEIGHTS["eight"].tobytes(),
    "scale": WEIGHTS["scale"].tobytes(),
}
CPP = {"brain": 27, "nibbles": 29, "eight": 36, "scale": 0}
"""C++ numbers of the data types."""


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    """A model with weights of many types, in the main graph and in the branches of an If."""
    narrow = [("brain", "BFLOAT16"), ("nibbles", "INT4"), ("eight", "FLOAT8E4M3FN")]
    tensors = [
        helper.make_tensor(name, getattr(TensorProto, kind), [4], BYTES[name], raw=True)
        for name, kind in narrow
    ]
    tensors += [numpy_helper.from_array(WEIGHTS["scale"], "scale"), tensor("limit", 0)]
    nodes = [helper.make_node("Cast", [n], [f"{n}_f"], n, to=1) for n, _ in narrow]
    nodes += [
        helper.make_node("Mul", ["x", "brain_f"], ["a"], "mul"),
        helper.make_node("Add", ["a", "nibbles_f"], ["b"], "add"),
        helper.make_node("Add", ["b", "eight_f"], ["c"], "more"),
        helper.make_node("ReduceSum", ["c"], ["s"], "all", keepdims=0),
        helper.make_node("Greater", ["s", "limit"], ["cond"], "greater"),
        helper.make_node("If", ["cond"], ["d"], "if", then_branch=_branch("then"),
                         else_branch=_branch("else")),
        helper.make_node("Mul", ["d", "scale"], ["y"], "last"),
    ]  # fmt: skip
    return save(tmp_path / "in" / "m.onnx", nodes, tensors)


def _branch(name: str) -> onnx.GraphProto:
    """c plus four floats, which are others in each branch."""
    value = tensor(f"{name}_w", [1, 2, 3, 4 if name == "then" else 5])
    out = helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, [4])
    node = helper.make_node("Add", ["c", f"{name}_w"], [f"{name}_y"], f"{name}_add")
    return helper.make_graph([node], name, [], [out], [value])


def constants(model: ModelDef) -> dict[str, OpDef]:
    """The FileConstants of all graphs by the names of the initializers."""
    ops = [op for graph in model.graph for op in graph.op if op.type == "FileConstant"]
    return {op.name.partition("_Initializer_")[0].rpartition("/")[2]: op for op in ops}


@pytest.mark.parametrize("mode", [1, 2])
def test_nodes(mode: int, kinds: Path, tmp_path: Path) -> None:
    options = [KEEP, UNFOLDED, f"--external_weight={mode}"]
    assert build(kinds, tmp_path / "out" / "m", *options) == 0
    model = read_model(tmp_path / "out" / "m.om").root.model_def
    found = constants(model)
    for name, cpp in CPP.items():
        op, digest = found[name], text_of(BYTES[name])
        file = f"weight_{digest}" if mode == 1 else "m_weight_combined"
        shape = list(WEIGHTS[name].shape)
        dtype = get_attribute(op.attr["dtype"])
        assert isinstance(dtype, DType) and dtype.cpp == cpp
        assert op.name.endswith(f"_{digest}") and op.attr["_value_sha256"].s.decode() == digest
        assert op.attr["location"].s.decode() == file
        assert op.attr["length"].i == len(BYTES[name]) and op.attr["offset"].i % 512 == 0
        assert _list(op, "shape") == _list(op, "original_shape") == shape
        assert list(op.output_desc[0].shape.dim) == shape
        assert "value" not in op.attr and "file_id" not in op.attr
        data = (tmp_path / "out" / "weight" / file).read_bytes()
        start = op.attr["offset"].i
        assert data[start : start + len(BYTES[name])] == BYTES[name]
        assert len(data) == len(BYTES[name]) if mode == 1 else len(data) % 512 == 0
    left = [op for graph in model.graph for op in graph.op if op.type == "Const"]
    assert all(0 in op.output_desc[0].shape.dim for op in left)
    # What is left inside is the room that alignment takes.
    assert model.attr["weight_size"].i == 1024


def _list(op: OpDef, name: str) -> list[int]:
    """A list of integers, which is empty for a scalar."""
    return list(op.attr[name].list.i)


@pytest.mark.parametrize("mode", [1, 2])
def test_every_edge_follows_the_new_names(mode: int, kinds: Path, tmp_path: Path) -> None:
    options = [KEEP, UNFOLDED, f"--external_weight={mode}"]
    assert build(kinds, tmp_path / "out" / "m", *options) == 0
    model = read_model(tmp_path / "out" / "m.om").root.model_def
    used: set[str] = set()
    for graph in model.graph:
        names = {op.name for op in graph.op}
        sources = _sources(graph)
        assert sources <= names
        used |= sources
    assert {op.name for op in constants(model).values()} <= used


def _sources(graph: GraphDef) -> set[str]:
    """Who the nodes of a graph name as makers of their inputs, control edges included."""
    edges = {edge.rpartition(":")[0] for op in graph.op for edge in op.input if edge}
    return edges | {name for op in graph.op for name in op.src_name}


def test_weights_are_written_as_the_model_uses_them(tmp_path: Path) -> None:
    """Float16 by default, and what is folded leaves no trace of what it was folded from."""
    nodes = [
        helper.make_node("Neg", ["raw"], ["negated"], "neg"),
        helper.make_node("Mul", ["x", "negated"], ["a"], "mul"),
        helper.make_node("Add", ["a", "w"], ["y"], "sum"),
    ]
    tensors = [tensor("raw", [1, 2, 3, 4]), tensor("w", [5, 6, 7, 8]), tensor("unused", [9, 9])]
    model = save(tmp_path / "in" / "m.onnx", nodes, tensors)
    assert build(model, tmp_path / "out" / "m", "--external_weight=1") == 0
    expected = [np.array([-1, -2, -3, -4], np.float16), np.array([5, 6, 7, 8], np.float16)]
    assert sorted(os.listdir(tmp_path / "out" / "weight")) == sorted(
        f"weight_{text_of(value.tobytes())}" for value in expected
    )
