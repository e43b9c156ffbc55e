# pyright: reportUnknownMemberType=false
"""The rules of external data, each for every kind of tensor a model can hold.

Source of the rules: onnx's docs/ExternalDataSecurity.md, its CVEs, and what its checker leaves out.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from compiler.errors import UserError
from compiler.frontends.onnx import import_model
from compiler.sources import source_files

BYTES = np.arange(1024, dtype=np.float32).tobytes()
SIZE = len(BYTES)
Entries = list[tuple[str, str]]
Make = Callable[[TensorProto], onnx.ModelProto]


def tensor(entries: Entries, *, dims: list[int] | None = None) -> TensorProto:
    """The tensor 'w' of SIZE bytes, which lie where the entries say."""
    made = TensorProto(name="w", data_type=TensorProto.INT64, dims=dims or [SIZE // 8])
    made.data_location = TensorProto.EXTERNAL
    for key, value in entries:
        made.external_data.add(key=key, value=value)
    return made


def model(
    nodes: list[onnx.NodeProto],
    initializers: list[TensorProto] | None = None,
    functions: list[onnx.FunctionProto] | None = None,
) -> onnx.ModelProto:
    condition = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    graph = helper.make_graph(nodes, "g", [condition], [], initializers or [])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    return helper.make_model(graph, functions=functions or [], opset_imports=opsets)


def initializer(made: TensorProto) -> onnx.ModelProto:
    return model([], [made])


def constant(made: TensorProto) -> onnx.ModelProto:
    return model([helper.make_node("Constant", [], ["y"], value=made)])


def nested_graph(made: TensorProto) -> onnx.ModelProto:
    output = helper.make_tensor_value_info("w", made.data_type, list(made.dims))
    branch = helper.make_graph([], "b", [], [output], [made])
    return model([helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)])


def function(made: TensorProto) -> onnx.ModelProto:
    body = helper.make_node("Constant", [], ["o"], value=made)
    opsets = [helper.make_opsetid("", 17)]
    called = helper.make_function("local", "f", [], ["o"], [body], opsets)
    return model([helper.make_node("f", [], ["y"], domain="local")], functions=[called])


def sparse_constant(values: TensorProto, indices: TensorProto) -> onnx.ModelProto:
    sparse = helper.make_sparse_tensor(values, indices, [1 << 20])
    return model([helper.make_node("Constant", [], ["y"], sparse_value=sparse)])


def inline(name: str) -> TensorProto:
    return onnx.numpy_helper.from_array(np.arange(SIZE // 8), name)


def sparse_values(made: TensorProto) -> onnx.ModelProto:
    return sparse_constant(made, inline("indices"))


def sparse_indices(made: TensorProto) -> onnx.ModelProto:
    return sparse_constant(inline("values"), made)


def sparse_initializer(made: TensorProto) -> onnx.ModelProto:
    whole = model([])
    sparse = helper.make_sparse_tensor(made, inline("indices"), [1 << 20])
    whole.graph.sparse_initializer.append(sparse)
    return whole


KINDS = [
    initializer,
    constant,
    nested_graph,
    function,
    sparse_values,
    sparse_indices,
    sparse_initializer,
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder with weight files of SIZE bytes, and one more beside the folder."""
    inside = tmp_path / "model"
    (inside / "sub").mkdir(parents=True)
    for name in ("w.bin", "sub/w.bin", "a..b", "w w.bin", "重み.bin", "#w", "../w.bin"):
        (inside / name).write_bytes(BYTES)
    return inside


def save(folder: Path, made: onnx.ModelProto) -> str:
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    return str(path)


def refusal(folder: Path, made: onnx.ModelProto) -> str:
    """The error of a model that is refused: one line that names the tensor."""
    with pytest.raises(UserError) as error:
        import_model(save(folder, made))
    text = str(error.value)
    assert text.startswith(f"{folder}/model.onnx: external data of tensor 'w':")
    assert "\n" not in text
    return text


def symlink(folder: Path) -> str:
    (folder / "link").symlink_to("w.bin")
    return "link"


def symlink_outside(folder: Path) -> str:
    (folder / "link").symlink_to("../w.bin")
    return "link"


def dangling_symlink(folder: Path) -> str:
    (folder / "link").symlink_to("nowhere")
    return "link"


def linked_folder(folder: Path) -> str:
    (folder / "linked").symlink_to("sub", target_is_directory=True)
    return "linked/w.bin"


def linked_folder_outside(folder: Path) -> str:
    (folder / "linked").symlink_to("..", target_is_directory=True)
    return "linked/w.bin"


def link_deeper(folder: Path) -> str:
    (folder / "sub/linked").symlink_to("/etc", target_is_directory=True)
    return "sub/linked/passwd"


def hard_link(folder: Path) -> str:
    os.link(folder / "w.bin", folder / "hard")
    return "hard"


def pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe")
    return "pipe"


def bound_socket(folder: Path) -> str:
    where = os.getcwd()
    os.chdir(folder)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("socket")
    finally:
        os.chdir(where)
    return "socket"


def device(folder: Path) -> str:
    try:
        os.mknod(folder / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        os.close(os.open(folder / "zero", os.O_RDONLY))
    except OSError:
        pytest.skip("devices cannot be made here")
    return "zero"


BAD_CHARACTER = "holds a character that no portable path has"
OUT = "leads out of the model's folder"
ABSOLUTE = "is absolute, it must be relative to the model's folder"
IS_FOLDER = "is a folder, not a regular file"
LINK = "is a symbolic link, or goes through one: copy the file, or allow the folder"
IRREGULAR = "is not a regular file"
LOCATIONS: list[tuple[int, str | Callable[[Path], str], str]] = [
    (1, "../w.bin", OUT),
    (1, "sub/../../w.bin", OUT),
    (1, "a/b/../../../w.bin", OUT),
    (1, "./../w.bin", OUT),
    (1, "..", OUT),
    (1, "sub/..", IS_FOLDER),
    (2, "/etc/passwd", ABSOLUTE),
    (2, "//etc/passwd", ABSOLUTE),
    (2, "C:\\x", BAD_CHARACTER),
    (2, "C:/x", ABSOLUTE),
    (2, "c:x", ABSOLUTE),
    (2, "\\\\host\\x", BAD_CHARACTER),
    (3, "..\\w.bin", BAD_CHARACTER),
    (4, "", "is empty"),
    (4, ".", IS_FOLDER),
    (4, "sub/", IS_FOLDER),
    (4, "w.bin/", IS_FOLDER),
    (4, "w.bin/.", IS_FOLDER),
    (6, "w.bin\0x", BAD_CHARACTER),
    (6, "\0", BAD_CHARACTER),
    (7, symlink, LINK),
    (7, symlink_outside, LINK),
    (7, dangling_symlink, LINK),
    (8, linked_folder, LINK),
    (8, linked_folder_outside, LINK),
    (8, link_deeper, LINK),
    (9, hard_link, "is a hard link, one of 2 names of the file: copy the file, or allow"),
    (10, "sub", IRREGULAR),
    (10, pipe, IRREGULAR),
    (10, bound_socket, IRREGULAR),
    (10, device, IRREGULAR),
    (19, "missing", "cannot be opened: No such file or directory"),
    (19, "w.bin/x", "goes through something that is no folder"),
    (19, "w" * 300, "cannot be opened: File name too long"),
]
"""Rule, location or what makes one, and how the error tells it."""


@each_kind
@pytest.mark.parametrize(
    ("rule", "location", "told"),
    LOCATIONS,
    ids=[f"{row[0]}-{getattr(row[1], '__name__', repr(row[1])[:20])}" for row in LOCATIONS],
)
def test_locations(
    rule: int, location: str | Callable[[Path], str], told: str, kind: Make, folder: Path
):
    named = location if isinstance(location, str) else location(folder)
    text = refusal(folder, kind(tensor([("location", named)])))
    assert f" location {named[:200]!r} " in text
    assert told in text
    if named and "\0" not in named:  # where it leads
        assert f"({os.path.realpath(folder / named)!r})" in text


NOT_A_NUMBER = "is not a decimal number of bytes"
ENTRIES: list[tuple[int, dict[str, str], str]] = [
    (11, {"offset": "-1"}, f"offset '-1' {NOT_A_NUMBER}"),
    (11, {"offset": "+1"}, NOT_A_NUMBER),
    (11, {"offset": "0x10"}, NOT_A_NUMBER),
    (11, {"offset": "1.5"}, NOT_A_NUMBER),
    (11, {"offset": "1e3"}, NOT_A_NUMBER),
    (11, {"offset": "1_0"}, NOT_A_NUMBER),
    (11, {"offset": " 4"}, NOT_A_NUMBER),
    (11, {"offset": "4\n"}, NOT_A_NUMBER),
    (11, {"offset": "४"}, NOT_A_NUMBER),
    (11, {"offset": ""}, NOT_A_NUMBER),
    (11, {"length": str(2**63)}, f"length '{2**63}' {NOT_A_NUMBER}"),
    (11, {"length": "9" * 400}, NOT_A_NUMBER),
    (12, {"offset": str(SIZE + 1)}, f"begins at {SIZE + 1}, but the file has {SIZE} bytes"),
    (12, {"offset": "8"}, f"8 + {SIZE} lies beyond the file, which has {SIZE} bytes"),
    (12, {"offset": "8", "length": str(SIZE)}, "lies beyond the file"),
    (12, {"length": str(SIZE + 8)}, "lies beyond the file"),
    (12, {"offset": str(2**63 - 8), "length": "16"}, "begins at"),
    (12, {"offset": "8", "length": str(2**63 - 1)}, "lies beyond the file"),
    (13, {"length": str(SIZE - 8)}, f"has {SIZE - 8} bytes, its type and shape take {SIZE}"),
    (13, {"length": "0"}, f"has 0 bytes, its type and shape take {SIZE}"),
    (15, {"checksum": "0" * 40}, "has the SHA-1 checksum "),
    (15, {"checksum": "0" * 39}, "is no SHA-1 digest (40 hexadecimal digits)"),
    (15, {"checksum": ""}, "is no SHA-1 digest"),
]


@each_kind
@pytest.mark.parametrize(
    ("rule", "entries", "told"),
    ENTRIES,
    ids=[f"{row[0]}-{'-'.join(row[1].values())[:20]!r}" for row in ENTRIES],
)
def test_entries(rule: int, entries: dict[str, str], told: str, kind: Make, folder: Path):
    text = refusal(folder, kind(tensor([("location", "w.bin"), *entries.items()])))
    assert f" location 'w.bin' ('{folder}/w.bin') " in text
    assert told in text


@each_kind
@pytest.mark.parametrize("entries", [[], [("offset", "0")], [("Location", "w.bin")]])
def test_rule_5_a_location_is_needed(entries: Entries, kind: Make, folder: Path):
    assert "names no location" in refusal(folder, kind(tensor(entries)))


@each_kind
@pytest.mark.parametrize("key", ["location", "offset", "length", "checksum"])
def test_no_key_is_given_twice(key: str, kind: Make, folder: Path):
    entries = [("location", "w.bin"), (key, "0"), (key, "0")]
    assert f"gives '{key}' twice" in refusal(folder, kind(tensor(entries)))


@each_kind
def test_rule_13_more_bytes_than_the_tensor_takes(kind: Make, folder: Path):
    whole = [("location", "w.bin"), ("length", str(SIZE))]
    text = refusal(folder, kind(tensor(whole, dims=[SIZE // 8 - 1])))
    assert f"has {SIZE} bytes, its type and shape take {SIZE - 8}" in text


@each_kind
@pytest.mark.parametrize("length", [[], [("length", str(SIZE))], [("length", "0")]])
def test_rule_14_dimensions_beyond_64_bits(length: Entries, kind: Make, folder: Path):
    entries = [("location", "w.bin"), *length]
    text = refusal(folder, kind(tensor(entries, dims=[2**32, 2**32])))
    assert f"its type and shape take {2**67}" in text


HOSTILE_KEYS = ["__class__", "__dict__", "basepath", "path", "folder", "size", "Location", ""]


@each_kind
def test_rule_15_unknown_keys_mean_nothing(kind: Make, folder: Path):
    unknown = [(key, "/etc/passwd") for key in HOSTILE_KEYS]
    many = [(f"key{index}", "x") for index in range(5000)]
    entries = [*unknown, ("location", "w.bin"), *many]
    module = import_model(save(folder, kind(tensor(entries))))
    assert f'"{folder}/w.bin", 0 + {SIZE}>' in str(module)


@each_kind
@pytest.mark.parametrize("values", ["raw_data", "int64_data", "large"])
def test_rule_16_values_in_the_model_as_well(values: str, kind: Make, folder: Path):
    both = tensor([("location", "w.bin")])
    if values == "int64_data":
        both.int64_data.extend(range(SIZE // 8))
    else:
        both.raw_data = BYTES if values == "large" else b""
    assert "it has values in it as well" in refusal(folder, kind(both))


@each_kind
def test_rule_17_strings_cannot_be_external(kind: Make, folder: Path):
    strings = tensor([("location", "w.bin")])
    strings.data_type = TensorProto.STRING
    assert "strings cannot be external" in refusal(folder, kind(strings))


ACCEPTED = ["w.bin", "./w.bin", "sub/w.bin", "sub/../w.bin", "a..b", "w w.bin", "重み.bin", "#w"]


@each_kind
@pytest.mark.parametrize("location", ACCEPTED)
def test_accepted_locations(location: str, kind: Make, folder: Path):
    module = import_model(save(folder, kind(tensor([("location", location)]))))
    assert os.path.normpath(folder / location) in source_files(module)
