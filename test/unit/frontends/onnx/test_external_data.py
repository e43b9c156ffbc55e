"""Where external data is looked for: folders, links that are allowed, offsets, checksums."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

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


def test_location_is_needed_once(folder: Path):
    with pytest.raises(UserError, match="names no location"):
        weight(save(folder, external(None)))
    with pytest.raises(UserError, match="names no location"):
        weight(save(folder, external(None, offset=0)))
    twice = external("w.bin")
    twice.external_data.add(key="location", value="w.bin")
    with pytest.raises(UserError, match="gives 'location' twice"):
        weight(save(folder, twice))


def test_an_allowed_root_may_hold_linked_weights(folder: Path, tmp_path: Path):
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    (blobs / "f00").write_bytes(WEIGHT.tobytes())
    os.link(blobs / "f00", blobs / "f01")
    (folder / "link.bin").symlink_to("../blobs/f00")
    path = save(folder, external("link.bin"))
    with pytest.raises(UserError, match=r"blobs/f00.\) is a symbolic link.* allow the folder"):
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


DTYPES = sorted(set(TensorProto.DataType.values()) - {TensorProto.UNDEFINED, TensorProto.STRING})


@pytest.mark.parametrize("dtype", DTYPES, ids=TensorProto.DataType.Name)
def test_every_type_at_an_odd_offset(dtype: int, folder: Path):
    """Three elements, which do not fill a whole byte of the smaller types."""
    values = numpy_helper.to_array(helper.make_tensor("w", dtype, [3], [1, 0, 1]))
    raw = numpy_helper.from_array(values).raw_data
    (folder / "w.bin").write_bytes(b"odd" + raw + b"!")
    tensor = external("w.bin", offset=3, length=len(raw))
    tensor.data_type = dtype
    tensor.dims[:] = [3]
    path = save(folder, tensor)
    assert read(weight(path)) == raw
    theirs = onnx.load(path).graph.initializer[0]  # pyright: ignore[reportUnknownMemberType]
    assert theirs.raw_data == raw


def test_ranges_may_overlap_leave_gaps_and_come_in_any_order(folder: Path):
    ranges = {"a": (2048, 512), "b": (0, 256), "c": (512, 512), "d": (512, 512), "e": (SIZE, 0)}
    tensors: list[TensorProto] = []
    for name, (offset, count) in ranges.items():
        tensor = external("w.bin", offset=offset, length=4 * count)
        tensor.name = name
        tensor.dims[:] = [count]
        tensors.append(tensor)
    graph = import_model(save(folder, *tensors)).body.block.first_op
    assert isinstance(graph, GraphOp)
    for name, (offset, count) in ranges.items():
        value = graph.initializers[name].value
        assert isinstance(value, FileAttr)
        assert read(value) == WEIGHT.tobytes()[offset : offset + 4 * count]


def test_what_is_for_training_is_not_looked_for(folder: Path):
    path = save(folder, external("w.bin"))
    model = onnx.load(path, load_external_data=False)  # pyright: ignore[reportUnknownMemberType]
    model.training_info.add().initialization.initializer.append(external("missing"))
    Path(path).write_bytes(model.SerializeToString())
    assert read(weight(path)) == WEIGHT.tobytes()


def test_a_right_checksum(folder: Path):
    digest = hashlib.sha1(WEIGHT.tobytes()).hexdigest()
    for text in (digest, digest.upper()):
        assert read(weight(save(folder, external("w.bin", checksum=text)))) == WEIGHT.tobytes()


def test_a_checksum_is_of_the_whole_file(folder: Path):
    (folder / "w.bin").write_bytes(bytes(64) + WEIGHT.tobytes() + bytes(5))
    whole = hashlib.sha1((folder / "w.bin").read_bytes()).hexdigest()
    entries = {"offset": 64, "length": SIZE}
    assert weight(save(folder, external("w.bin", **entries, checksum=whole))).offset.data == 64
    part = hashlib.sha1(WEIGHT.tobytes()).hexdigest()
    with pytest.raises(UserError, match=f"checksum {whole}, the model says {part}"):
        weight(save(folder, external("w.bin", **entries, checksum=part)))


def test_names_do_not_reach_the_terminal_as_they_are(folder: Path):
    tensor = external("../w.bin")
    tensor.name = "\x1b[31mred\x07"
    with pytest.raises(UserError) as error:
        weight(save(folder, tensor))
    assert str(error.value).isprintable()
    assert r"tensor '\x1b[31mred\x07'" in str(error.value)
