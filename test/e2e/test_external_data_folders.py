# pyright: reportUnknownMemberType=false
"""External data in other folders and behind links, through both command lines, to the file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from compiler.atc import main as atc
from compiler.cli import main as ascend_opt

WEIGHT = np.arange(300, dtype=np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model and its data in one folder."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [300]) for name in "xy")
    node = helper.make_node("Add", ["x", "w"], ["y"], name="sum")
    graph = helper.make_graph([node], "g", [x], [y], [numpy_helper.from_array(WEIGHT, "w")])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    path = tmp_path / "model" / "model.onnx"
    path.parent.mkdir()
    onnx.save(made, path, save_as_external_data=True, location="model.onnx_data")
    return path


def in_cache(model: Path) -> tuple[Path, Path]:
    """The model as a Hugging Face cache keeps it, and the cache: files by their hash, and links."""
    cache = model.parent.parent / "hub" / "models--us--add"
    snapshot = cache / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (cache / "blobs").mkdir()
    for file in model.parent.iterdir():
        blob = cache / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
        file.rename(blob)
        (snapshot / file.name).symlink_to(f"../../blobs/{blob.name}")
    return snapshot / model.name, cache


Run = Callable[..., int]


def by_ascend_opt(model: Path, out: Path, **options: Path) -> int:
    given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    passes = "offline{external_weight=1 precision=must_keep_origin_dtype}"
    return ascend_opt([str(model), *given, "-p", passes, "-t", f'om{{output="{out}/m"}}'])


def by_atc(model: Path, out: Path, **options: Path) -> int:
    given = [f"--{name}={value}" for name, value in options.items()]
    fixed = ["--framework=5", "--soc_version=Ascend910B4", "--external_weight=1"]
    fixed.append("--precision_mode=must_keep_origin_dtype")
    return atc([f"--model={model}", f"--output={out}/m", *fixed, *given])


either = pytest.mark.parametrize("run", [by_ascend_opt, by_atc])


def weights(out: Path) -> list[bytes]:
    """What is in the files beside an offline model."""
    return [file.read_bytes() for file in (out / "weight").iterdir()]


@either
def test_another_folder(run: Run, model: Path, tmp_path: Path):
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    (model.parent / "model.onnx_data").rename(data / "model.onnx_data")
    assert run(model, out) != 0
    assert not out.exists()
    assert run(model, out, external_data_dir=data) == 0
    assert weights(out) == [WEIGHT.tobytes()]


@either
def test_another_folder_is_a_fence_as_well(run: Run, model: Path, tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "model.onnx_data").symlink_to(model.parent / "model.onnx_data")
    assert run(model, tmp_path / "out", external_data_dir=data) != 0
    assert run(model, tmp_path / "out", external_data_dir=data, allow_root=model.parent) == 0


@either
def test_a_download_cache(
    run: Run, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path, cache = in_cache(model)
    out = tmp_path / "out"
    assert run(path, out) != 0
    printed = capsys.readouterr()
    blob = (path.parent / "model.onnx_data").resolve()
    (told,) = [text for text in f"{printed.out}\n{printed.err}".splitlines() if "'w'" in text]
    for words in (f"{path}: ", "'model.onnx_data'", str(blob), "symbolic link", "--allow-root"):
        assert words in told
    assert run(path, out, allow_root=tmp_path / "model") != 0
    assert run(path, out, allow_root=cache) == 0
    assert weights(out) == [WEIGHT.tobytes()]


@pytest.mark.parametrize("last", [0, 1])
def test_several_roots(last: int, model: Path, tmp_path: Path):
    path, cache = in_cache(model)
    roots = [str(tmp_path / "model")]
    roots.insert(last, str(cache))
    options = [option for root in roots for option in ("--allow-root", root)]
    assert ascend_opt([str(path), *options, "-o", str(tmp_path / "x.mlir")]) == 0
    fixed = [f"--model={path}", "--framework=5", "--soc_version=Ascend910B4"]
    for spelled in ([f"--allow_root={root}" for root in roots], ["--allow-root", ":".join(roots)]):
        assert atc([*fixed, f"--output={tmp_path}/{len(spelled[0])}", *spelled]) == 0


@either
@pytest.mark.parametrize("option", ["allow_root", "external_data_dir"])
def test_folders_that_do_not_exist(
    run: Run, option: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(model, tmp_path / "out", **{option: tmp_path / "none"}) != 0
    printed = capsys.readouterr()
    assert str(tmp_path / "none") in printed.out + printed.err
    assert not (tmp_path / "out").exists()


@either
def test_no_weight_is_written_through_a_link(
    run: Run, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Rule 20: who can make a link in the output folder cannot have files written elsewhere."""
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "weight").symlink_to(elsewhere, target_is_directory=True)
    assert run(model, out) != 0
    printed = capsys.readouterr()
    assert "weight is a symbolic link" in printed.out + printed.err
    assert not list(elsewhere.iterdir())
    assert [file.name for file in out.iterdir()] == ["weight"]


@either
def test_a_link_in_the_weight_folder_is_not_followed(run: Run, model: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert run(model, out) == 0
    (file,) = (out / "weight").iterdir()
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    file.unlink()
    file.symlink_to(precious)
    run(model, out)
    assert precious.read_bytes() == b"precious"
    file.unlink()
    file.symlink_to(tmp_path / "nowhere")
    run(model, out)
    assert not (tmp_path / "nowhere").exists()
