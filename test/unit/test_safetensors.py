"""Safetensors files, compared with the format's own library."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import ml_dtypes
import numpy as np
import pytest
import safetensors
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import save

from compiler.errors import UserError
from compiler.safetensors import (
    METADATA,
    NAMES,
    TensorRef,
    lay_out_safetensors,
    read_safetensors,
    write_safetensors,
)
from compiler.weights import FileBytes, Inline, Splat, Weight, numpy_dtype

NUMPY = {
    **{name: np.dtype(name) for name in ("float64", "float32", "float16", "bool", "complex64")},
    **{f"{kind}{bits}": np.dtype(f"{kind}{bits}") for kind in ("int", "uint") for bits in (8, 64)},
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float8_e4m3fn": np.dtype(ml_dtypes.float8_e4m3fn),
    "float8_e5m2": np.dtype(ml_dtypes.float8_e5m2),
}
MLIR = {numpy_dtype(name).name: name for name in NAMES if not name.startswith(("f4E", "f6E"))}

shapes = st.lists(st.integers(0, 4), max_size=3)
tensors = st.dictionaries(
    st.text(max_size=6), st.tuples(st.sampled_from(sorted(NUMPY)), shapes), max_size=5
)


def arrays(told: Mapping[str, tuple[str, list[int]]]) -> dict[str, np.ndarray[Any, Any]]:
    generator = np.random.default_rng(1)
    made: dict[str, np.ndarray[Any, Any]] = {}
    for name, (dtype, shape) in told.items():
        size = int(np.prod(shape)) * NUMPY[dtype].itemsize
        raw = generator.integers(0, 2, size, np.uint8)
        made[name] = raw.view(NUMPY[dtype]).reshape(shape)
    return made


def refs(told: Mapping[str, np.ndarray[Any, Any]]) -> list[TensorRef[Weight]]:
    return [
        TensorRef(name, MLIR[array.dtype.name], array.shape, Inline(array.tobytes()))
        for name, array in told.items()
    ]


def library(data: bytes) -> dict[str, Any]:
    """What the library reads: `shape`, `dtype` and `data` of each tensor."""
    return dict(cast("Any", safetensors).deserialize(data))


def file_of(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


@settings(deadline=None)
@given(tensors, st.none() | st.fixed_dictionaries({"key": st.text(max_size=5)}))
def test_a_written_file_is_the_library_s(
    told: dict[str, tuple[str, list[int]]], metadata: dict[str, str] | None
) -> None:
    told.pop(METADATA, None)
    values = arrays(told)
    blob = lay_out_safetensors(refs(values), metadata)
    written = b"".join(blob.chunks())
    assert written == save(values, metadata)
    assert blob.length == len(written)


@settings(deadline=None)
@given(told=tensors)
def test_a_file_of_the_library_s_is_read(
    tmp_path_factory: pytest.TempPathFactory, told: dict[str, tuple[str, list[int]]]
) -> None:
    told.pop(METADATA, None)
    values = arrays(told)
    path = tmp_path_factory.getbasetemp() / "library.safetensors"
    path.write_bytes(save(values, {"made by": "the library"}))
    file = read_safetensors(path)
    assert dict(file.metadata) == {"made by": "the library"}
    assert file.tensors.keys() == values.keys()
    for name, array in values.items():
        found = file.tensors[name]
        assert (found.dtype, found.shape) == (MLIR[array.dtype.name], array.shape)
        assert b"".join(found.data.chunks()) == array.tobytes()


ENTRY: Mapping[str, Any] = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
OTHER: Mapping[str, Any] = {"dtype": "U8", "shape": [2], "data_offsets": [8, 10]}

BROKEN = {
    "no length": (b"1234567", "7 bytes, that is none"),
    "header longer than the file": (file_of({}, length=99), "10 bytes, its header should have 99"),
    "absurd header": (file_of({}, length=2**64 - 1), "its header should have 18446744073709551615"),
    "no JSON": (file_of(b"{]"), "not proper JSON"),
    "not UTF-8": (file_of(b'{"\xff": 1}'), "not UTF-8"),
    "an array": (file_of(b"[]"), "does not begin with '{'"),
    "white space first": (file_of(b" {}"), "does not begin with '{'"),
    "endless nesting": (file_of(b'{"a":' + b"[" * 100_000), "not proper JSON"),
    "half a character": (file_of(b'{"\\ud800": 1}'), "not proper JSON"),
    "a name twice": (
        file_of(b'{"a": 1, "a": 2}'),
        "its header is not proper JSON: 'a' is there twice",
    ),
    "no entry": (file_of({"a": 1}), "tensor 'a' has the dtype None"),
    "unknown dtype": (file_of({"a": {**ENTRY, "dtype": "F31"}}), "tensor 'a' has the dtype 'F31'"),
    "negative dim": (
        file_of({"a": {**ENTRY, "shape": [-2]}}, bytes(8)),
        "tensor 'a' has the shape [-2]",
    ),
    "no integer": (file_of({"a": {**ENTRY, "shape": [2.0]}}, bytes(8)), "has the shape [2.0]"),
    "a boolean": (file_of({"a": {**ENTRY, "shape": [True]}}, bytes(8)), "has the shape [True]"),
    "absurd dim": (file_of({"a": {**ENTRY, "shape": [2**63, 0]}}), "has the shape [9223372036"),
    "absurd product": (
        file_of({"a": {**ENTRY, "shape": [2**62, 2**62, 2]}}, bytes(8)),
        "has 8 bytes, f32[4611686018427387904, 4611686018427387904, 2] takes 17014",
    ),
    "shape of others": (
        file_of({"a": {**ENTRY, "shape": [3]}}, bytes(8)),
        "tensor 'a' has 8 bytes, f32[3] takes 12",
    ),
    "half a byte": (
        file_of({"a": {"dtype": "F4", "shape": [3], "data_offsets": [0, 2]}}, bytes(2)),
        "f4E2M1FN[3] does not fill whole bytes",
    ),
    "offsets the wrong way": (
        file_of({"a": {**ENTRY, "data_offsets": [8, 0]}}, bytes(8)),
        "tensor 'a' has the data_offsets [8, 0]",
    ),
    "three offsets": (
        file_of({"a": {**ENTRY, "data_offsets": [0, 8, 8]}}, bytes(8)),
        "tensor 'a' has the data_offsets [0, 8, 8]",
    ),
    "a hole": (
        file_of({"a": {**ENTRY, "data_offsets": [4, 12]}}, bytes(12)),
        "tensor 'a' begins at byte",
    ),
    "an overlap": (
        file_of({"a": ENTRY, "b": {**OTHER, "data_offsets": [7, 9]}}, bytes(9)),
        "tensor 'b' begins at byte",
    ),
    "too short": (file_of({"a": ENTRY, "b": OTHER}, bytes(9)), "its tensors end at byte"),
    "too long": (file_of({"a": ENTRY}, bytes(9)), "its tensors end at byte"),
    "metadata of numbers": (file_of({METADATA: {"a": 1}}), "has a 'a' that is no text"),
    "metadata of no map": (file_of({METADATA: []}), "is no map of texts"),
}
STRICTER = {"a name twice", "white space first", "absurd dim"}
"""What the library takes."""


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_one_line(tmp_path: Path, what: str) -> None:
    data, message = BROKEN[what]
    path = tmp_path / "broken.safetensors"
    path.write_bytes(data)
    with pytest.raises(UserError) as caught:
        read_safetensors(path)
    assert str(caught.value).startswith(f"{path}: is not a safetensors file, or is damaged: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    if what not in STRICTER:
        with pytest.raises(SafetensorError):
            library(data)


def test_the_size_of_a_header_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "sparse.safetensors"
    with path.open("wb") as file:
        file.write((100_000_001).to_bytes(8, "little"))
        file.truncate(200_000_000)
    with pytest.raises(UserError, match="a header of 100000001 bytes, at most 100000000"):
        read_safetensors(path)


@settings(deadline=None)
@given(st.binary(max_size=6), st.integers(0, 200))
def test_what_is_read_the_library_reads_too(
    tmp_path_factory: pytest.TempPathFactory, patch: bytes, at: int
) -> None:
    data = bytearray(file_of({METADATA: {"k": "v"}, "a": ENTRY, "b": OTHER}, bytes(10)))
    data[at : at + len(patch)] = patch
    path = tmp_path_factory.getbasetemp() / "patched.safetensors"
    path.write_bytes(data)
    try:
        tensors = read_safetensors(path).tensors
    except UserError:
        return
    assert library(bytes(data)).keys() == tensors.keys()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "x.safetensors"
    make(path)
    with pytest.raises(UserError, match=f"{path}: is not a regular file"):
        read_safetensors(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"x\.safetensors: cannot be read: No such file"):
        read_safetensors(tmp_path / "x.safetensors")


def test_bytes_of_another_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_safetensors(path, [TensorRef("a", "f32", (2,), Inline(bytes(8)))])
    found = read_safetensors(path).tensors["a"]
    write_safetensors(path, [TensorRef("a", "f32", (2,), Inline(bytes(8)))])
    with pytest.raises(UserError, match="has changed"):
        list(found.data.chunks())


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (TensorRef("a", "f32", (2,), Inline(bytes(8))), "another tensor called 'a'"),
        (TensorRef(METADATA, "f32", (2,), Inline(bytes(8))), "another tensor called '__meta"),
        (TensorRef("b", "i4", (2,), Inline(b"1")), r"cannot hold tensor 'b', i4\[2\]"),
        (TensorRef("b", "f4E2M1FN", (3,), Inline(b"12")), r"'b', f4E2M1FN\[3\]"),
        (TensorRef("b", "f16", (3,), Inline(b"12")), r"'b' has 2 bytes, f16\[3\] takes 6"),
    ],
)
def test_what_a_file_cannot_hold(tmp_path: Path, tensor: TensorRef[Inline], message: str) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(UserError, match=message):
        write_safetensors(path, [TensorRef("a", "f32", (2,), Inline(bytes(8))), tensor])
    assert not list(tmp_path.iterdir())


def test_a_file_is_written_from_parts_of_files(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(200)))
    parts = [
        TensorRef("range", "ui8", (100,), FileBytes(str(source), 50, 100)),
        TensorRef("splat", "f32", (2, 3), Splat(b"abcd", 6)),
    ]
    write_safetensors(tmp_path / "x.safetensors", parts, {"k": "v"})
    found = library((tmp_path / "x.safetensors").read_bytes())
    assert bytes(found["range"]["data"]) == bytes(range(50, 150))
    assert bytes(found["splat"]["data"]) == b"abcd" * 6
    assert sorted(os.listdir(tmp_path)) == ["source", "x.safetensors"]
