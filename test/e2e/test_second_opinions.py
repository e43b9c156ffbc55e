# pyright: reportUnknownVariableType=false
"""Every model of every file we write, as Netron shows it and as protoc decodes it.

(onnx's load is not fully typed.)
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from google.protobuf.message import Message
from onnx import load, numpy_helper

from compiler.cli import main
from compiler.om.bundle import Bundle
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.offline_model import SubModel
from compiler.om.partitions import PartitionType
from compiler.om.reader import read_om
from compiler.om.task_pb2 import ModelTaskDef
from tools.netron_dump import netron_dump

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "model.onnx"
KEEP = "precision=must_keep_origin_dtype"
OPTIONS = {
    "0": KEEP,
    "1": f"external_weight=1 {KEEP}",
    "2": f"external_weight=2 {KEEP}",
    "reference": f"external_weight=reference {KEEP}",
    "bundle": f'refresh="conv1.weight","fc2.bias" {KEEP}',
    "bundle, weights outside": f'refresh="conv1.weight" external_weight=1 {KEEP}',
}


@pytest.fixture(params=OPTIONS)
def built(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    output = tmp_path / "out" / "m"
    passes = f"offline{{{OPTIONS[request.param]}}}"
    assert main([str(DIGITS), "-p", passes, "-t", f'om{{output="{output}"}}']) == 0
    return output.with_suffix(".om")


def models_of(path: Path, folder: Path) -> Iterator[tuple[Path, SubModel]]:
    """Every inner OM as a file of its own, and as we read it."""
    file = read_om(path)
    if not isinstance(file, Bundle):
        yield path, file.root
        return
    for number, (data, model) in enumerate(zip(file.slices, file.models, strict=True)):
        part = folder / f"part{number}.om"
        part.write_bytes(data)
        yield part, model.root


def expected_weights() -> set[str]:
    """The hashes of the bytes of ONNX's initializers."""
    tensors = load(DIGITS).graph.initializer
    return {sha256(numpy_helper.to_array(tensor).tobytes()).hexdigest() for tensor in tensors}


def initializers(graph: dict[str, Any]) -> dict[str, Any]:
    """The tensors that Netron shows, by the name of the constant."""
    return {
        value["name"]: value["initializer"]
        for node in graph["nodes"]
        for port in node["inputs"]
        for value in port["values"]
        if value.get("initializer")
    }


def outside(node: dict[str, Any], folder: Path) -> str:
    """The hash of the bytes that a FileConstant, as Netron shows it, is of."""
    told = {name: entry["value"] for name, entry in node["attributes"].items()}
    path = Path(told.get("_ascend_opt_reference") or folder / "weight" / told["location"])
    end = told["offset"] + told["length"]
    return sha256(path.read_bytes()[told["offset"] : end]).hexdigest()


def test_netron_shows_every_operator_attribute_and_weight(built: Path, tmp_path: Path):
    found: set[str] = set()
    for path, model in models_of(built, tmp_path):
        dump = netron_dump(path)
        assert "error" not in dump
        assert [graph["name"] for graph in dump["graphs"]] == [
            graph.name for graph in model.model_def.graph
        ]
        for graph, written in zip(dump["graphs"], model.model_def.graph, strict=True):
            shown = {node["name"]: node for node in graph["nodes"]}
            inside = initializers(graph)
            found |= {tensor["data"]["sha256"] for tensor in inside.values()}
            for op in written.op:
                if op.type == "Const":
                    continue
                assert shown[op.name]["type"] == op.type
                hidden = {"device", "original_op_names"}
                assert set(op.attr) - hidden <= set(shown[op.name]["attributes"]) | {"relu_flag"}
                if op.type == "FileConstant":
                    found.add(outside(shown[op.name], built.parent))
            assert len(inside) == sum(op.type == "Const" for op in written.op)
    assert expected_weights() <= found


def decoded(message: type[Message], data: bytes, proto: str) -> Message:
    """What protoc makes of the bytes by the schema we ship; it fails on a field of no schema."""
    name = message.DESCRIPTOR.full_name
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT}", f"--decode={name}"]
    done = subprocess.run([*command, proto], input=data, capture_output=True, check=True)
    return text_format.Parse(done.stdout, message())


@pytest.mark.skipif(importlib.util.find_spec("grpc_tools") is None, reason="there is no protoc")
def test_protoc_decodes_every_message(built: Path, tmp_path: Path):
    for _, model in models_of(built, tmp_path):
        for kind, message, proto in (
            (PartitionType.MODEL_DEF, ModelDef, "compiler/om/ge_ir.proto"),
            (PartitionType.TASK_INFO, ModelTaskDef, "compiler/om/task.proto"),
        ):
            data = model.partition(kind)
            assert data is not None
            assert decoded(message, bytes(data), proto) == message.FromString(bytes(data))
