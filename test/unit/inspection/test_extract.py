"""`ascend-opt om extract`: parts as files, the models of bundles and flows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from compiler.om.buffers import Held
from compiler.om.encode import encode_message, encode_varint
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.header import ModelFileHeader
from compiler.om.model_reader import read_model
from compiler.om.writer import Partition, lay_out_file

Command = Callable[..., tuple[int, list[str]]]


def test_extract_writes_every_part(built: dict[str, Path], tmp_path: Path, om: Command):
    for name in ("inside", "files", "combined", "reference"):
        folder = tmp_path / name
        assert om("extract", built[name], "-o", folder)[0] == 0
        assert (folder / "model_def.txt").read_text().startswith('name: "')
        index = json.loads((folder / "weights.json").read_text())
        assert len(index) == 8 and set(index) == {p.name for p in (folder / "weights").iterdir()}
    contents = [
        sorted(path.read_bytes() for path in (tmp_path / name / "weights").iterdir())
        for name in ("inside", "files", "combined")
    ]
    assert contents[0] == contents[1] == contents[2]
    kernels = {p.read_bytes() for p in (tmp_path / "inside" / "kernels").iterdir()}
    assert kernels == {bytes(k.binary) for k in read_model(built["inside"]).root.tbe_kernels}


def test_extract_writes_the_models_of_a_bundle(built: dict[str, Path], tmp_path: Path, om: Command):
    assert om("extract", built["bundle"], "-o", tmp_path / "parts")[0] == 0
    names = [read_model(tmp_path / "parts" / f"submodel_{i}.om").header.name for i in range(3)]
    assert names == [b"var_infer_graph", b"var_init_graph", b"var_update_graph"]
    code, lines = om("extract", built["bundle"], "-o", tmp_path / "parts")
    assert code == 1 and "is there and not empty" in lines[0]


def test_extract_finds_the_models_of_a_flow(built: dict[str, Path], tmp_path: Path, om: Command):
    inner = built["inside"].read_bytes()
    submodel = b"\x0a\x05../up" + b"\x1a" + encode_varint(len(inner)) + inner
    root = ModelDef(name="flow")
    root.graph.add(name="g")
    bodies = [Partition(0, Held(encode_message(root))), Partition(7, Held(submodel))]
    header = ModelFileHeader(model_num=1, modeltype=3)
    write_file(tmp_path / "flow.om", lay_out_file(header, [bodies]))
    assert om("verify", tmp_path / "flow.om") == (0, [f"{tmp_path / 'flow.om'}: ok"])
    assert om("extract", tmp_path / "flow.om", "-o", tmp_path / "parts")[0] == 0
    (found,) = (tmp_path / "parts").glob("*.om")
    assert found.parent == tmp_path / "parts" and found.read_bytes() == inner
