"""Bytes go from file to file by the kernel, or by hand where it does not copy."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from compiler.errors import UserError
from compiler.om import copying
from compiler.om.buffers import Held, Joined, Zeros
from compiler.om.files import write_file
from compiler.weights import FileBytes, Version

DATA = os.urandom(3 << 20)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


def check(source: Path) -> None:
    parts = [Held(b"head"), FileBytes(str(source), 5, 2 << 20), Zeros(7), Held(b"tail")]
    target = source.with_name("target")
    write_file(target, Joined([Joined(parts), FileBytes(str(source), 0, 0)]))
    assert target.read_bytes() == b"head" + DATA[5 : 5 + (2 << 20)] + bytes(7) + b"tail"


def test_parts_of_a_file(source: Path) -> None:
    check(source)


@pytest.mark.parametrize("code", [errno.EXDEV, errno.ENOSYS, errno.EINVAL])
def test_where_the_kernel_does_not_copy(
    code: int, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: int) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    check(source)


def test_where_the_kernel_stops_half_way(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, calls = os.copy_file_range, iter([100, 200])

    def some(origin: int, target: int, count: int, offset: int) -> int:
        limit = next(calls, 0)
        return copy(origin, target, min(count, limit), offset) if limit else 0

    monkeypatch.setattr(os, "copy_file_range", some)
    check(source)
    monkeypatch.delattr(os, "copy_file_range")
    check(source)


def test_a_large_copy_can_be_interrupted(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "AT_ONCE", 1000)
    check(source)


def test_a_full_disk(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "copy_file_range", full)
    target = source.with_name("target")
    target.write_bytes(b"old")
    with pytest.raises(UserError, match="target: cannot be written: No space left on device"):
        write_file(target, FileBytes(str(source), 0, 9))
    assert target.read_bytes() == b"old" and len(list(source.parent.iterdir())) == 2


def test_a_source_that_changes_while_it_is_copied(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = os.copy_file_range

    def change(origin: int, target: int, count: int, offset: int) -> int:
        source.write_bytes(DATA[::-1])
        return copy(origin, target, count, offset)

    weight = FileBytes(str(source), 0, len(DATA), Version.of(source.stat()))
    monkeypatch.setattr(os, "copy_file_range", change)
    with pytest.raises(UserError, match="source has changed since it was read"):
        write_file(source.with_name("target"), weight)
    assert list(source.parent.iterdir()) == [source]
