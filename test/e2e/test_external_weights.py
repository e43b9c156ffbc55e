# pyright: reportUnknownMemberType=false
"""Weight files: who may read them, what they are called, and what stays in the model.

onnx's helpers take values of any type, which strict typing does not know.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from compiler.cli import main as ascend_opt
from compiler.om.model_reader import read_model

WEIGHTS = {
    "large": np.arange(600, dtype=np.float32),
    "same": np.arange(600, dtype=np.float32),
    "small": np.ones(600, np.float32)[:1],
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """y = x * large + same * small, all weights in the file."""
    nodes = [
        helper.make_node("Mul", ["x", "large"], ["a"], "mul"),
        helper.make_node("Mul", ["x", "small"], ["b"], "scale"),
        helper.make_node("Add", ["b", "same"], ["c"], "shift"),
        helper.make_node("Add", ["a", "c"], ["y"], "sum"),
    ]
    x, y = (helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [600]) for n in "xy")
    tensors = [numpy_helper.from_array(value, name) for name, value in WEIGHTS.items()]
    graph = helper.make_graph(nodes, "net", [x], [y], tensors)
    path = tmp_path / "in" / "m.onnx"
    path.parent.mkdir()
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    return path


def compiled(model: Path, options: str, name: str = "m") -> Path:
    output = model.parents[1] / "out" / name
    passes = f'offline{{precision=must_keep_origin_dtype model="{name}" {options}}}'
    assert ascend_opt([str(model), "-p", passes, "-t", f'om{{output="{output}"}}']) == 0
    return output.with_name(f"{name}.om")


def sizes(om: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in om.parent.glob("weight/*")}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def text_of(data: bytes) -> str:
    return "".join(f"{byte:x}" for byte in hashlib.sha256(data).digest())


def test_a_file_for_each_content(model: Path) -> None:
    previous = os.umask(0o022)
    try:
        om = compiled(model, "external_weight=1")
    finally:
        os.umask(previous)
    names = {f"weight_{text_of(value.tobytes())}": value for value in WEIGHTS.values()}
    found = {path.name: path.read_bytes() for path in om.parent.glob("weight/*")}
    assert found == {name: value.tobytes() for name, value in names.items()} and len(found) == 2
    assert {mode(path) for path in om.parent.glob("weight/*")} == {0o600}
    assert (mode(om.parent / "weight"), mode(om)) == (0o700, 0o644)
    # With no constant inside the partition is what its alignment takes.
    assert bytes(read_model(om).root.weights) == bytes(1024)


def test_one_file_for_all(model: Path) -> None:
    previous = os.umask(0o022)
    try:
        om = compiled(model, "external_weight=2", "a.b")
    finally:
        os.umask(previous)
    combined = om.parent / "weight" / "a.b_weight_combined"
    large, small = (WEIGHTS[name].tobytes() for name in ("large", "small"))
    assert combined.read_bytes() == large + bytes(-len(large) % 512) + small + bytes(508)
    assert mode(combined) == 0o644


def test_the_same_bytes_from_run_to_run(model: Path) -> None:
    for options in ("external_weight=1", "external_weight=2"):
        first = compiled(model, options)
        before = {path: path.read_bytes() for path in first.parent.rglob("*") if path.is_file()}
        unchanged = {path: path.stat().st_mtime_ns for path in first.parent.glob("weight/*")}
        compiled(model, options)
        assert {path: path.read_bytes() for path in before} == before
        assert {path: path.stat().st_mtime_ns for path in unchanged} == unchanged


def test_two_models_share_what_they_have_in_common(model: Path) -> None:
    compiled(model, "external_weight=1", "one")
    before = sizes(model.parents[1] / "out" / "one.om")
    om = compiled(model, "external_weight=1", "two")
    assert sizes(om) == before and {path.name for path in om.parent.glob("*.om")} == {
        "one.om",
        "two.om",
    }


@pytest.mark.parametrize(
    ("options", "outside"),
    [
        ("external_threshold=100", {"large", "same"}),
        ('external_include="s*"', {"same", "small"}),
        ('external_exclude="large","sm*"', {"same"}),
        ('external_include="none"', set[str]()),
    ],
)
def test_some_stay_inside(model: Path, options: str, outside: set[str]) -> None:
    om = compiled(model, f"external_weight=1 {options}")
    ops = read_model(om).root.model_def.graph[0].op
    kinds = {op.name.partition("_")[0]: op.type for op in ops if "_Initializer_" in op.name}
    assert kinds == {n: "FileConstant" if n in outside else "Const" for n in WEIGHTS}
    assert (om.parent / "weight").exists() == bool(outside)
