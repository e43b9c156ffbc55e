"""`ascend-opt om diff`: which weights, operators and attributes of two models differ."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from compiler.om.attributes import set_attribute
from compiler.om.ge_ir_pb2 import ModelDef
from workloads.edited_models import changed, constants_of, copied, flip_weight, rename, with_model

Command = Callable[..., tuple[int, list[str]]]


def test_a_model_is_the_same_as_itself(form: str, built: dict[str, Path], om: Command):
    assert om("diff", built[form], built[form]) == (0, [])


def test_a_copy_is_the_same(built: dict[str, Path], tmp_path: Path, om: Command):
    assert om("diff", built["files"], copied(built["files"], tmp_path)) == (0, [])


def test_a_weight_that_differs_is_named(built: dict[str, Path], tmp_path: Path, om: Command):
    path = copied(built["files"], tmp_path)
    flip_weight(path)
    code, (line,) = om("diff", built["files"], path)
    assert code == 1
    assert line.startswith("weight ")
    assert re.search(r"bytes: (\d+) → \1, of which 1 differ, the first at 0$", line)


def test_a_weight_without_its_hash_is_matched_by_its_file_s_name(
    built: dict[str, Path], tmp_path: Path, om: Command
):
    """As GraphEngine's own files are: the operator has no hash, its file is called by one."""

    def edit(model: ModelDef) -> None:
        for op in constants_of(model):
            digest = op.attr.pop("_value_sha256").s.decode()
            rename(model, op.name, f"{op.name.removesuffix(f'_{digest}')}_{digest}")

    path = with_model(copied(built["files"], tmp_path), edit)
    assert om("diff", built["inside"], built["files"])[1] == om("diff", built["inside"], path)[1]


def test_where_the_weights_are_is_a_difference_and_their_bytes_are_none(
    built: dict[str, Path], om: Command
):
    code, lines = om("diff", built["inside"], built["files"])
    assert code == 1
    weights = [line for line in lines if line.startswith("weight ")]
    assert len(weights) == 8 and all("place: inside → external" in line for line in weights)


def test_operators_and_attributes_that_differ(built: dict[str, Path], tmp_path: Path, om: Command):
    def edit(model: ModelDef) -> None:
        nodes = {op.name: op for op in model.graph[0].op}
        set_attribute(nodes["conv1relu1"].attr["pads"], [0, 0, 0, 0])
        set_attribute(nodes["conv1relu1"].attr["more"], True)
        set_attribute(
            nodes["conv1relu1"].attr["shape"], [1]
        )  # of a constant it would be its weight's
        model.graph[0].op[-1].name = "renamed"
        set_attribute(model.attr["memory_size"], 5)

    path = with_model(copied(built["inside"], tmp_path), edit)
    code, lines = om("diff", built["inside"], path)
    assert code == 1
    text = "\n".join(lines)
    assert "operator conv1relu1: attribute pads: [1, 1, 1, 1] → [0, 0, 0, 0]" in text
    assert "+ operator conv1relu1: attribute more: True" in text
    assert "+ operator conv1relu1: attribute shape: [1]" in text
    assert "+ operator renamed: NetOutput" in text
    assert "attribute memory_size" in text


def test_weights_to_compare_may_be_elsewhere(built: dict[str, Path], tmp_path: Path, om: Command):
    path = copied(built["files"], tmp_path)
    (path.parent / "weight").rename(tmp_path / "moved")
    code, (line,) = om("diff", built["files"], path)
    assert code == 2
    assert re.search(r"error: constant '.*': .*/weight/weight_.*: No such file", line)
    code, (line,) = om("extract", path, "-o", tmp_path / "parts")
    assert code == 1 and re.search(r"m.om: constant '.*': .*/weight/weight_.*: No such file", line)
    old = ("--weight-dir", built["files"].parent / "weight")
    assert om("diff", built["files"], path, *old) == (0, [])
    assert om("diff", built["files"], path, "--new-weight-dir", tmp_path / "moved") == (0, [])
    new = ("--new-weight-dir", tmp_path / "gone")
    assert om("diff", built["files"], path, *old, *new)[0] == 2


def test_trouble_is_2(built: dict[str, Path], tmp_path: Path, om: Command):
    code, lines = om("diff", built["inside"], tmp_path / "none.om")
    assert code == 2 and "No such file" in lines[0]
    bad = changed(copied(built["bundle"], tmp_path), lambda data: data.__setitem__(368, 0))
    assert om("diff", built["bundle"], bad)[0] == 2


def test_differences_as_json(built: dict[str, Path], om: Command):
    found = json.loads("\n".join(om("diff", built["inside"], built["bundle"], "--json")[1]))
    assert {"place": ["kind"], "old": "static model", "new": "bundle"} in found
