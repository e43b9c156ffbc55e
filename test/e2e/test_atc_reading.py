"""`atc --mode=1`, `5` and `6`: what ATC says of offline models, and what it refuses."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from compiler.atc import main
from compiler.om.buffers import Held
from compiler.om.encode import encode_message
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.header import ModelFileHeader
from compiler.om.model_reader import read_model
from compiler.om.writer import Partition, lay_out_file

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "model.onnx"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("plain"))


def build(folder: Path, *options: str) -> Path:
    arguments = ["--framework=5", f"--model={DIGITS}", f"--output={folder}/m"]
    assert main([*arguments, "--soc_version=Ascend910B4", *options]) == 0
    return folder / "m.om"


def as_json(om: Path, folder: Path, mode: int = 1) -> dict[str, Any]:
    path = folder / "m.json"
    assert main([f"--mode={mode}", f"--om={om}", f"--json={path}"]) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return json.loads(path.read_text())


def test_a_model_as_json(plain: Path, tmp_path: Path):
    found = as_json(plain, tmp_path)
    model = read_model(plain).root.model_def
    assert (found["name"], found["version"]) == (model.name, 2)
    ops = found["graph"][0]["op"]
    assert [op["name"] for op in ops] == [op.name for op in model.graph[0].op]
    conv = next(op for op in ops if op["name"] == "conv1relu1")
    attributes = {entry["key"]: entry["value"] for entry in conv["attr"]}
    assert attributes["pads"] == {"list": {"i": [1, 1, 1, 1], "val_type": "VT_LIST_INT"}}
    assert conv["input_desc"][0]["dtype"].startswith("DT_")
    assert "size" not in conv["input_desc"][0]


def test_coded_attributes_are_restored(plain: Path, tmp_path: Path):
    coded = build(tmp_path, "--enable_attr_compression=true")
    assert b"om_compress_version" in coded.read_bytes()
    assert b"om_compress_version" not in plain.read_bytes()
    one, two = as_json(plain, tmp_path), as_json(coded, tmp_path)
    for found in (one, two):
        found["attr"] = [entry for entry in found["attr"] if entry["key"] != "atc_cmdline"]
    assert one == two


def test_a_text_dump_gives_the_same_json(plain: Path, tmp_path: Path):
    dump = tmp_path / "ge_proto_00000001_graph_0_Build.txt"
    dump.write_text(text_format.MessageToString(read_model(plain).root.model_def))
    assert as_json(dump, tmp_path, mode=5) == as_json(plain, tmp_path)


INFO = """\
============ Display Model Info start ============
Original Atc command line: {atc_cmdline}
system   info: atc_version[{atc_version}], soc_version[Ascend910B4], framework_type[5].
resource info: memory_size[{memory_size} B], weight_size[{weight_size} B], \
stream_num[{stream_num}], event_num[{event_num}].
om       info: modeldef_size[{modeldef} B], weight_data_size[{sizes[0]} B], tbe_kernels_size\
[{sizes[1]} B], cust_aicpu_kernel_store_size[{sizes[2]} B], task_info_size[{sizes[3]} B], \
so_store_size[{sizes[4]} B].
============ Display Model Info end   ============
"""


def expected_info(om: Path) -> str:
    root = read_model(om).root
    attributes = root.model_def.attr
    texts = {name: attributes[name].s.decode() for name in ("atc_cmdline", "atc_version")}
    names = ("memory_size", "weight_size", "stream_num", "event_num")
    numbers = {name: attributes[name].i for name in names}
    size = next(entry.size for entry in root.table if entry.type == 0)
    sizes = attributes["om_info_list"].list.i
    return INFO.format(**texts, **numbers, modeldef=size, sizes=sizes)


def test_the_facts_of_a_model(plain: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--mode=6", f"--om={plain}"]) == 0
    start, rest = capsys.readouterr().out.split("\n", 1)
    assert start.startswith("ATC start working now")
    block, end = rest.split("...\n")
    assert block == expected_info(plain)
    assert end.startswith("ATC run success")


def test_the_facts_after_building(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    om = build(tmp_path, "--display_model_info=1")
    assert expected_info(om) in capsys.readouterr().out


def test_facts_that_are_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def show(*sizes: int) -> list[str]:
        model = ModelDef(name="m")
        model.graph.add(name="g")
        if sizes:
            model.attr["om_info_list"].list.i.extend(sizes)
        partition = Partition(0, Held(encode_message(model)))
        blob = lay_out_file(ModelFileHeader(model_num=1), [[partition]])
        write_file(tmp_path / "m.om", blob)
        assert main(["--mode=6", f"--om={tmp_path / 'm.om'}"]) == 0
        return capsys.readouterr().out.splitlines()

    lines = show()
    assert "system   info: atc_version[], soc_version[], framework_type[]." in lines
    sizes = "memory_size[-1 B], weight_size[-1 B], stream_num[-1], event_num[-1]"
    assert f"resource info: {sizes}." in lines
    missing = 'attr "om_info_list" is not found in om, check the version is matched.'
    assert f"Display Model Info failed, {missing}" in lines
    assert "Display Model Info error, please check!" in show(1, 2)


def test_what_is_refused(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bad, zipped, dump = (tmp_path / name for name in ("bad.om", "m.om2", "dump.txt"))
    bad.write_bytes(bytes(300))
    zipped.write_bytes(b"PK\3\4" + bytes(300))
    dump.write_text("graph { what }")
    out = f"--json={tmp_path / 'out.json'}"
    for arguments, code in (
        (["--mode=1", out], "(E10004): Value for --om is empty."),
        (["--mode=1", f"--om={plain}"], "(E10004): Value for --json is empty."),
        (["--mode=1", f"--om={plain}", out, "--framework=5"], "(E10055)"),
        (["--mode=1", f"--om={bad}", out], f"(E10041): Failed to load the model from {bad}."),
        (["--mode=1", f"--om={tmp_path / 'no.om'}", out], "(E10001): Value "),
        (["--mode=1", f"--om={tmp_path}", out], "It is not a regular file"),
        (["--mode=1", f"--om={zipped}", out], "(E10055)"),
        (["--mode=1", f"--om={plain}", f"--json={plain}"], "belongs to the model"),
        (["--mode=1", f"--om={plain}", f"--json={tmp_path}/"], "(E10022)"),
        (["--mode=1", f"--om={plain}", f"--json={tmp_path}/no/x.json"], "parameter --json"),
        (["--mode=5", f"--om={plain}", out], "--om only supports *.txt format."),
        (["--mode=5", f"--om={dump}", out], "(E13005): Failed to parse file"),
        (["--mode=6"], "(E10004): Value for --om is empty."),
        (["--mode=6", f"--om={plain}", "--framework=5"], "--om and --model can only be used"),
        (["--mode=6", f"--om={bad}"], "(E10041)"),
        (["--mode=7"], "(E10055)"),
        (["--mode=30"], "(E10055)"),
    ):
        assert main(arguments) == 255
        text = capsys.readouterr().out
        assert code in text and "Traceback" not in text, arguments
        assert not (tmp_path / "out.json").exists()
