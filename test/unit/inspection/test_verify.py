"""`ascend-opt om verify`: what is sound, and every fault that is found."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compiler.cli import main
from compiler.om.attributes import set_attribute
from compiler.om.buffers import Held
from compiler.om.bundle import read_bundle
from compiler.om.bundle_roles import roles
from compiler.om.encode import encode_message
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.header import ModelFileHeader
from compiler.om.model_reader import read_model
from compiler.om.partitions import PartitionType
from compiler.om.writer import Partition, lay_out_bundle, lay_out_file
from runtime.device import Memory
from runtime.model_registry import Models
from workloads.edited_models import changed, constants_of, copied, flip_weight, with_model

Command = Callable[..., tuple[int, list[str]]]


def test_what_we_write_is_sound(form: str, built: dict[str, Path], om: Command):
    assert om("verify", built[form]) == (0, [f"{built[form]}: ok"])


def cut_weight(path: Path) -> None:
    (file, *_) = sorted(path.parent.glob("weight/*"))
    changed(file, lambda data: data.__delitem__(slice(len(data) - 1, None)))


def lengthen_weight(by: bytes) -> Callable[[Path], object]:
    def lengthen(path: Path) -> None:
        (file, *_) = sorted(path.parent.glob("weight/*"))
        changed(file, lambda data: data.extend(by))

    return lengthen


def lose_weight(path: Path) -> None:
    next(iter(sorted(path.parent.glob("weight/*")))).unlink()


def patch(offset: int, layout: str, value: int) -> Callable[[Path], object]:
    return lambda path: changed(path, lambda data: struct.pack_into(layout, data, offset, value))


def edit_model(edit: Callable[[ModelDef], object]) -> Callable[[Path], object]:
    return lambda path: with_model(path, edit)


def value_desc(model: ModelDef) -> Any:
    return constants_of(model)[0].attr["value"].t.desc


def with_bundle(edit: Callable[[int, ModelDef], object]) -> Callable[[Path], object]:
    """A bundle again after a change to the MODEL_DEF of each of its models, by its index."""

    def rewrite(path: Path) -> None:
        bundle = read_bundle(path)
        for index, model in enumerate(bundle.models):
            edit(index, model.root.model_def)
        models = [
            lay_out_file(
                model.header,
                [
                    [
                        Partition(e.type, Held(encode_message(model.root.model_def)))
                        if e.type == PartitionType.MODEL_DEF
                        else Partition(e.type, Held(bytes(body)))
                        for e, body in zip(model.root.table, model.root.bodies, strict=True)
                    ]
                ],
            )
            for model in bundle.models
        ]
        write_file(path, lay_out_bundle(bundle.var_size, models))

    return rewrite


def move_variable(index: int, model: ModelDef) -> None:
    """The variables of the first model lie elsewhere than those of the others."""
    for op in (op for op in model.graph[0].op if op.type == "Variable" and index == 0):
        op.output_i[0] += 512


def flip_initial_value(path: Path) -> None:
    bundle = read_bundle(path)
    index = roles(bundle.models).init or 0
    root = bundle.models[index].root
    pairs = zip(root.table, root.starts, strict=True)
    place = next(start for entry, start in pairs if entry.type == PartitionType.WEIGHTS_DATA)
    offset: int = value_desc(root.model_def).data_offset
    place += bundle.starts[index] + offset
    changed(path, lambda data: data.__setitem__(place, data[place] ^ 1))


def name_by_id(index: int, model: ModelDef) -> None:
    for op in (op for op in model.graph[0].op if op.type == "FileConstant"):
        for name in ("location", "_value_sha256"):
            op.attr.pop(name)
        set_attribute(op.attr["file_id"], "1")


def test_bytes_that_the_program_hands_over_are_not_looked_for(
    built: dict[str, Path], tmp_path: Path, om: Command
):
    path = copied(built["bundle with files"], tmp_path)
    with_bundle(name_by_id)(path)
    assert om("verify", path) == (0, [f"{path}: ok"])


def test_a_damaged_file_is_one_fault(built: dict[str, Path], tmp_path: Path, om: Command):
    path = copied(built["bundle with files"], tmp_path)
    flip_weight(path)
    code, lines = om("verify", path)
    assert code == 1 and len(lines) == 1 and "have hash" in lines[0]


FAULTS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a flipped bit in a weight file": ("files", flip_weight, "have hash "),
    "a flipped bit in the combined file": ("combined", flip_weight, "have hash "),
    "a short weight file": ("files", cut_weight, r"bytes, bytes \d+ to \d+ are needed"),
    "a longer weight file": ("files", lengthen_weight(b"x"), "must end with its last weight"),
    "padding that is none": ("files", lengthen_weight(bytes(512)), "must end with its last"),
    "a longer combined file": ("combined", lengthen_weight(b"x"), "must end with its last"),
    "a weight file that is gone": ("files", lose_weight, "No such file or directory"),
    "a name that no file has": (
        "files",
        edit_model(lambda m: set_attribute(constants_of(m)[1].attr["location"], "weight\0w")),
        "names no file and no id, or one with a NUL",
    ),
    "a wrong offset": ("inside", patch(272 + 24, "<Q", 5), "MODEL_DEF says it is at offset 5"),
    "dirty padding": ("inside", patch(268, "<I", 5), "padding inside the partition table"),
    "another headsize": ("inside", patch(4, "<I", 512), "headsize is 512"),
    "a header field": ("inside", patch(116, "<I", 5), "header field ops is not zero"),
    "a length": ("inside", patch(184, "<Q", 5), "the header announces 5 bytes"),
    "a bundle's count": ("bundle", patch(156, "<I", 5), "the header counts 5 models"),
    "a bundle's length": ("bundle", patch(184, "<Q", 5), "the header says the file has 5 bytes"),
    "a bundle's offset": ("bundle", patch(272 + 24, "<Q", 5), "says it is at offset 5"),
    "a model of a bundle": ("bundle", patch(368, "<I", 0), "submodel 0: magic 0x00000000"),
    "variables of one name": (
        "bundle",
        with_bundle(move_variable),
        r"variable '.*' is DT_FLOAT.* in submodel 0, and DT_FLOAT.* in submodel 1$",
    ),
    "an initial value": ("bundle", flip_initial_value, "the manifest says [0-9a-f]{64}$"),
    "a constant behind the weights": (
        "inside",
        edit_model(lambda m: setattr(value_desc(m), "data_offset", 1 << 40)),
        "of a weight partition of",
    ),
    "a constant of another size": (
        "inside",
        edit_model(lambda m: setattr(value_desc(m), "weight_size", 1)),
        "it has 1$",
    ),
    "sizes of partitions": (
        "inside",
        edit_model(lambda m: set_attribute(m.attr["om_info_list"], [1, 2, 3, 4, 5])),
        "om_info_list says WEIGHTS_DATA has 1 bytes",
    ),
    "the size of the weights": (
        "inside",
        edit_model(lambda m: set_attribute(m.attr["weight_size"], 7)),
        "attribute weight_size is 7",
    ),
    "an edge": (
        "inside",
        edit_model(lambda m: m.graph[0].op[-1].input.__setitem__(0, "nobody:0")),
        "which no operator makes",
    ),
    "an operator's id": (
        "inside",
        edit_model(lambda m: [setattr(op, "id", 1000) for op in m.graph[0].op]),
        "task 0 is for operator",
    ),
    "the inputs": (
        "inside",
        edit_model(lambda m: setattr(m.graph[0].op[0], "type", "Const")),
        "MODEL_INOUT_INFO lists 1 inputs, the graph has 0",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_found(name: str, built: dict[str, Path], tmp_path: Path, om: Command):
    form, break_, expected = FAULTS[name]
    path = copied(built[form], tmp_path)
    break_(path)
    code, lines = om("verify", path)
    assert code == 1
    assert [line for line in lines if re.search(expected, line)], lines
    assert all(line.startswith(f"{path}: ") for line in lines)


def test_weight_files_may_be_elsewhere(built: dict[str, Path], tmp_path: Path, om: Command):
    path = copied(built["files"], tmp_path)
    (path.parent / "weight").rename(tmp_path / "moved")
    assert om("verify", path)[0] == 1
    assert om("verify", path, "--weight-dir", tmp_path / "moved") == (0, [f"{path}: ok"])
    arguments = ("extract", path, "-o", tmp_path / "parts", "--weight-dir", tmp_path / "moved")
    assert om(*arguments)[0] == 0 and len(list((tmp_path / "parts" / "weights").iterdir())) == 8


def test_padding_of_a_weight_file_is_no_fault(built: dict[str, Path], tmp_path: Path, om: Command):
    path = copied(built["files"], tmp_path)
    (file, *_) = sorted(path.parent.glob("weight/*"))
    lengthen_weight(bytes(-file.stat().st_size % 512))(path)
    assert om("verify", path) == (0, [f"{path}: ok"])


def test_an_unreadable_weight_file_is_one_fault(
    built: dict[str, Path], tmp_path: Path, om: Command, monkeypatch: pytest.MonkeyPatch
):
    path = copied(built["files"], tmp_path)
    first, second, *_ = sorted(path.parent.glob("weight/*"))
    changed(second, lambda data: data.__setitem__(0, data[0] ^ 1))
    opening = os.open

    def refuse(file: str | Path, *arguments: Any, **keywords: Any) -> int:
        """As for a user who must not read the first file; an administrator may read any."""
        if str(file) == str(first):
            raise PermissionError(errno.EACCES, "Permission denied", str(file))
        return opening(file, *arguments, **keywords)

    monkeypatch.setattr("os.open", refuse)
    code, lines = om("verify", path)
    assert code == 1 and len(lines) == 2
    assert lines[0].startswith(f"{path}: constant ")
    assert lines[0].endswith(f"{first}: Permission denied") and "have hash " in lines[1]


def test_links_to_a_model_are_followed(
    built: dict[str, Path], tmp_path: Path, om: Command, monkeypatch: pytest.MonkeyPatch
):
    """As the device follows them: the weights are beside what a link leads to."""
    path = copied(built["files"], tmp_path)
    link = tmp_path / "links" / "m.om"
    link.parent.mkdir()
    (link.parent / "again.om").symlink_to(path)
    link.symlink_to("again.om")
    assert Models(Memory()).load(str(link))
    assert om("verify", link) == (0, [f"{link}: ok"])
    assert om("extract", link, "-o", tmp_path / "parts")[0] == 0
    assert om("diff", link, path) == (0, [])
    assert main([str(link), "-t", f'om{{output="{tmp_path}/new/m"}}']) == 0
    assert (tmp_path / "new" / "m.om").read_bytes() == path.read_bytes()
    monkeypatch.chdir(path.parent)
    flip_weight(path)
    assert " in weight/weight_" in om("verify", path.name)[1][0]


def test_a_file_called_by_its_hash_is_held_to_it(
    built: dict[str, Path], tmp_path: Path, om: Command
):
    path = copied(built["files"], tmp_path)
    with_model(path, lambda m: [c.attr.pop("_value_sha256") for c in constants_of(m)])
    assert om("verify", path)[0] == 0
    flip_weight(path)
    assert "have hash " in om("verify", path)[1][0]


def test_a_name_that_no_file_has_is_refused(
    built: dict[str, Path], tmp_path: Path, om: Command, capsys: pytest.CaptureFixture[str]
):
    path = copied(built["files"], tmp_path)
    with_model(path, lambda m: set_attribute(constants_of(m)[1].attr["location"], "w\0w"))
    name = constants_of(read_model(path).root.model_def)[1].name
    expected = f"{path}: constant '{name}': location has a NUL in it"
    assert "→ nowhere" in "\n".join(om("diff", built["files"], path)[1])
    for command in (("extract", path, "-o", tmp_path / "parts"), ("gc", path.parent)):
        code, (line,) = om(*command)
        assert code == 1 and line.endswith(expected)
    for target in (f'om{{output="{tmp_path}/again"}}', "weights"):
        assert main([str(path), "-t", target]) == 1
        assert expected in capsys.readouterr().err
    assert not (tmp_path / "again.om").exists() and not (tmp_path / "parts").exists()


def test_a_weight_file_is_not_left_behind(
    built: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = copied(built["files"], tmp_path)
    with_model(path, lambda m: set_attribute(constants_of(m)[1].attr["location"], "w\x1bw"))
    path.with_name("weight").joinpath("w\x1bw").write_bytes(bytes(4096))
    assert main([str(path)]) == 0
    assert main([str(path), "-t", f'om{{output="{tmp_path}/again/m"}}']) == 1
    assert "the weight file 'w\\x1bw' would be left behind" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("form", ["files", "combined"])
def test_damaged_weights_are_not_copied(
    form: str,
    built: dict[str, Path],
    tmp_path: Path,
    om: Command,
    capsys: pytest.CaptureFixture[str],
):
    path = copied(built[form], tmp_path)
    again = [str(path), "-t", f'om{{output="{tmp_path}/again/m"}}']
    assert main(again) == 0
    shutil.rmtree(tmp_path / "again")
    flip_weight(path)
    code, (line,) = om("extract", path, "-o", tmp_path / "parts")
    assert code == 1 and " have hash " in line
    assert main(again) == 1
    assert " have hash " in capsys.readouterr().err
    assert not (tmp_path / "again").exists() and not (tmp_path / "parts").exists()


def test_faults_of_several_files_as_json(built: dict[str, Path], tmp_path: Path, om: Command):
    (tmp_path / "bad.om").write_bytes(b"x" * 300)
    code, lines = om("verify", built["inside"], tmp_path / "bad.om", "--json")
    assert code == 1
    found = json.loads("\n".join(lines))
    assert found[str(built["inside"])] == []
    assert "magic" in found[str(tmp_path / "bad.om")][0]


def test_other_partitions_are_checked(tmp_path: Path, om: Command):
    model = ModelDef(name="m")
    model.graph.add(name="g")
    kinds = {
        PartitionType.SO_BINS: struct.pack("<I", 2),
        PartitionType.TILING_DATA: bytes(12),
        PartitionType.TBE_KERNELS: bytes(20),
        PartitionType.CUST_AICPU_KERNELS: bytes(11),
        PartitionType.MODEL_INOUT_INFO: b"\xff" * 8,
        PartitionType.TASK_INFO: b"\xff" * 30,
    }
    bodies = [Partition(0, Held(encode_message(model)))]
    bodies += [Partition(kind, Held(body)) for kind, body in kinds.items()]
    write_file(tmp_path / "m.om", lay_out_file(ModelFileHeader(model_num=1), [bodies]))
    code, lines = om("verify", tmp_path / "m.om")
    text = "\n".join(lines)
    assert code == 1
    for expected in (
        "SO_BINS: 2 libraries are announced, 0 are there",
        "TILING_DATA: 12 bytes, no more than its head",
        "TBE_KERNELS: kernel '' has no magic before it",
        "CUST_AICPU_KERNELS: 11 bytes behind the last whole kernel",
        "MODEL_INOUT_INFO is broken",
        "TASK_INFO (30 bytes) is not the protobuf message it should be",
    ):
        assert expected in text
