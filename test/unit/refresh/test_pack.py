"""Packs say what they are, and refuse what they do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from compiler.cli import main
from compiler.errors import UserError
from compiler.refresh.pack import read_pack
from workloads.checkpoints import layers, load_file, open_file, save_file, save_model, weights_of

Refresh: TypeAlias = Callable[..., str]


@pytest.fixture
def pack(tmp_path: Path, refresh: Refresh) -> Path:
    """A pack between two models, old.onnx and new.onnx."""
    before = layers()
    old = save_model(tmp_path / "old.onnx", before)
    new = save_model(tmp_path / "new.onnx", before | {"down": before["down"] + 1})
    refresh("make", old, new, "-o", tmp_path / "pack.safetensors")
    return tmp_path / "pack.safetensors"


def changed(path: Path, change: Callable[[dict[str, str], dict[str, Any]], Any]) -> None:
    """Write a pack anew with other metadata or tensors."""
    with open_file(path) as file:
        metadata: dict[str, str] = file.metadata()
    tensors = load_file(path)
    change(metadata, tensors)
    save_file(tensors, path, metadata)


def test_inspect(tmp_path: Path, refresh: Refresh, pack: Path) -> None:
    told = json.loads(refresh("inspect", pack, "--json"))
    found = read_pack(pack)
    assert told == {
        "from": found.start,
        "to": found.end,
        "weights": [
            {
                "name": "down",
                "dtype": "f32",
                "shape": [24, 8],
                "bytes": 768,
                "sha256": found.digests["down"],
            }
        ],
    }
    text = refresh("inspect", pack)
    assert f"from {found.start}\nto   {found.end}\n" in text
    assert "1 of 6 weights" in text and "f32[24, 8]  down" in text


def test_verify(tmp_path: Path, refresh: Refresh, pack: Path) -> None:
    assert "1 weights as they should be" in refresh("verify", pack)
    assert "fits" in refresh("verify", pack, tmp_path / "old.onnx")
    with pytest.raises(UserError, match=r"new\.onnx is there already"):
        refresh("verify", pack, tmp_path / "new.onnx")
    data = bytearray(pack.read_bytes())
    data[-1] ^= 1
    pack.write_bytes(data)
    for arguments in ((), (tmp_path / "old.onnx",)):
        with pytest.raises(UserError, match="weight 'down' is damaged: its SHA-256 is"):
            refresh("verify", pack, *arguments)
    with pytest.raises(UserError, match="weight 'down' is damaged"):
        refresh("apply", tmp_path / "old.onnx", pack, "-o", tmp_path / "result.onnx")
    assert not (tmp_path / "result.onnx").exists()


def test_another_version_is_refused_by_both_names(
    tmp_path: Path, refresh: Refresh, pack: Path
) -> None:
    other = save_model(tmp_path / "other.onnx", layers() | {"square": layers()["square"] + 1})
    found = read_pack(pack)
    with pytest.raises(UserError) as caught:
        refresh("apply", other, pack, "-o", tmp_path / "result.onnx")
    assert f"{pack} starts from version {found.start[:16]}" in str(caught.value)
    assert "other.onnx is at version " in str(caught.value)


def test_what_a_state_lacks(pack: Path) -> None:
    found = read_pack(pack)
    state = dict(found.base)
    assert found.applied_to(state, "it") == {**state, **found.digests}
    del state["down"]
    with pytest.raises(UserError, match=r"it has no weight 'down' \(there are 5, such as .*down"):
        found.applied_to(state, "it")
    with pytest.raises(UserError, match=r"it has no weight 'down' \(nor any other\)"):
        found.applied_to({}, "it")


def test_errors_are_one_line_of_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["refresh", "inspect", str(tmp_path / "none.safetensors")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("ascend-opt: error: ") and error.count("\n") == 1
    assert "none.safetensors: cannot be read: No such file" in error


def test_a_part_of_the_weights_must_be_in_the_version_of_that_part(
    tmp_path: Path, refresh: Refresh, pack: Path
) -> None:
    part = {name: layers()[name] for name in ("down", "square")}
    save_file(part, tmp_path / "part.safetensors")
    refresh("apply", tmp_path / "part.safetensors", pack, "-o", tmp_path / "result.safetensors")
    found = load_file(tmp_path / "result.safetensors")
    assert (found["down"] == part["down"] + 1).all() and (found["square"] == part["square"]).all()
    save_file(part | {"square": part["square"] + 1}, tmp_path / "part.safetensors")
    with pytest.raises(UserError, match="starts from version"):
        refresh("apply", tmp_path / "part.safetensors", pack, "-o", tmp_path / "x.safetensors")
    save_file({"square": part["square"]}, tmp_path / "part.safetensors")
    with pytest.raises(UserError, match=r"part\.safetensors has no weight 'down'"):
        refresh("apply", tmp_path / "part.safetensors", pack, "-o", tmp_path / "x.safetensors")


FORMAT, START, END, DIGESTS, BASE = (
    f"ascend_opt.{key}" for key in ("format", "from", "to", "sha256", "base")
)
DAMAGE: dict[str, tuple[Callable[[dict[str, str], dict[str, Any]], Any], str]] = {
    "no pack": (lambda m, _: m.clear(), "a weight pack is needed, this is none"),
    "another form": (lambda m, _: m.update({FORMAT: "2"}), "this is of form '2', this program"),
    "no version": (lambda m, _: m.pop(START), "ascend_opt.from or ascend_opt.to is no digest"),
    "half a version": (lambda m, _: m.update({END: m[END][:40]}), "is no digest of 64 digits"),
    "no JSON": (lambda m, _: m.update({DIGESTS: "{"}), "sha256 is no map of digests"),
    "no map": (lambda m, _: m.update({BASE: "[]"}), "base is no map of digests"),
    "no digest": (lambda m, _: m.update({DIGESTS: '{"down": 1}'}), "sha256 is no map of digests"),
    "one more": (lambda _, t: t.update({"x": np.zeros(1)}), "'x' is in ascend_opt.sha256 or"),
    "one less": (lambda _, t: t.clear(), "'down' is in ascend_opt.sha256 or a tensor, not both"),
    "another base": (lambda m, _: m.update({START: m[END]}), "base is not the version it starts"),
    "another end": (lambda m, _: m.update({END: m[START]}), "sha256 does not lead to the version"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_pack(pack: Path, what: str) -> None:
    change, message = DAMAGE[what]
    changed(pack, change)
    with pytest.raises(UserError) as caught:
        read_pack(pack)
    assert message in str(caught.value) and str(pack) in str(caught.value)


def test_shape_and_type_are_the_model_s(tmp_path: Path, refresh: Refresh, pack: Path) -> None:
    """A pack whose digests are right, of a tensor with another shape."""
    changed(pack, lambda _, tensors: tensors.update(down=tensors["down"].reshape(8, 24)))
    with pytest.raises(UserError, match=r"'down' is f32\[8, 24\], .*old\.onnx needs f32\[24, 8\]"):
        refresh("apply", tmp_path / "old.onnx", pack, "-o", tmp_path / "result.onnx")


def test_a_pack_without_a_base(tmp_path: Path, refresh: Refresh, pack: Path) -> None:
    """What another program made of the four keys that are needed."""
    changed(pack, lambda metadata, _: metadata.pop(BASE))
    refresh("apply", tmp_path / "old.onnx", pack, "-o", tmp_path / "result.onnx")
    assert (weights_of(tmp_path / "result.onnx")["down"] == layers()["down"] + 1).all()
    with pytest.raises(UserError, match="is there already"):
        refresh("apply", tmp_path / "new.onnx", pack, "-o", tmp_path / "x.onnx")


def test_safetensors_files_may_have_any_name(tmp_path: Path, refresh: Refresh) -> None:
    old, new, pack, result = (tmp_path / name for name in ("old.st", "new", "pack.st", "result.st"))
    save_file(layers(), old)
    save_file(layers() | {"down": layers()["down"] + 1}, new)
    assert "1 of 6 weights" in refresh("make", old, new, "-o", pack)
    refresh("verify", pack, old)
    refresh("apply", old, pack, "-o", result)
    refresh("apply", old, pack, "-o", result.with_suffix(".safetensors"))
    for path in (result, result.with_suffix(".safetensors")):
        assert (load_file(path)["down"] == layers()["down"] + 1).all()
    (tmp_path / "none").write_bytes(b"\x02" + bytes(7) + b"[]")
    with pytest.raises(UserError, match=r"none: weights are read from \.onnx, \.safetensors, "):
        refresh("make", old, tmp_path / "none", "-o", pack)


def test_kinds_of_files_do_not_mix(tmp_path: Path, refresh: Refresh, pack: Path) -> None:
    with pytest.raises(UserError, match=r"is written to a \.onnx file"):
        refresh("apply", tmp_path / "old.onnx", pack, "-o", tmp_path / "result.safetensors")
    with pytest.raises(UserError, match=r"applied to files \.onnx, \.safetensors, \.om"):
        refresh("apply", "x.safetensors.index.json", pack, "-o", "y.safetensors.index.json")


@pytest.mark.parametrize("command", ["make", "inspect", "verify", "apply"])
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from compiler.commands import run_command

    with pytest.raises(SystemExit) as caught:
        run_command(["refresh", command, "--help"])
    assert caught.value.code == 0
    assert f"ascend-opt refresh {command} " in capsys.readouterr().out.partition("example")[2]
