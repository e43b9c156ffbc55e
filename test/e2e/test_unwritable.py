# pyright: reportUnknownMemberType=false
"""Disks that are full, folders that are read-only, names that are taken: one line, no change.

Each time an older version of the model is there, and has to be there afterwards as it was.
(onnx's helpers take values of any type, which strict typing does not know.)
"""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from compiler.atc import main as atc
from compiler.cli import main as ascend_opt

COUNT = 100_000
MODES = ["0", "1", "2"]


def save(path: Path, seed: int) -> Path:
    """A model with a weight of 400 kB."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [COUNT]) for name in "xy")
    values = np.random.default_rng(seed).random(COUNT, np.float32)
    nodes = [helper.make_node("Add", ["x", "w"], ["y"], name="sum")]
    graph = helper.make_graph(nodes, "net", [x], [y], [numpy_helper.from_array(values, "w")])
    imports = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)
    return path


def command(model: Path, output: Path, mode: str) -> list[str]:
    passes = f'offline{{precision=must_keep_origin_dtype external_weight={mode} model="m"}}'
    return [str(model), "-p", passes, "-t", f'om{{output="{output}"}}']


def content(folder: Path) -> dict[str, str]:
    """Everything below a folder: bytes of files, and where links lead."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else _what(path)
        for path in folder.rglob("*")
    }


def _what(path: Path) -> str:
    return path.read_bytes().hex() if path.is_file() else f"{path.stat().st_mode:o}"


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path]:
    """Two versions of a model."""
    (tmp_path / "in").mkdir()
    return save(tmp_path / "in" / "old.onnx", 1), save(tmp_path / "in" / "new.onnx", 2)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


# Runs in a mount namespace of its own: what is mounted there is nobody else's.
SCRIPT = """
import contextlib, io, json, pathlib, shutil, subprocess, sys
sys.path.insert(0, sys.argv[1])
from test_unwritable import content
from compiler.cli import main
out, old, mounts, arguments = pathlib.Path(sys.argv[2]), *map(json.loads, sys.argv[3:])
for mount in mounts[:1]:
    subprocess.run(mount, check=True)
if not list(out.iterdir()):
    shutil.copytree(old, out, dirs_exist_ok=True)
for mount in mounts[1:]:
    subprocess.run(mount, check=True)
before, errors = content(out), io.StringIO()
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
    code = main(arguments)
print(json.dumps([code, errors.getvalue(), len(before), content(out) == before]))
"""


def in_namespace(out: Path, old: Path, mounts: list[list[str]], arguments: list[str]) -> list[str]:
    """What ascend-opt says when `old` is in `out` and something is mounted there."""
    texts = [json.dumps(value) for value in (str(old), mounts, arguments)]
    run = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(out), *texts]
    done = subprocess.run(["unshare", "-m", *run], capture_output=True, text=True, check=False)
    if done.returncode and ("unshare" in done.stderr or "mount" in done.stderr):
        pytest.skip("this user may not mount anything")
    code, said, count, is_same = json.loads(done.stdout)
    assert code == 1 and count and is_same
    return said.splitlines()


@pytest.fixture
def old(models: tuple[Path, Path], tmp_path: Path) -> Callable[[str], Path]:
    """The folder of the older version."""

    def made(mode: str) -> Path:
        assert ascend_opt(command(models[0], tmp_path / "older" / "m", mode)) == 0
        return tmp_path / "older"

    return made


@pytest.mark.parametrize("mode", MODES)
def test_a_full_disk(
    mode: str, models: tuple[Path, Path], old: Callable[[str], Path], out: Path
) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=640k", "none", str(out)]
    (line,) = in_namespace(out, old(mode), [mount], command(models[1], out / "m", mode))
    assert "cannot be written: No space left on device" in line and str(out) in line


@pytest.mark.parametrize("mode", MODES)
def test_a_read_only_folder(
    mode: str, models: tuple[Path, Path], old: Callable[[str], Path], out: Path
) -> None:
    mounts = [
        ["mount", "--bind", str(out), str(out)],
        ["mount", "-o", "remount,bind,ro", str(out)],
    ]
    (line,) = in_namespace(out, old(mode), mounts, command(models[1], out / "m", mode))
    assert "cannot be written: Read-only file system" in line and str(out) in line


@contextmanager
def limited(size: int) -> Generator[None]:
    """No file of this process may grow beyond `size` bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def refused(arguments: list[str], folder: Path) -> str:
    """The one line that ascend-opt says; the folder is as it was."""
    before, errors = content(folder), io.StringIO()
    with redirect_stderr(errors):
        assert ascend_opt(arguments) == 1
    (line,) = errors.getvalue().splitlines()
    assert content(folder) == before
    return line


@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_may_not_be_as_large(
    mode: str, models: tuple[Path, Path], old: Callable[[str], Path]
) -> None:
    folder = old(mode)
    with limited(100_000):
        line = refused(command(models[1], folder / "m", mode), folder)
    assert "cannot be written: File too large" in line
    assert ("weight" in line) == (mode != "0")


def fails(code: int) -> Callable[..., int]:
    def fail(*arguments: object, **more: object) -> int:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("call", ["write", "fsync", "mkdir", "replace"])
def test_calls_that_fail(
    mode: str, call: str, models: tuple[Path, Path], old: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = old(mode)
    monkeypatch.setattr(os, call, fails(errno.EIO))
    line = refused(command(models[1], folder / "m", mode), folder)
    assert "cannot be written: Input/output error" in line


TAKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder has the model's name": (
        lambda out: (out / "m.om").mkdir(), "m.om: cannot be written: Is a directory"
    ),
    "a pipe has": (
        lambda out: os.mkfifo(out / "m.om"), "m.om: cannot be written: a device or a pipe is there"
    ),
    "a link to a folder has": (
        lambda out: (out / "m.om").symlink_to(out.parent), "m.om: cannot be written: Is a directory"
    ),
    "a folder has the weights' name": (
        lambda out: (out / "weight" / "m_weight_combined").mkdir(parents=True), "m_weight_combined"
    ),
    "a link has": (
        lambda out: ((out / "weight").mkdir(),
                     (out / "weight" / "m_weight_combined").symlink_to("/etc/hosts")),
        "m_weight_combined",
    ),
    "a file has that of the weights' folder": (
        lambda out: (out / "weight").write_text("x"), "weight"
    ),
    "a link has that of the weights' folder": (
        lambda out: ((out / "else").mkdir(), (out / "weight").symlink_to("else")),
        "weight is a symbolic link",
    ),
    "a dangling link has that of the weights' folder": (
        lambda out: (out / "weight").symlink_to("nowhere"), "weight"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("taken", "said"), TAKEN.values(), ids=TAKEN.keys())
def test_names_that_are_taken(
    taken: Callable[[Path], object], said: str,
    models: tuple[Path, Path], out: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    taken(out)
    assert said in refused(command(models[1], out / "m", "2"), out)
    capsys.readouterr()
    before = content(out)
    arguments = [f"--model={models[1]}", f"--output={out}/m", "--external_weight=2"]
    assert atc(["--framework=5", "--soc_version=Ascend910B4", *arguments]) == 255
    assert "(E10001)" in capsys.readouterr().out and content(out) == before


@pytest.mark.parametrize("mode", MODES)
def test_a_link_to_the_older_version_is_replaced(
    mode: str, models: tuple[Path, Path], out: Path, tmp_path: Path
) -> None:
    """What it leads to stays: nothing is written through a link."""
    (tmp_path / "precious").write_text("precious")
    (out / "m.om").symlink_to(tmp_path / "precious")
    assert ascend_opt(command(models[1], out / "m", mode)) == 0
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (out / "m.om").is_symlink()


def test_standard_output_and_devices_that_are_full(models: tuple[Path, Path], out: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    assert "/dev/full" in refused([str(models[0]), "-o", "/dev/full"], out)
    with limited(100):
        line = refused([str(models[0]), "-o", str(out / "text.mlir")], out)
    assert "text.mlir: cannot be written: File too large" in line
    run = [sys.executable, "-m", "compiler.cli", str(models[0])]
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(run, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and "No space left on device" in line
