"""Files and buffers as the bytes of an OM file."""

import mmap
from pathlib import Path

import pytest

from compiler.om.errors import OMError, Status
from compiler.om.source import map_source


def test_a_file_is_mapped(tmp_path: Path) -> None:
    (tmp_path / "x.om").write_bytes(b"abc")
    for path in (tmp_path / "x.om", str(tmp_path / "x.om")):
        data, name = map_source(path)
        assert data == b"abc" and name == str(tmp_path / "x.om")
        assert isinstance(data.obj, mmap.mmap) and data.readonly


def test_a_buffer_is_viewed() -> None:
    data, name = map_source(buffer := bytearray(b"abc"))
    buffer[0] = 0x7A
    assert data == b"zbc" and data.readonly and name == "buffer"
    assert map_source(memoryview(b"\1\0").cast("H"), "x.om") == (b"\1\0", "x.om")


def test_an_empty_file_has_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty.om").touch()
    assert map_source(tmp_path / "empty.om")[0] == b""


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("none.om", "none.om: No such file or directory"),
        ("", "not a regular file"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_what_cannot_be_read(name: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(OMError, match=what) as error:
        map_source(tmp_path / name)
    assert error.value.code == Status.MODEL_PATH_INVALID
