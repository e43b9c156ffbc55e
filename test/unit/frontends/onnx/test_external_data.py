"""What external data may name, and what it must not: each row is a file layout and a verdict."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from compiler.errors import UserError
from compiler.frontends.onnx import ImportOptions, import_model
from dialects.onnx import GraphOp, InitializerOp
from dialects.weights import FileAttr

WEIGHT = np.arange(1024, dtype=np.float32)
SIZE = WEIGHT.nbytes


def external(location: str | None, **entries: object) -> TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1024])
    tensor.data_location = TensorProto.EXTERNAL
    if location is not None:
        tensor.external_data.add(key="location", value=location)
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def save(
    folder: Path, *initializers: TensorProto, nodes: list[onnx.NodeProto] | None = None
) -> str:
    graph = helper.make_graph(nodes or [], "g", [], [], list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return str(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with a weight file, and one more beside the folder."""
    inside = tmp_path / "model"
    (inside / "sub").mkdir(parents=True)
    for path in (inside / "w.bin", inside / "sub/w.bin", tmp_path / "w.bin", inside / "a..b"):
        path.write_bytes(WEIGHT.tobytes())
    return inside


def weight(path: str, **options: object) -> FileAttr:
    module = import_model(path, options=ImportOptions(**options))  # pyright: ignore[reportArgumentType]
    module.verify()
    graph = module.body.block.first_op
    assert isinstance(graph, GraphOp)
    value = graph.initializers["w"].value
    assert isinstance(value, FileAttr)
    return value


def read(value: FileAttr) -> bytes:
    with open(value.path.data, "rb") as file:
        file.seek(value.offset.data)
        return file.read(value.length.data)


@pytest.mark.parametrize("location", ["w.bin", "./w.bin", "sub/w.bin", "sub/../w.bin", "a..b"])
def test_locations_in_the_folder(folder: Path, location: str):
    assert read(weight(save(folder, external(location)))) == WEIGHT.tobytes()


def test_onnxs_own_writer_and_reader(tmp_path: Path):
    graph = helper.make_graph([], "g", [], [], [onnx.numpy_helper.from_array(WEIGHT, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    path = str(tmp_path / "m.onnx")
    onnx.save(  # pyright: ignore[reportUnknownMemberType]  # partial stubs
        model, path, save_as_external_data=True, location="w.data"
    )
    theirs = onnx.load(path)  # pyright: ignore[reportUnknownMemberType]  # partial stubs
    assert read(weight(path)) == theirs.graph.initializer[0].raw_data


def test_offset_and_length(folder: Path):
    (folder / "w.bin").write_bytes(bytes(64) + WEIGHT.tobytes() + bytes(5))
    value = weight(save(folder, external("w.bin", offset=64, length=SIZE)))
    assert (value.offset.data, value.length.data) == (64, SIZE)
    assert read(value) == WEIGHT.tobytes()


def test_an_offset_without_a_length(folder: Path):
    (folder / "w.bin").write_bytes(bytes(64) + WEIGHT.tobytes() + bytes(5))
    value = weight(save(folder, external("w.bin", offset=64)))
    assert (value.offset.data, value.length.data) == (64, SIZE)
    assert read(value) == WEIGHT.tobytes()


@pytest.mark.parametrize(
    ("location", "rule"),
    [
        ("../w.bin", "leads out of the model's folder"),
        ("sub/../../w.bin", "leads out of the model's folder"),
        ("a/b/../../../w.bin", "leads out of the model's folder"),
        ("..", "leads out of the model's folder"),
        ("/etc/passwd", "is absolute"),
        ("C:/w.bin", "is absolute"),
        ("..\\w.bin", "a character that no portable path has"),
        ("\\\\host\\w.bin", "a character that no portable path has"),
        ("w.bin\0x", "a character that no portable path has"),
        ("", "is empty"),
        (".", "is a folder, not a regular file"),
        ("sub/..", "is a folder, not a regular file"),
        ("sub/", "is a folder, not a regular file"),
        ("w.bin/", "is a folder, not a regular file"),
        ("sub", "is not a regular file"),
        ("w.bin/x", "goes through something that is no folder"),
        ("missing.bin", "cannot be opened: No such file or directory"),
        ("w" * 300, "cannot be opened: File name too long"),
    ],
)
def test_refused_locations(folder: Path, location: str, rule: str):
    with pytest.raises(UserError) as error:
        weight(save(folder, external(location)))
    assert str(error.value).startswith(
        f"{folder}/model.onnx: external data of tensor 'w': location"
    )
    assert rule in str(error.value)
    assert "\n" not in str(error.value)


def symlink(folder: Path) -> str:
    (folder / "link.bin").symlink_to(folder / "w.bin")
    return "link.bin"


def symlink_outside(folder: Path) -> str:
    (folder / "link.bin").symlink_to("../w.bin")
    return "link.bin"


def linked_folder(folder: Path) -> str:
    (folder / "linked").symlink_to(folder / "sub", target_is_directory=True)
    return "linked/w.bin"


def hard_link(folder: Path) -> str:
    os.link(folder / "w.bin", folder / "hard.bin")
    return "hard.bin"


def pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe")
    return "pipe"


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (symlink, "is a symbolic link"),
        (symlink_outside, "is a symbolic link"),
        (linked_folder, "goes through one"),
        (hard_link, "is a hard link"),
        (pipe, "is not a regular file"),
    ],
)
def test_refused_files(folder: Path, make: object, rule: str):
    location = make(folder)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]
    with pytest.raises(UserError, match=rule):
        weight(save(folder, external(location)))  # pyright: ignore[reportUnknownArgumentType]


@pytest.mark.parametrize(
    ("entries", "rule"),
    [
        ({"offset": "-1"}, "offset '-1' is not a decimal number"),
        ({"offset": "0x10"}, "is not a decimal number"),
        ({"offset": "1.5"}, "is not a decimal number"),
        ({"offset": " 4"}, "is not a decimal number"),
        ({"offset": ""}, "is not a decimal number"),
        ({"length": 2**63}, "is not a decimal number"),
        ({"length": "9" * 400}, "is not a decimal number"),
        ({"offset": SIZE + 1}, f"begins at {SIZE + 1}, but the file has {SIZE} bytes"),
        ({"offset": 4}, rf"4 \+ {SIZE} lies beyond the file, which has {SIZE} bytes"),
        ({"offset": 4, "length": SIZE}, "lies beyond the file"),
        ({"offset": 2**63 - 1, "length": 2}, "begins at"),
        ({"length": SIZE - 1}, f"has {SIZE - 1} bytes, its type and shape take {SIZE}"),
        ({"length": SIZE + 1}, "lies beyond the file"),
    ],
)
def test_refused_bounds(folder: Path, entries: dict[str, object], rule: str):
    with pytest.raises(UserError, match=rule):
        weight(save(folder, external("w.bin", **entries)))


def test_location_is_needed_once(folder: Path):
    with pytest.raises(UserError, match="names no location"):
        weight(save(folder, external(None)))
    with pytest.raises(UserError, match="names no location"):
        weight(save(folder, external(None, offset=0)))
    twice = external("w.bin")
    twice.external_data.add(key="location", value="w.bin")
    with pytest.raises(UserError, match="gives 'location' twice"):
        weight(save(folder, twice))


def test_unknown_keys_change_nothing(folder: Path):
    keys = {"__class__": "x", "basepath": "/etc", "path": "/etc/passwd", "size": 0}
    assert read(weight(save(folder, external("w.bin", **keys)))) == WEIGHT.tobytes()


def test_values_must_not_be_in_the_model_as_well(folder: Path):
    both = external("w.bin")
    both.raw_data = WEIGHT.tobytes()
    with pytest.raises(UserError, match="it has values in it as well"):
        weight(save(folder, both))
    both.ClearField("raw_data")
    both.float_data.extend(WEIGHT)
    with pytest.raises(UserError, match="it has values in it as well"):
        weight(save(folder, both))


def test_strings_cannot_be_external(folder: Path):
    strings = external("w.bin")
    strings.data_type = TensorProto.STRING
    with pytest.raises(UserError, match="strings cannot be external"):
        weight(save(folder, strings))


@pytest.mark.parametrize("dims", [[2**40, 2**40], [-1, 4]])
def test_impossible_shapes(folder: Path, dims: list[int]):
    huge = external("w.bin")
    huge.dims[:] = dims
    with pytest.raises(UserError, match=r"type and shape take|negative dimension"):
        weight(save(folder, huge))


@pytest.mark.parametrize("place", ["constant", "graph", "sparse values", "sparse indices"])
def test_the_rules_hold_wherever_a_tensor_is(folder: Path, place: str):
    bad = external("../w.bin")
    if place == "constant":
        nodes = [helper.make_node("Constant", [], ["c"], value=bad)]
    elif place == "graph":
        branch = helper.make_graph([], "b", [], [], [bad])
        nodes = [helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)]
    else:
        good = helper.make_tensor("i", TensorProto.INT64, [1], [0])
        parts = (bad, good) if place.endswith("values") else (good, bad)
        sparse = helper.make_sparse_tensor(*parts, [4])
        nodes = [helper.make_node("Constant", [], ["c"], sparse_value=sparse)]
    with pytest.raises(UserError, match="leads out of the model's folder"):
        import_model(save(folder, nodes=nodes))


def test_an_allowed_root_may_hold_linked_weights(folder: Path, tmp_path: Path):
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    (blobs / "f00").write_bytes(WEIGHT.tobytes())
    os.link(blobs / "f00", blobs / "f01")
    (folder / "link.bin").symlink_to("../blobs/f00")
    path = save(folder, external("link.bin"))
    with pytest.raises(UserError, match="is a symbolic link: copy it, or allow the folder"):
        weight(path)
    with pytest.raises(UserError, match="is a symbolic link"):
        weight(path, allow_roots=(str(folder / "sub"),))
    assert read(weight(path, allow_roots=(str(blobs),))) == WEIGHT.tobytes()


def test_an_allowed_root_frees_no_location(folder: Path, tmp_path: Path):
    path = save(folder, external("../w.bin"))
    with pytest.raises(UserError, match="leads out of the model's folder"):
        weight(path, allow_roots=(str(tmp_path),))


def test_another_folder(folder: Path, tmp_path: Path):
    path = save(folder, external("w.bin"))
    (folder / "w.bin").unlink()
    assert read(weight(path, external_data_dir=str(tmp_path))) == WEIGHT.tobytes()


def test_shape_inference_sees_small_tensors(folder: Path):
    """A shape that lies outside the model is known, and stays a reference."""
    (folder / "shape.bin").write_bytes(np.array([2, -1], np.int64).tobytes())
    shape = TensorProto(name="shape", data_type=TensorProto.INT64, dims=[2])
    shape.data_location = TensorProto.EXTERNAL
    shape.external_data.add(key="location", value="shape.bin")
    nodes = [helper.make_node("Reshape", ["w", "shape"], ["y"])]
    module = import_model(save(folder, external("w.bin"), shape, nodes=nodes))
    reshape = next(op for op in module.walk() if op.name == "onnx.Reshape")
    assert str(reshape.results[0].type) == "tensor<2x512xf32>"
    small = reshape.operands[1].owner
    assert isinstance(small, InitializerOp)
    assert str(small.value) == f'#weights.file<"{folder}/shape.bin", 0 + 16>'


def test_paths_are_relative_when_the_models_is(folder: Path, monkeypatch: pytest.MonkeyPatch):
    save(folder, external("sub/w.bin"))
    monkeypatch.chdir(folder)
    assert weight("model.onnx").path.data == "sub/w.bin"
    monkeypatch.chdir(folder.parent)
    assert weight("model/model.onnx").path.data == "model/sub/w.bin"
