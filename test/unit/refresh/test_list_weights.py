# pyright: reportUnknownVariableType=false
"""`ascend-opt refresh list`: the manifest says what onnx says. (onnx's load is not fully typed.)"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from onnx import load, numpy_helper

from compiler.cli import main
from compiler.om.manifest import read_manifest

DIGITS = Path(__file__).parents[3] / "examples" / "digits" / "model.onnx"
NAMES = ("fc2.bias", "conv1.weight", "fc1.weight")


@pytest.fixture(
    params=["init=true", "init=false", "external_weight=1", "external_weight=reference"]
)
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    names = ",".join(f'"{name}"' for name in NAMES)
    pipeline = f"offline{{refresh={names} {request.param}}}"
    assert main([str(DIGITS), "-p", pipeline, "-t", f'om{{output="{tmp_path}/b"}}']) == 0
    return tmp_path / "b.om"


def test_every_weight_is_told_as_the_model_has_it(bundle: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["refresh", "list", str(bundle), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))
    tensors = {t.name: numpy_helper.to_array(t) for t in load(DIGITS).graph.initializer}
    assert [entry["onnx"] for entry in told["weights"]] == list(NAMES)
    lines: list[str] = []
    for index, entry in enumerate(told["weights"]):
        array = tensors[entry["onnx"]]
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        lines.append(f"{entry['onnx']} {digest}\n")
        assert (entry["index"], entry["sha256"]) == (index, digest)
        assert (entry["dtype"], entry["shape"]) == ("DT_FLOAT", list(array.shape))
        assert entry["sources"] == [
            {key: entry[key] for key in ("onnx", "dtype", "shape", "sha256")}
        ]
    assert told["version"] == hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def test_a_table_for_people(bundle: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert main(["refresh", "list", str(bundle)]) == 0
    title, *rows, end = capsys.readouterr().out.splitlines()
    assert title.split() == ["index", "made", "of", "input", "type", "shape", "format", "sha256"]
    assert rows[1].split()[:5] == [
        *("1", "conv1.weight", "conv1.weight_Initializer_1_var_data", "DT_FLOAT", "16×1×3×3")
    ]
    assert end == f"3 refreshable weights, version {read_manifest(bundle).version}"


def test_it_survives_decompiling_and_writing(bundle: Path, tmp_path: Path):
    assert main([str(bundle), "-t", f'om{{output="{tmp_path}/again"}}']) == 0
    assert read_manifest(tmp_path / "again.om") == read_manifest(bundle)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["refresh"], "ascend-opt refresh : one of the commands is needed: "),
        (["refresh", "lists"], "ascend-opt refresh lists: one of the commands is needed: "),
        (["refresh", "list"], "ascend-opt refresh list --help lists the options"),
        (["refresh", "list", "none.om"], "none.om"),
        (["refresh", "list", str(DIGITS)], "model.onnx"),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert err.startswith("ascend-opt: error: ") and message in err and err.count("\n") == 1


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]):
    assert main(["refresh", "--help"]) == 0
    assert "print the refreshable weights" in capsys.readouterr().out
