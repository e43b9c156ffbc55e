"""Files and buffers as the bytes of an OM file."""

import mmap
from pathlib import Path
from typing import Any

import pytest

from compiler.errors import UserError
from compiler.inspection.opened import open_om
from compiler.om.buffers import Held
from compiler.om.encode import encode_message
from compiler.om.errors import OMError, Status
from compiler.om.files import write_file
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.header import ModelFileHeader
from compiler.om.partitions import PartitionType
from compiler.om.source import map_file, map_source
from compiler.om.writer import Partition, lay_out_file


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


def test_a_view_is_found_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.om").write_bytes(bytes(range(100)))
    file = map_file(str(tmp_path / "x.om"))
    found = file.range(file.view[20:80][5:15])
    assert (found.path, found.offset, found.length) == (str(tmp_path / "x.om"), 25, 10)
    assert found.view() == bytes(range(25, 35))
    assert file.range(file.view[5:5]).length == 0


def test_a_file_that_is_replaced_while_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was mapped is the version, not what is at the path when the mapping is there."""
    model = ModelDef(name="m")
    bodies = {PartitionType.MODEL_DEF: encode_message(model), PartitionType.WEIGHTS_DATA: bytes(8)}
    partitions = [Partition(kind, Held(body)) for kind, body in bodies.items()]
    path, other = tmp_path / "m.om", tmp_path / "other.om"
    for file in (path, other):
        write_file(file, lay_out_file(ModelFileHeader(), [partitions]))
    map_ = mmap.mmap

    def replaced(*args: Any, **options: Any) -> mmap.mmap:
        found = map_(*args, **options)
        other.replace(path)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(mmap, "mmap", replaced)
        file = open_om(str(path))
    [table] = file.tables(file.parts[0])
    with pytest.raises(UserError, match="has changed since it was read"):
        table.file_bytes(1).view()
