# pyright: reportUnknownMemberType=false
"""What is written never takes the place of what somebody still needs.

onnx's helpers take values of any type, which strict typing does not know.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from compiler.atc import main as atc
from compiler.cli import main as ascend_opt

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "model.onnx"
COMBINED = "weight_combined"


def save(path: Path, value: float, *, graph: str = "main_graph", location: str = "") -> Path:
    """A model with one weight of 300 times the value, in a file of its own if `location`."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [300])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [300])
    weight = numpy_helper.from_array(np.full(300, value, np.float32), "w")
    node = helper.make_node("Add", ["x", "w"], ["y"], name="sum")
    made = helper.make_model(
        helper.make_graph([node], graph, [x], [y], [weight]),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    path.parent.mkdir(exist_ok=True)
    if location:
        (path.parent / location).parent.mkdir(exist_ok=True)
    onnx.save(made, path, save_as_external_data=bool(location), location=location or None)
    return path


def compiled(model: Path, output: Path, options: str = "", target: str = "") -> int:
    passes = f"offline{{external_weight=2{options}}}"
    return ascend_opt([str(model), "-p", passes, "-t", f'om{{output="{output}"{target}}}'])


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def error(capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    return printed.err


def test_a_weight_file_of_another_model_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    one, two = save(tmp_path / "one.onnx", 1), save(tmp_path / "two.onnx", 2)
    out = tmp_path / "out"
    assert compiled(one, out / "one") == 0
    before = content(out)
    assert set(before) == {"one.om", f"weight/main_graph_{COMBINED}"}
    capsys.readouterr()
    assert compiled(two, out / "two") == 1
    message = error(capsys)
    for words in (f"weight/main_graph_{COMBINED}", "one.om", "model=NAME", "overwrite=true"):
        assert words in message
    assert content(out) == before
    assert compiled(two, out / "two", ' model="two"') == 0
    assert content(out).items() > before.items()
    assert compiled(two, out / "two", target=" overwrite=true") == 0
    assert content(out)[f"weight/main_graph_{COMBINED}"] != before[f"weight/main_graph_{COMBINED}"]


def test_a_weight_file_that_nobody_claims_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "weight").mkdir()
    (tmp_path / "weight" / f"main_graph_{COMBINED}").write_bytes(b"precious")
    (tmp_path / "m.om").write_bytes(b"no offline model")
    before = content(tmp_path)
    assert compiled(save(tmp_path / "in" / "m.onnx", 1), tmp_path / "m") == 1
    assert "another model may need" in error(capsys)
    assert before.items() < content(tmp_path).items()


def test_a_model_replaces_its_own_previous_version(tmp_path: Path):
    model, out = tmp_path / "m.onnx", tmp_path / "out"
    for value in (1, 1, 2):
        assert compiled(save(model, value), out / "m") == 0
    second = content(out)
    assert compiled(model, out / "m") == 0
    assert content(out) == second
    assert ascend_opt([str(out / "m.om"), "-t", f'om{{output="{out}/m"}}']) == 0
    assert content(out) == second
    assert ascend_opt([str(out / "m.om"), "-t", f'om{{output="{out}/copy"}}']) == 0
    after = content(out)
    assert after.pop("copy.om") and after == second


def test_but_not_once_a_copy_needs_its_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model, out = tmp_path / "m.onnx", tmp_path / "out"
    assert compiled(save(model, 1), out / "m") == 0
    (out / "copy.om").write_bytes((out / "m.om").read_bytes())
    capsys.readouterr()
    assert compiled(save(model, 2), out / "m") == 1
    assert "which copy.om may need" in error(capsys)


def test_two_bundles_in_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    refresh = ' refresh="w"'
    for name, value in (("one", 1), ("two", 2)):
        model = save(tmp_path / f"{name}.onnx", value)
        assert compiled(model, tmp_path / name, f'{refresh} model="{name}"') == 0
    files = {f"{name}_var_init_graph_{COMBINED}" for name in ("one", "two")}
    assert {path.name for path in (tmp_path / "weight").iterdir()} == files
    assert compiled(tmp_path / "one.onnx", tmp_path / "a", refresh) == 0
    capsys.readouterr()
    assert compiled(tmp_path / "two.onnx", tmp_path / "b", refresh) == 1
    assert f"var_init_graph_{COMBINED}" in error(capsys)


def test_a_graph_name_that_is_no_file_name(tmp_path: Path):
    model = save(tmp_path / "m.onnx", 1, graph='../a/b "\\')
    assert compiled(model, tmp_path / "out" / "m") == 0
    assert set(content(tmp_path / "out")) == {"m.om", f'weight/.._a_b "\\_{COMBINED}'}
    assert compiled(model, tmp_path / "other" / "m", r' model="x/\"\\"') == 0
    assert set(content(tmp_path / "other")) == {"m.om", f'weight/x_"\\_{COMBINED}'}


def test_atc_with_one_folder_for_two_models(tmp_path: Path):
    for name, value in (("one", 1), ("two", 2)):
        model = save(tmp_path / f"{name}.onnx", value)
        arguments = [f"--model={model}", f"--output={tmp_path}/{name}", "--external_weight=2"]
        assert atc(["--framework=5", "--soc_version=Ascend910B4", *arguments]) == 0
    names = {f"one_{COMBINED}", f"two_{COMBINED}"}
    assert {path.name for path in (tmp_path / "weight").iterdir()} == names


def test_text_is_changed_in_place_whole_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    text = tmp_path / "x.mlir"
    assert ascend_opt([str(DIGITS), "-o", str(text)]) == 0
    before = text.read_text()
    assert ascend_opt([str(text), "-o", str(text)]) == 0
    assert text.read_text() == before and "onnx.graph" in before
    assert ascend_opt([str(text), "-p", "offline{soc=nothing}", "-o", str(text)]) == 1
    assert ascend_opt([str(tmp_path / "nowhere.onnx"), "-o", str(text)]) == 1
    assert text.read_text() == before
    assert ascend_opt([str(text), "-o", f"{tmp_path}/none/x"]) == 1
    assert "none/x: cannot be written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [text]


def test_text_does_not_replace_the_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = save(tmp_path / "m.onnx", 1, location="data")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    text = str(tmp_path / "m.mlir")
    assert ascend_opt([str(model), "-o", text]) == 0
    before = content(tmp_path)
    for source, output in ((model, "m.onnx"), (model, "link"), (text, "data")):
        assert ascend_opt([str(source), "-o", str(tmp_path / output)]) == 1
        assert f"{output} belongs to the model that is read" in error(capsys)
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "location"),
    [("m.onnx", f"weight/m_{COMBINED}"), ("m.onnx", "m.om"), ("m.om", "data")],
)
def test_an_offline_model_does_not_replace_what_it_is_made_of(
    name: str, location: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    model = save(tmp_path / name, 1, location=location)
    before = content(tmp_path)
    clash = location if location != "data" else name
    arguments = [f"--model={model}", f"--output={tmp_path}/m", "--external_weight=2"]
    assert atc(["--framework=5", "--soc_version=Ascend910B4", *arguments]) == 255
    printed = capsys.readouterr().out
    assert "(E10001)" in printed and f"{clash} belongs to the model that is read" in printed
    passes = ["-p", 'offline{external_weight=2 model="m"}']
    target = ["-t", f'om{{output="{tmp_path}/m" overwrite=true}}']
    assert ascend_opt([str(model), "-f", "onnx", *passes, *target]) == 1
    assert f"{clash} belongs to the model that is read" in error(capsys)
    assert content(tmp_path) == before
