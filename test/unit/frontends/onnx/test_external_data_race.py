# pyright: reportUnknownMemberType=false
"""Rules 18 and 19: what was judged is what is read, whoever swaps files meanwhile."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import compiler.frontends.onnx.external_data as rules
from compiler.beneath import open_file
from compiler.cli import main as ascend_opt
from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.frontends.onnx import import_model, module_of
from compiler.frontends.onnx.external_data import ExternalData
from compiler.weights import Weight
from dialects.onnx import InitializerOp

VALUES = np.arange(300, dtype=np.float32)
OTHER = (VALUES + 1).tobytes()


def save(folder: Path, *, external: bool = True) -> Path:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [300]) for name in "xy")
    weight = numpy_helper.from_array(VALUES, "w")
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    path = folder / "m.onnx"
    onnx.save(made, path, save_as_external_data=external, location="w.data" if external else None)
    return path


def weight(path: Path) -> Weight:
    """The one weight of a model, as a pass or a writer would read it."""
    module = import_model(str(path))
    return weight_of(next(op.value for op in module.walk() if isinstance(op, InitializerOp)))


def replaced(path: Path) -> None:
    (path.parent / "new").write_bytes(OTHER)
    os.replace(path.parent / "new", path)


def replaced_with_the_same_times(path: Path) -> None:
    before = path.stat()
    replaced(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def changed_in_place(path: Path) -> None:
    before = path.stat()
    with open(path, "r+b") as file:
        file.write(OTHER[:8])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut(path: Path) -> None:
    os.truncate(path, 8)


def turned_into_a_link(path: Path) -> None:
    replaced(path)
    path.rename(path.parent / "elsewhere")
    path.symlink_to("elsewhere")


def turned_into_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


SWAPS = [
    replaced,
    replaced_with_the_same_times,
    changed_in_place,
    cut,
    turned_into_a_link,
    turned_into_a_pipe,
]
each_swap = pytest.mark.parametrize("swap", SWAPS)


@each_swap
@pytest.mark.parametrize("external", [True, False])
def test_a_file_that_changes_after_the_import(
    swap: Callable[[Path], None], external: bool, tmp_path: Path
):
    path = save(tmp_path, external=external)
    data = tmp_path / "w.data" if external else path
    imported = weight(path)
    swap(data)
    with pytest.raises(UserError, match=f"{data} has changed since it was read"):
        list(imported.chunks())


@each_swap
def test_a_file_that_changes_between_two_reads(swap: Callable[[Path], None], tmp_path: Path):
    imported = weight(save(tmp_path))
    assert b"".join(imported.chunks()) == VALUES.tobytes()
    swap(tmp_path / "w.data")
    with pytest.raises(UserError, match="has changed since it was read"):
        list(imported.chunks())


def test_a_file_that_changes_while_it_is_read(tmp_path: Path):
    imported = weight(save(tmp_path))
    with pytest.raises(UserError, match="has changed since it was read"):
        for _ in imported.chunks():
            changed_in_place(tmp_path / "w.data")


def test_the_same_model_read_again(tmp_path: Path):
    path = save(tmp_path)
    weight(path)
    replaced(tmp_path / "w.data")
    assert b"".join(weight(path).chunks()) == OTHER


@each_swap
def test_nothing_is_written_of_a_file_that_changed(
    swap: Callable[[Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    path = save(tmp_path)

    def import_and_swap(*arguments: object, **options: object) -> object:
        module = module_of(*arguments, **options)  # pyright: ignore[reportArgumentType]
        swap(tmp_path / "w.data")
        return module

    monkeypatch.setattr("compiler.frontends.onnx.module_of", import_and_swap)
    target = f'om{{output="{tmp_path}/out/m"}}'
    assert ascend_opt([str(path), "-p", "offline{external_weight=1}", "-t", target]) == 1
    assert "w.data has changed since it was read" in capsys.readouterr().err
    assert not [file for file in (tmp_path / "out").rglob("*") if file.is_file()]


def test_a_link_put_in_place_just_before_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = save(tmp_path)
    judged = rules.open_file

    def swapped(base: str, inside: str) -> int:
        turned_into_a_link(tmp_path / "w.data")
        return judged(base, inside)

    monkeypatch.setattr(rules, "open_file", swapped)
    with pytest.raises(UserError, match="is a symbolic link"):
        import_model(str(path))


def test_an_allowed_link_that_is_turned_before_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The file that is allowed is the one that is opened, not what the link says by then."""
    save(tmp_path)
    (tmp_path / "blobs").mkdir()
    (tmp_path / "w.data").rename(tmp_path / "blobs/1")
    (tmp_path / "secret").write_bytes(OTHER)
    (tmp_path / "w.data").symlink_to("blobs/1")
    judged = rules.open_file

    def swapped(base: str, inside: str) -> int:
        (tmp_path / "w.data").unlink()
        (tmp_path / "w.data").symlink_to("secret")
        return judged(base, inside)

    monkeypatch.setattr(rules, "open_file", swapped)
    store = ExternalData(str(tmp_path), (str(tmp_path / "blobs"),))
    place = store.place("w", [("location", "w.data")], VALUES.nbytes)
    assert place.path == str(tmp_path / "blobs/1")
    assert b"".join(place.chunks()) == VALUES.tobytes()


def test_an_allowed_link_that_is_turned_while_it_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Wherever the link leads from one system call to the next: only what is allowed is opened."""
    (tmp_path / "model").mkdir()
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs/1").write_bytes(VALUES.tobytes())
    (tmp_path / "secret").write_bytes(OTHER)
    link = tmp_path / "model/w.data"
    link.symlink_to("../blobs/1")
    followed = os.path.realpath

    def turning(path: str) -> str:
        real = followed(path)
        if path == str(link):
            turned = "../secret" if "blobs" in os.readlink(link) else "../blobs/1"
            link.unlink()
            link.symlink_to(turned)
        return real

    monkeypatch.setattr(os.path, "realpath", turning)
    allowed = (str(tmp_path / "blobs"),)
    store = ExternalData(str(tmp_path / "model"), allowed)
    place = store.place("w", [("location", "w.data")], VALUES.nbytes)
    assert b"".join(place.chunks()) == VALUES.tobytes()
    with pytest.raises(UserError, match="is a symbolic link"):
        ExternalData(str(tmp_path / "model"), allowed).place("w", [("location", "w.data")], 8)


def test_no_step_leads_up(tmp_path: Path):
    (tmp_path / "sub/sub").mkdir(parents=True)
    (tmp_path / "w").write_bytes(b"x")
    os.close(open_file(str(tmp_path), "w"))
    for inside in ("../w", "sub/../../../w"):
        with pytest.raises(OSError, match="Invalid cross-device link"):
            open_file(str(tmp_path / "sub"), inside)


def test_a_checksum_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "w.data").write_bytes(VALUES.tobytes())
    digests: list[str] = []
    sha1 = hashlib.sha1

    def counted(*, usedforsecurity: bool) -> object:
        digests.append("sha1")
        return sha1(usedforsecurity=usedforsecurity)

    monkeypatch.setattr(hashlib, "sha1", counted)
    store = ExternalData(str(tmp_path))
    entries = [("location", "w.data"), ("checksum", sha1(VALUES.tobytes()).hexdigest())]
    for _ in range(3):
        store.place("w", entries, VALUES.nbytes)
    assert digests == ["sha1"]


def test_each_file_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "w.data").write_bytes(VALUES.tobytes())
    opened: list[str] = []
    judged = rules.open_file

    def counted(base: str, inside: str) -> int:
        opened.append(inside)
        return judged(base, inside)

    monkeypatch.setattr(rules, "open_file", counted)
    store = ExternalData(str(tmp_path))
    for location in ("w.data", "./w.data", "w.data"):
        store.place("w", [("location", location)], VALUES.nbytes)
    assert opened == ["w.data"]


def test_rule_19_a_file_that_may_not_be_read():
    folder = Path(mkdtemp(prefix="external-data-"))
    nobody = 65534
    try:
        folder.chmod(0o755)
        (folder / "w.data").write_bytes(bytes(8))
        (folder / "w.data").chmod(0)
        privileged = os.geteuid() == 0
        if privileged:
            os.seteuid(nobody)
        try:
            with pytest.raises(UserError, match="cannot be opened: Permission denied"):
                ExternalData(str(folder)).place("w", [("location", "w.data")], 8)
        finally:
            if privileged:
                os.seteuid(0)
    finally:
        shutil.rmtree(folder)
