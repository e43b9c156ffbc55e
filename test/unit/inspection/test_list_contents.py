"""`ascend-opt om list` on files of every kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from compiler.om.ge_ir_pb2 import ModelDef

Command = Callable[..., tuple[int, list[str]]]


def test_list(form: str, built: dict[str, Path], om: Command):
    code, lines = om("list", built[form], "--weights", "--operators", "--kernels", "--attributes")
    assert code == 0
    assert str(built[form]) in lines[0]
    text = "\n".join(lines)
    places = {"inside": "8 constants inside", "reference": "8 constants external"}
    expected = {"files": "8 constants external", "combined": "8 constants external", **places}
    expected["bundle with files"] = "2 constants external"
    assert expected.get(form, "constants inside") in text
    assert "operator Conv2D" in text and "attribute memory_size" in text


def test_list_as_json_says_where_everything_is(built: dict[str, Path], om: Command):
    found = json.loads("\n".join(om("list", built["bundle"], "--json")[1]))
    assert (found["kind"], len(found["models"])) == ("bundle", 3)
    data = built["bundle"].read_bytes()
    for model in found["models"]:
        assert data[model["start"] : model["start"] + 4] == b"IMOD"
        (table,) = model["tables"]
        for partition in table["partitions"]:
            body = data[partition["start"] : partition["start"] + partition["bytes"]]
            if partition["type"] == "MODEL_DEF":
                assert ModelDef.FromString(body).name == table["name"]


def test_wrong_use_is_one_line(om: Command, tmp_path: Path):
    for arguments in (("lis", "x.om"), ("list",), ("list", tmp_path), ("extract", "x.om")):
        code, lines = om(*arguments)
        assert code == 1 and len(lines) == 1 and lines[0].startswith("ascend-opt: error: ")
