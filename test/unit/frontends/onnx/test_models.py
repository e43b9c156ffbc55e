# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
"""Loading, converting and saving models without their weights, against onnx's own functions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper, helper, model_container, numpy_helper
from xdsl.ir import Attribute, ParametrizedAttribute

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.frontends.onnx import import_model
from compiler.frontends.onnx.models import (
    SlimModel,
    convert_model_from_external_data,
    convert_model_to_external_data,
    load_external_data_for_model,
    load_model,
    save_model,
)
from compiler.frontends.onnx.walk import tensors_of
from dialects.weights import FileAttr

LIGHT = sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("*.onnx"))


def array(name: str, count: int, dtype: Any = np.float32) -> TensorProto:
    return numpy_helper.from_array((np.arange(count) % 99).astype(dtype), name)


def normal(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its numbers as raw data, and a location only where it is not the default."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    for tensor in tensors_of(copy):
        if tensor.data_location == TensorProto.DEFAULT:
            tensor.ClearField("data_location")
        if tensor.int64_data:
            tensor.raw_data = numpy_helper.to_array(tensor).tobytes()
            tensor.ClearField("int64_data")
    return copy


def external_names(path: Path) -> set[str]:
    """The names of the tensors that lie outside a model."""
    model = onnx.load(path, load_external_data=False)
    return {t.name for t in tensors_of(model) if t.data_location == TensorProto.EXTERNAL}


def files(folder: Path) -> dict[str, int]:
    """The size of every file below a folder."""
    found = (path for path in folder.rglob("*") if not path.is_dir())
    return {str(path.relative_to(folder)): path.stat().st_size for path in found}


WAYS: list[dict[str, Any]] = [
    {},
    {"location": "w.data"},
    {"location": "sub/w.data"},
    {"location": "./sub/../w w.data"},
    {"location": "重み"},
    {"all_tensors_to_one_file": False},
    {"convert_attribute": True},
    {"size_threshold": 0},
    {"size_threshold": 0, "convert_attribute": True, "all_tensors_to_one_file": False},
    {"size_threshold": 10**9},
]


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_onnx_loads_what_we_save(options: dict[str, Any], source: Path, out: Path):
    (out / "sub").mkdir()
    original = normal(onnx.load(source))
    saved = out / "s.onnx"
    save_model(load_model(source), saved, save_as_external_data=True, **options)
    assert normal(onnx.load(saved)) == original
    onnx.checker.check_model(saved, full_check=False)
    save_model(load_model(saved), out / "whole.onnx")
    assert normal(onnx.load(out / "whole.onnx")) == original
    assert not external_names(out / "whole.onnx")


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_we_load_what_onnx_saves(
    options: dict[str, Any], source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
):
    (out / "sub").mkdir()
    saved = out / "s.onnx"
    onnx.save(onnx.load(source), saved, save_as_external_data=True, **options)
    monkeypatch.chdir(source.parent)
    save_model(load_model(saved), out / "whole.onnx")
    assert normal(onnx.load(out / "whole.onnx")) == normal(onnx.load(source))


def test_we_load_what_onnx_appends(source: Path, out: Path):
    (out / "old.data").write_bytes(b"old bytes")
    onnx.save(onnx.load(source), out / "s.onnx", save_as_external_data=True, location="old.data")
    offset = onnx.load(out / "s.onnx", load_external_data=False).graph.initializer[0]
    assert [entry.value for entry in offset.external_data][1] == "9"
    save_model(load_model(out / "s.onnx"), out / "whole.onnx")
    assert normal(onnx.load(out / "whole.onnx")) == normal(onnx.load(source))


@pytest.mark.parametrize("one_file", [True, False])
def test_we_load_what_a_container_saves(one_file: bool, out: Path):
    weight = np.random.default_rng(0).random(2000, np.float32)
    tensor = model_container.make_large_tensor_proto("#w", "w", TensorProto.FLOAT, (2000,))
    proto = helper.make_model(helper.make_graph([], "g", [], [], [tensor]))
    container = model_container.make_large_model(proto.graph, {"#w": weight})
    container.save(str(out / "c.onnx"), all_tensors_to_one_file=one_file)
    save_model(load_model(out / "c.onnx"), out / "whole.onnx")
    (loaded,) = onnx.load(out / "whole.onnx").graph.initializer
    assert (numpy_helper.to_array(loaded) == weight).all()


@pytest.mark.parametrize("path", LIGHT, ids=lambda path: path.stem)
def test_models_survive_unchanged(path: Path, out: Path):
    save_model(load_model(path), out / "m.onnx")
    assert onnx.load(out / "m.onnx") == onnx.load(path)


def test_which_tensors_become_external(source: Path, out: Path):
    model = load_model(source)
    rows: list[tuple[dict[str, Any], set[str]]] = [
        ({}, {"w", "nested", "half", "typed"}),
        ({"convert_attribute": True}, {"k", "", "in a function"}),
        ({"size_threshold": 0}, {"scalar", "shape"}),
    ]
    expected: set[str] = set()
    for number, (options, more) in enumerate(rows):
        path = out / f"{number}.onnx"
        save_model(model, path, save_as_external_data=True, **options)
        expected = rows[0][1] | more
        assert external_names(path) == expected


@pytest.mark.parametrize(("count", "is_external"), [(1023, False), (1024, True)])
def test_the_threshold_counts_bytes_of_data(count: int, is_external: bool, out: Path):
    """onnx puts 991 bytes of raw data outside: it counts what the Python object takes."""
    proto = helper.make_model(helper.make_graph([], "g", [], [], [array("w", count, np.uint8)]))
    onnx.save(proto, out / "m.onnx")
    save_model(load_model(out / "m.onnx"), out / "s.onnx", save_as_external_data=True)
    assert external_names(out / "s.onnx") == ({"w"} if is_external else set())


def test_the_steps_of_onnxs_documentation(source: Path, out: Path):
    model = load_model(source)
    convert_model_to_external_data(
        model,
        all_tensors_to_one_file=True,
        location="filename",
        size_threshold=1024,
        convert_attribute=False,
    )
    save_model(model, out / "m.onnx")
    assert set(files(out)) == {"m.onnx", "filename"}
    moved = out.parent / "data"
    moved.mkdir()
    (out / "filename").rename(moved / "filename")

    late = load_model(out / "m.onnx", load_external_data=False)
    load_external_data_for_model(late, moved)
    at_once = load_model(out / "m.onnx", external_data_dir=moved)
    for number, again in enumerate((late, at_once)):
        save_model(again, out / f"{number}.onnx")
        assert normal(onnx.load(out / f"{number}.onnx")) == normal(onnx.load(source))
    convert_model_from_external_data(model)
    save_model(model, out / "whole.onnx")
    assert normal(onnx.load(out / "whole.onnx")) == normal(onnx.load(source))


def test_saving_does_not_change_the_model(source: Path, out: Path):
    model = load_model(source)
    before = model.proto.SerializeToString()
    save_model(model, out / "a.onnx", save_as_external_data=True, size_threshold=0)
    assert model.proto.SerializeToString() == before
    save_model(model, out / "b.onnx")
    assert normal(onnx.load(out / "b.onnx")) == normal(onnx.load(source))


def test_tensors_begin_at_pages_and_shared_bytes_stay_shared(out: Path):
    tied = array("a", 1500)
    twin = TensorProto.FromString(tied.SerializeToString())
    twin.name = "b"
    onnx.save(
        helper.make_model(helper.make_graph([], "g", [], [], [tied, array("c", 300), twin])),
        out / "m.onnx",
    )
    save_model(load_model(out / "m.onnx"), out / "1.onnx", save_as_external_data=True)
    proto = onnx.load(out / "1.onnx", load_external_data=False)
    a, c, b = proto.graph.initializer
    assert entries(a) == {"location": "1.onnx.data", "offset": "0", "length": "6000"}
    assert entries(c)["offset"] == "8192" and entries(b)["offset"] == "12288"
    b.external_data[1].value = "0"  # now b is a
    (out / "2.onnx").write_bytes(proto.SerializeToString())
    save_model(load_model(out / "2.onnx"), out / "3.onnx", save_as_external_data=True, location="d")
    a, c, b = onnx.load(out / "3.onnx", load_external_data=False).graph.initializer
    assert entries(a) == entries(b)
    assert files(out)["d"] == 8192 + 1200


def entries(tensor: TensorProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}


HOSTILE_NAMES = [
    *("..", ".", "/etc/passwd", "../x", "a/b", "a:b", "A", "a", "a\\b", "#x", "n\nl", "x" * 300),
    *("é", "CON", " ", "a\0b", "...", "b", "B", "b", "b_2", "B_2"),
]


def test_one_file_per_tensor_whatever_its_name(out: Path):
    tensors = [array(name, 300) for name in HOSTILE_NAMES]
    onnx.save(helper.make_model(helper.make_graph([], "g", [], [], tensors)), out / "m.onnx")
    folder = out / "in"
    folder.mkdir()
    options: dict[str, Any] = {"save_as_external_data": True, "all_tensors_to_one_file": False}
    save_model(load_model(out / "m.onnx"), folder / "m.onnx", **options)
    assert set(files(out)) == {"m.onnx", *(f"in/{name}" for name in files(folder))}
    assert len({name.casefold() for name in files(folder)}) == len(HOSTILE_NAMES) + 1
    assert normal(onnx.load(folder / "m.onnx")) == normal(onnx.load(out / "m.onnx"))


@pytest.mark.parametrize(
    ("location", "rule"),
    [
        ("../x", "leads out"),
        ("/x", "is absolute"),
        ("", "is empty"),
        (".", "is a folder"),
        ("a\\b", "no portable path"),
        ("a..b", "has '..' in it"),
        ("a\0b", "no portable path"),
    ],
)
def test_locations_that_nobody_would_read(location: str, rule: str, source: Path, out: Path):
    with pytest.raises(UserError, match=rule):
        convert_model_to_external_data(load_model(source), location=location)
    with pytest.raises(UserError, match=rule):
        save_model(
            load_model(source), out / "m.onnx", save_as_external_data=True, location=location
        )
    assert not files(out)


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


@pytest.mark.parametrize("taken", ["m.onnx", "w.data"])
def test_nothing_is_overwritten_silently(taken: str, source: Path, out: Path):
    (out / taken).write_bytes(b"precious")
    for _ in range(2):
        with pytest.raises(UserError, match=f"{taken} exists already: overwrite=True"):
            saved_with(load_model(source), out / "m.onnx")
        assert content(out) == {taken: b"precious"}
        (out / taken).unlink()
        (out / taken).symlink_to("nowhere")
        with pytest.raises(UserError, match="exists already"):
            saved_with(load_model(source), out / "m.onnx")
        (out / taken).unlink()
        (out / taken).write_bytes(b"precious")
    saved_with(load_model(source), out / "m.onnx", overwrite=True)
    assert normal(onnx.load(out / "m.onnx")) == normal(onnx.load(source))
    assert set(files(out)) == {"m.onnx", "w.data"}


def saved_with(model: SlimModel, path: Path, **options: Any) -> None:
    save_model(model, path, save_as_external_data=True, location="w.data", **options)


def test_a_file_that_appears_while_weights_are_copied(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
):
    def unchecked(*_: object) -> None:
        """Nothing was there yet when it was looked."""

    monkeypatch.setattr("compiler.frontends.onnx.save._check_free", unchecked)
    (out / "m.onnx").write_bytes(b"precious")
    with pytest.raises(UserError, match=r"m\.onnx: cannot be written: File exists"):
        saved_with(load_model(source), out / "m.onnx")
    assert content(out) == {"m.onnx": b"precious"}


def test_a_model_replaces_itself(source: Path):
    original = normal(onnx.load(source))
    saved_with(load_model(source), source, overwrite=True)
    assert set(files(source.parent)) == {"m.onnx", "w.data"}
    saved_with(load_model(source), source, overwrite=True)
    assert normal(onnx.load(source)) == original
    model = load_model(source)
    save_model(model, source, overwrite=True)
    assert normal(onnx.load(source)) == original
    with pytest.raises(UserError, match="has changed since it was read"):
        save_model(model, source, overwrite=True)
    assert normal(onnx.load(source)) == original


def test_nothing_is_left_of_what_fails(source: Path, out: Path):
    saved_with(load_model(source), source, overwrite=True)
    model = load_model(source)
    with open(source.parent / "w.data", "r+b") as file:
        file.write(b"x")
    for outside in (False, True):
        with pytest.raises(UserError, match=r"w\.data has changed since it was read"):
            save_model(
                model,
                out / "m.onnx",
                save_as_external_data=outside,
                all_tensors_to_one_file=False,
            )
        assert not list(out.iterdir())


def test_no_link_is_written_through(source: Path, out: Path):
    elsewhere = out.parent / "elsewhere"
    elsewhere.mkdir()
    (out / "sub").symlink_to(elsewhere, target_is_directory=True)
    model = load_model(source)
    with pytest.raises(UserError, match="sub is a symbolic link"):
        save_model(model, out / "m.onnx", save_as_external_data=True, location="sub/w.data")
    (elsewhere / "precious").write_bytes(b"precious")
    (out / "w.data").symlink_to("../elsewhere/precious")
    saved_with(model, out / "m.onnx", overwrite=True)
    assert content(elsewhere) == {"precious": b"precious"}
    assert not (out / "w.data").is_symlink()


def test_the_model_is_not_its_own_external_data(source: Path, out: Path):
    for location in ("m.onnx", "M.ONNX"):
        with pytest.raises(UserError, match="cannot be both the model and its external data"):
            save_model(
                load_model(source), out / "m.onnx", save_as_external_data=True, location=location
            )
    assert not files(out)


def test_folders_must_exist(source: Path, out: Path):
    with pytest.raises(UserError, match="out is a folder: name a file in it"):
        save_model(load_model(source), out, overwrite=True)
    with pytest.raises(UserError, match="its folder does not exist"):
        save_model(load_model(source), out / "none" / "m.onnx")
    with pytest.raises(UserError, match=r"sub/w: cannot be written: No such file or directory"):
        save_model(load_model(source), out / "m.onnx", save_as_external_data=True, location="sub/w")
    with pytest.raises(UserError, match="is no folder that external data could be in"):
        load_model(source, external_data_dir=out / "none")
    assert not files(out)


def test_external_data_that_nobody_has_looked_for(source: Path, out: Path):
    saved_with(load_model(source), source, overwrite=True)
    model = load_model(source, load_external_data=False)
    model.proto.doc_string = "edited"
    before = files(source.parent)["w.data"]
    save_model(model, source.parent / "edited.onnx")
    edited = onnx.load(source.parent / "edited.onnx")
    assert edited.doc_string == "edited"
    edited.ClearField("doc_string")
    assert normal(edited) == normal(onnx.load(source))
    assert files(source.parent)["w.data"] == before
    with pytest.raises(UserError, match="call load_external_data_for_model first"):
        save_model(model, out / "m.onnx")
    with pytest.raises(UserError, match="call load_external_data_for_model first"):
        convert_model_from_external_data(model)
    with pytest.raises(UserError, match="cannot be replaced"):
        saved_with(model, source.parent / "new.onnx", convert_attribute=True, overwrite=True)
    (source.parent / "w.data").unlink()
    with pytest.raises(UserError, match="cannot be opened"):
        save_model(model, source.parent / "again.onnx")
    assert not files(out)


def test_rules_hold_for_the_functions_too(source: Path, out: Path):
    proto = onnx.load(source)
    onnx.save(proto, out / "m.onnx", save_as_external_data=True, location="w.data")
    (out / "w.data").rename(out / "real")
    (out / "w.data").symlink_to("real")
    with pytest.raises(UserError, match=r"m\.onnx: external data .* is a symbolic link"):
        load_model(out / "m.onnx")
    late = load_model(out / "m.onnx", load_external_data=False)
    before = late.proto.SerializeToString()
    with pytest.raises(UserError, match="is a symbolic link"):
        load_external_data_for_model(late, out)
    assert late.proto.SerializeToString() == before
    load_external_data_for_model(late, out, allow_roots=[out])
    save_model(late, out / "whole.onnx")
    assert normal(onnx.load(out / "whole.onnx")) == normal(onnx.load(source))


def test_a_tensor_is_edited_whole(source: Path, out: Path):
    model = load_model(source)
    weight = next(t for t in model.proto.graph.initializer if t.name == "w")
    weight.raw_data = bytes(4000)
    with pytest.raises(UserError, match="'w' has got values besides those in a file"):
        save_model(model, out / "m.onnx")
    weight.CopyFrom(numpy_helper.from_array(np.zeros(1000, np.float32), "w"))
    save_model(model, out / "m.onnx", save_as_external_data=True)
    loaded = {t.name: t for t in onnx.load(out / "m.onnx").graph.initializer}
    assert not numpy_helper.to_array(loaded["w"]).any()


@pytest.mark.parametrize("count", [999, 1001])
def test_what_is_saved_can_be_loaded(count: int, out: Path):
    wrong = array("w", count)
    wrong.dims[:] = [1000]
    onnx.save(helper.make_model(helper.make_graph([], "g", [], [], [wrong])), out / "m.onnx")
    for outside in (False, True):
        with pytest.raises(UserError, match=f"'w' has {4 * count} bytes, its type .* take 4000"):
            save_model(load_model(out / "m.onnx"), out / "s.onnx", save_as_external_data=outside)
    assert set(files(out)) == {"m.onnx"}


def test_deterministic(source: Path, out: Path):
    for name in ("a", "b"):
        (out / name).mkdir()
        options: dict[str, Any] = {"all_tensors_to_one_file": False, "convert_attribute": True}
        save_model(load_model(source), out / name / "m.onnx", save_as_external_data=True, **options)
    assert content(out / "a") == content(out / "b")


def imported(path: Path) -> list[bytes]:
    """The bytes of every weight that the compiler finds in a model."""
    module = import_model(str(path))
    values = [a for op in module.walk() for a in (*op.properties.values(), *op.attributes.values())]
    return sorted(b"".join(weight_of(weight).chunks()) for v in values for weight in payloads(v))


def payloads(value: Attribute) -> Iterator[Attribute]:
    if isinstance(value, FileAttr):
        yield value
    elif isinstance(value, ParametrizedAttribute):
        for part in value.parameters:
            yield from payloads(part)


def in_onnx(path: Path) -> list[bytes]:
    """The bytes of every large tensor that the compiler keeps, by onnx's loader."""
    proto = onnx.load(path)
    del proto.training_info[:]
    tensors = [t for t in tensors_of(proto) if t.name != "typed" and len(t.raw_data) > 1024]
    return sorted(tensor.raw_data for tensor in tensors)


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_the_compiler_reads_what_onnx_saves(options: dict[str, Any], source: Path, out: Path):
    (out / "sub").mkdir()
    proto = onnx.load(source)
    onnx.save(proto, out / "s.onnx", save_as_external_data=True, **options)
    expected = in_onnx(source)
    assert len(expected) == 9
    small = [weight for weight in imported(out / "s.onnx") if len(weight) <= 1024]
    assert imported(out / "s.onnx") == sorted([*expected, *small])
    assert sum(map(len, small)) in (0, 36)  # a scalar and a shape, when they are in files too


def test_the_compiler_reads_what_we_save(source: Path, out: Path):
    save_model(
        load_model(source), out / "m.onnx", save_as_external_data=True, convert_attribute=True
    )
    (typed_values,) = [t for t in onnx.load(source).graph.initializer if t.name == "typed"]
    typed_bytes = numpy_helper.to_array(typed_values).tobytes()
    assert imported(out / "m.onnx") == sorted([*in_onnx(source), typed_bytes])


def test_relative_paths_survive_a_change_of_folder(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
):
    saved_with(load_model(source), source, overwrite=True)
    monkeypatch.chdir(source.parent)
    model = load_model("m.onnx")
    monkeypatch.chdir(out)
    save_model(model, "m.onnx")
    assert normal(onnx.load("m.onnx")) == normal(onnx.load(source))
    assert os.listdir() == ["m.onnx"]


def test_onnx_agrees_on_what_is_external(source: Path, out: Path):
    """The same tensors as onnx chooses, where no threshold lies between our two ways to count."""
    ours, theirs = out / "ours.onnx", out / "theirs.onnx"
    proto = onnx.load(source)
    for attributes in (False, True):
        save_model(
            load_model(source),
            ours,
            save_as_external_data=True,
            convert_attribute=attributes,
            overwrite=True,
        )
        external_data_helper.convert_model_to_external_data(
            proto, location=f"{attributes}.data", convert_attribute=attributes
        )
        onnx.save(proto, theirs)
        assert external_names(ours) - {"typed"} == external_names(theirs)
