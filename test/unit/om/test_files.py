"""Files appear whole or not at all."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compiler.om.buffers import Blob, Buffer, Held, Joined, Zeros
from compiler.om.errors import OMError, Status
from compiler.om.files import rewriting, write_file, write_files


@dataclass
class Lying:
    """Gives other bytes than it announces, or fails on the way."""

    length: int
    given: bytes = b""
    error: BaseException | None = None

    def chunks(self) -> Iterator[Buffer]:
        yield self.given
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0, 0o666)])
def test_bytes_mode_and_nothing_else(umask: int, mode: int, tmp_path: Path) -> None:
    path = tmp_path / "x.om"
    previous = os.umask(umask)
    try:
        write_file(path, Joined([Held(b"ab"), Zeros(3), Held(memoryview(b"cd"))]))
    finally:
        os.umask(previous)
    assert path.read_bytes() == b"ab\0\0\0cd"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.om"
    path.write_bytes(b"a much longer file than the next")
    path.chmod(0o444)
    write_file(path, Held(b"new"))
    assert path.read_bytes() == b"new"


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    other, link = tmp_path / "other", tmp_path / "x.om"
    other.write_bytes(b"precious")
    link.symlink_to(other)
    write_file(link, Held(b"new"))
    assert other.read_bytes() == b"precious"
    assert not link.is_symlink() and link.read_bytes() == b"new"


@pytest.mark.parametrize(
    ("blob", "error", "what"),
    [
        (Lying(3, b"ab"), OMError, "Lying announced 3 bytes and gave 2"),
        (Lying(1, b"ab"), OMError, "Lying announced 1 bytes and gave more"),
        (Joined([Lying(3, b"ab"), Held(b"c")]), OMError, "Lying announced 3 bytes and gave 2"),
        (Lying(2, b"ab", OSError("the weights' own failure")), OSError, "own failure"),
        (Lying(2, b"ab", KeyboardInterrupt("stop")), KeyboardInterrupt, "stop"),
    ],
)
def test_a_failure_leaves_what_was_there(
    blob: Blob, error: type[BaseException], what: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.om"
    path.write_bytes(b"old")
    with pytest.raises(error, match=what):
        write_file(path, blob)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path, what in (("none/x.om", "No such file or directory"), ("folder", "Is a directory")):
        with pytest.raises(OMError, match=f"{path}: cannot be written: {what}") as error:
            write_file(tmp_path / path, Held(b"new"))
        assert error.value.code == Status.FAILED
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder"]


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OMError, match="pipe: cannot be written: a device or a pipe is there"):
        write_file(tmp_path / "pipe", Held(b"new"))
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert len(list(tmp_path.iterdir())) == 1


def test_no_folder_below_the_base_is_entered_through_a_link(tmp_path: Path) -> None:
    """Of the base itself it does not matter: whoever runs the program named it."""
    (tmp_path / "real/sub").mkdir(parents=True)
    (tmp_path / "base").symlink_to("real")
    (tmp_path / "real/linked").symlink_to("sub")
    base = tmp_path / "base"
    write_files([(base / "sub/x", Held(b"new")), (base / "y", Held(b"new"))], base=base)
    assert (tmp_path / "real/sub/x").read_bytes() == b"new"
    with pytest.raises(OMError, match=r"linked/x: cannot be written: .*linked is a symbolic link"):
        write_files([(base / "y", Held(b"newer")), (base / "linked/x", Held(b"new"))], base=base)
    assert (tmp_path / "real/y").read_bytes() == b"new"


def test_nothing_is_overwritten_unless_it_may(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    second.symlink_to("nowhere")
    with pytest.raises(OMError, match="b: cannot be written: File exists"):
        write_files([(first, Held(b"a")), (second, Held(b"b"))], overwrite=False)
    assert list(tmp_path.iterdir()) == [second] and second.is_symlink()
    second.unlink()
    write_files([(first, Held(b"a")), (second, Held(b"b"))], overwrite=False)
    assert (first.read_bytes(), second.read_bytes()) == (b"a", b"b")


def test_a_name_of_full_length(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 252 + ".om")
    write_file(path, Held(b"new"))
    assert path.read_bytes() == b"new"


def test_several_files_appear_together(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"old")
    with pytest.raises(OSError, match="half way"):
        write_files([(first, Held(b"new")), (second, Lying(2, b"a", OSError("half way")))])
    assert first.read_bytes() == b"old" and list(tmp_path.iterdir()) == [first]
    second.mkdir()
    with pytest.raises(OMError, match="Is a directory"):
        write_files([(first, Held(b"new")), (second, Held(b"new"))])
    assert first.read_bytes() == b"old" and sorted(tmp_path.iterdir()) == [first, second]


def test_text_is_there_at_the_end_or_not_at_all(tmp_path: Path) -> None:
    target, link = tmp_path / "x.mlir", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    with pytest.raises(KeyboardInterrupt), rewriting(str(link)) as stream:
        stream.write("new")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    with rewriting(str(link)) as stream:
        stream.write("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new" and link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, target]


def test_text_for_a_device_or_a_pipe() -> None:
    with rewriting(os.devnull) as stream:
        stream.write("new")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    reader, writer = os.pipe()
    with rewriting(f"/dev/fd/{writer}") as stream:
        stream.write("new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    os.close(writer)
