# pyright: reportUnknownVariableType=false
"""What is written opens in Netron, reads back to the same bytes, and is the same every time.

(onnx's load is not fully typed.)
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import load, numpy_helper

from compiler.cli import main
from compiler.om.bundle import read_bundle
from compiler.om.model_reader import read_model
from tools.netron_dump import netron_dump

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "model.onnx"
GE_MADE = ROOT.parent / "shared" / "data" / "om" / "root_model.om"
REFRESH = 'refresh="conv1.weight","fc2.bias"'


def build(output: Path, options: str = "") -> Path:
    assert main([str(DIGITS), "-p", f"offline{{{options}}}", "-t", f'om{{output="{output}"}}']) == 0
    return output.with_name(f"{output.name}.om")


def weights() -> dict[str, np.ndarray[Any, Any]]:
    return {t.name: numpy_helper.to_array(t) for t in load(DIGITS).graph.initializer}


def check_in_netron(path: Path, constants: int) -> dict[str, Any]:
    """Netron opens the file, and every constant it finds has its bytes."""
    dump = netron_dump(path)
    assert "error" not in dump
    graph = dump["graphs"][0]
    found = [
        value
        for node in graph["nodes"]
        for port in node["inputs"]
        for value in port["values"]
        if value.get("initializer")
    ]
    assert len(found) == constants
    return dump


def test_netron_opens_a_model_with_its_weights(tmp_path: Path):
    path = build(tmp_path / "m", "precision=must_keep_origin_dtype")
    dump = check_in_netron(path, constants=8)
    nodes = {node["name"]: node for node in dump["graphs"][0]["nodes"]}
    conv = nodes["conv1relu1"]
    assert conv["type"] == "Conv2D"
    assert conv["attributes"]["pads"]["value"] == [1, 1, 1, 1]
    given = {port["name"]: port["values"][0] for port in conv["inputs"]}
    expected = weights()["conv1.weight"]
    tensor = given["weights"]["initializer"]
    assert tensor["shape"] == list(expected.shape)
    assert tensor["data"]["sha256"] == hashlib.sha256(expected.tobytes()).hexdigest()


def test_netron_opens_every_model_of_a_bundle(tmp_path: Path):
    bundle = read_bundle(build(tmp_path / "b", REFRESH))
    names: list[str] = []
    for number, model in enumerate(bundle.slices):
        part = tmp_path / f"part{number}.om"
        part.write_bytes(model)
        dump = netron_dump(part)
        assert "error" not in dump
        names.append(dump["graphs"][0]["name"])
    assert names == ["var_infer_graph", "var_init_graph", "var_update_graph"]


@pytest.mark.parametrize("options", ["", "external_weight=1", "external_weight=2", REFRESH])
def test_reads_back_to_the_same_bytes(options: str, tmp_path: Path):
    path = build(tmp_path / "m", options)
    again = tmp_path / "again"
    assert main([str(path), "-t", f'om{{output="{again}"}}']) == 0
    assert again.with_name("again.om").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("options", ["", "external_weight=1", REFRESH])
def test_is_the_same_every_time(options: str, tmp_path: Path):
    first = build(tmp_path / "one" / "m", options)
    second = build(tmp_path / "two" / "m", options)
    assert first.read_bytes() == second.read_bytes()
    files = [sorted(p.name for p in path.parent.rglob("weight_*")) for path in (first, second)]
    assert files[0] == files[1]


def test_text_in_between_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = build(tmp_path / "m")
    capsys.readouterr()
    assert main([str(DIGITS), "-p", "offline"]) == 0
    text = tmp_path / "m.mlir"
    text.write_text(capsys.readouterr().out)
    assert main([str(text), "-t", f'om{{output="{tmp_path}/again"}}']) == 0
    assert (tmp_path / "again.om").read_bytes() == path.read_bytes()


@pytest.mark.skipif(not GE_MADE.exists(), reason="the file made by GraphEngine is not here")
def test_decompiles_a_file_made_by_graph_engine(capsys: pytest.CaptureFixture[str]):
    assert main([str(GE_MADE)]) == 0
    text = capsys.readouterr().out
    assert 'om.model "test_graph_cache" ir_version 0' in text
    assert 'ge.op "FakeOpNpu" "fused_op1"' in text
    assert 'ge.NetOutput "Node_Output"' in text


@pytest.mark.skipif(not GE_MADE.exists(), reason="the file made by GraphEngine is not here")
def test_a_file_made_by_graph_engine_is_written_again_to_the_same_bytes(tmp_path: Path):
    text = tmp_path / "m.mlir"
    assert main([str(GE_MADE), "-o", str(text)]) == 0
    for source in (GE_MADE, text):
        assert main([str(source), "-t", f'om{{output="{tmp_path}/m"}}']) == 0
        assert (tmp_path / "m.om").read_bytes() == GE_MADE.read_bytes()
    assert main(["om", "verify", str(GE_MADE)]) == 0


def test_external_weights_hold_what_the_model_needs(tmp_path: Path):
    path = build(tmp_path / "m", "external_weight=1 precision=must_keep_origin_dtype")
    model = read_model(path).root.model_def
    constants = [op for op in model.graph[0].op if op.type == "FileConstant"]
    held = {
        op.name.split("_Initializer")[0]: (tmp_path / "weight" / op.attr["location"].s.decode())
        for op in constants
    }
    assert {name: file.read_bytes() for name, file in held.items()} == {
        name: array.tobytes() for name, array in weights().items()
    }
