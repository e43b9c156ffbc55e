"""`ascend-opt compare` and `ascend-opt explain`, as a user calls them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from compiler.cli import main


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A product, a Relu, and a hash that no kernel computes."""
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [512, 512])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, [512, 512])
    nodes = [
        helper.make_node("MatMul", ["x", "x"], ["p"], "product"),
        helper.make_node("Det", ["p"], ["d"], "det"),
        helper.make_node("Mul", ["p", "d"], ["y"], "scaled"),
    ]
    path = tmp_path_factory.mktemp("schedule") / "model.onnx"
    graph = helper.make_graph(nodes, "net", [given], [made])
    made_model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    path.write_bytes(made_model.SerializeToString())
    return str(path)


def times(text: str) -> dict[str, tuple[float, float]]:
    """Old and new by the first column."""
    rows = re.findall(r"^(\S.*?) +([\d.]+) +([\d.]+) +[\d.]+(?:  .*)?$", text, re.MULTILINE)
    return {name: (float(old), float(new)) for name, old, new in rows}


def test_two_socs_are_compared(model: str, capsys: pytest.CaptureFixture[str]):
    assert main(["compare", model, "--soc", "Ascend910B1", "--soc", "Ascend310P3"]) == 0
    told = capsys.readouterr().out
    assert "old: net on Ascend910B1\nnew: net on Ascend310P3\n" in told
    found = times(told)
    assert found["BatchMatMulV2"][0] < found["BatchMatMulV2"][1]
    operators = [row for name, row in found.items() if name[0].isupper()]
    for side in (0, 1):
        total = sum(row[side] for row in operators)
        assert found["total"][side] <= total + 0.01 * len(operators)


def test_two_sets_of_options_are_compared(model: str, capsys: pytest.CaptureFixture[str]):
    options = ["precision=force_fp16", "precision=must_keep_origin_dtype"]
    assert main(["compare", model, "--options", options[0], "--options", options[1]]) == 0
    found = times(capsys.readouterr().out)
    assert found["feature memory MiB"][0] != found["feature memory MiB"][1]


def test_two_tilings_are_compared(model: str, capsys: pytest.CaptureFixture[str]):
    tiles = 'tiles="BatchMatMulV2:m=16,n=16"'
    assert main(["compare", model, "--options", "", "--options", tiles]) == 0
    old, new = times(capsys.readouterr().out)["BatchMatMulV2"]
    assert new > 1.5 * old


def test_two_files_are_compared(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name in ("a", "b"):
        assert main([model, "-p", "offline", "-t", f'om{{output="{tmp_path}/{name}"}}']) == 0
    assert main(["compare", str(tmp_path / "a.om"), str(tmp_path / "b.om")]) == 0
    old, new = times(capsys.readouterr().out)["total"]
    assert old == new > 0


def test_tasks_are_explained(model: str, capsys: pytest.CaptureFixture[str]):
    assert main(["explain", model, "--node", "product", "--node", "det"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"product \(\w+\), [\d.]+%: [\d.]+ µs, bound by \w+; .+ would save up to \d+%", lines[1]
    )
    assert lines[2].startswith("det (MatrixDeterminant), ")
    assert "on the AI CPU" in lines[2]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["compare", "MODEL"], "nothing to compare: name two files, or give --soc or --options"),
        (["compare", "MODEL", "--soc", "a", "--soc", "b", "--soc", "c"], "at most twice"),
        (["compare", "MODEL", "x.txt"], "x.txt: a .onnx or .om file is needed"),
        (["compare", "MODEL", "--options", "b={", "--options", "c=1"], "options do not parse"),
        (["explain", "MODEL", "--options", "nothing=1"], "has no option 'nothing'"),
        (["explain", "MODEL", "--options", 'tiles="Add:m=16"'], "no operator or kernel 'Add'"),
        (["explain", "MODEL", "--soc", "Ascend910C"], "unknown SoC 'Ascend910C'"),
        (["explain", "MODEL", "--node", "nobody"], "--node 'nobody': model 'net' has no such task"),
        (["explain", "nowhere.om"], "nowhere.om: No such file"),
    ],
)
def test_mistakes_are_told(
    arguments: list[str], error: str, model: str, capsys: pytest.CaptureFixture[str]
):
    assert main([model if word == "MODEL" else word for word in arguments]) == 1
    told = capsys.readouterr()
    assert error in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
