"""Recipes: what the IR says of a derived weight, said as JSON, makes the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IntAttr,
    StringAttr,
    f16,
    f32,
    i64,
)
from xdsl.ir import Attribute

from compiler.constants import weight_of
from compiler.conversion.ge_to_om.recipes import recipe_of
from compiler.om.errors import GraphError
from compiler.weights import Inline, Weight
from compiler.weights.recipes import made, names_in, started_from
from dialects.types import tensor_type
from dialects.weights import (
    CastAttr,
    ComputeAttr,
    ConcatAttr,
    FileAttr,
    NamedAttr,
    SliceAttr,
    SplatAttr,
    TransposeAttr,
    named_in,
    without_names,
)

ROW, MATRIX = tensor_type((3,), f32), tensor_type((2, 3), f32)


def named(name: str, source: Attribute, type: Attribute) -> NamedAttr:
    return NamedAttr(StringAttr(name), source, type)


def numbers(*values: int) -> DenseArrayBase[Any]:
    return DenseArrayBase.from_list(i64, values)


@pytest.fixture
def value(tmp_path: Path) -> Attribute:
    """(w · (s / 2))ᵀ in float16, of w in a file and s in the IR."""
    np.arange(6, dtype=np.float32).tofile(tmp_path / "w")
    file = FileAttr(StringAttr(str(tmp_path / "w")), IntAttr(0), IntAttr(24))
    half = SplatAttr(FloatAttr(2.0, f32), IntAttr(3))
    scale = SplatAttr(FloatAttr(3.0, f32), IntAttr(3))
    halved = ComputeAttr(
        StringAttr("RealDiv"), ArrayAttr([named("s", scale, ROW), half]), ArrayAttr([ROW, ROW]), ROW
    )
    scaled = ComputeAttr(
        StringAttr("Mul"),
        ArrayAttr([named("w", file, MATRIX), halved]),
        ArrayAttr([MATRIX, ROW]),
        MATRIX,
    )
    turned = TransposeAttr(scaled, MATRIX, numbers(1, 0))
    return CastAttr(turned, f32, f16)


@pytest.fixture
def pieces() -> Attribute:
    """The second column of w beside the first row of v, turned: [3, 1] and [3, 1] at axis 1."""
    column = tensor_type((3, 1), f32)
    zeros = SplatAttr(FloatAttr(0.0, f32), IntAttr(6))
    wide = tensor_type((3, 2), f32)
    one = SliceAttr(named("w", zeros, wide), wide, numbers(0, 1), numbers(3, 1))
    row = SliceAttr(named("v", zeros, MATRIX), MATRIX, numbers(0, 0), numbers(1, 3))
    other = TransposeAttr(row, tensor_type((1, 3), f32), numbers(1, 0))
    return ConcatAttr(ArrayAttr([one, other]), ArrayAttr([column, column]), IntAttr(1))


def read(weight: Weight) -> bytes:
    return b"".join(bytes(chunk) for chunk in weight.chunks())


def test_the_same_sources_make_the_same_bytes(value: Attribute):
    recipe = json.loads(json.dumps(recipe_of(value)))
    sources = {name.onnx.data: weight_of(name.source) for name in named_in(value)}
    assert list(names_in(recipe)) == ["w", "s"] == list(sources)
    assert (
        read(made(recipe, sources))
        == read(weight_of(value))
        == read(weight_of(without_names(value)))
    )


def test_other_sources_make_what_numpy_makes(value: Attribute):
    w, s = np.array([[1, -2, 3], [4, 5, -6]], np.float32), np.array([1, 10, 100], np.float32)
    sources = {"w": Inline(w.tobytes()), "s": Inline(s.tobytes())}
    expected = np.ascontiguousarray((w * (s / np.float32(2))).T).astype(np.float16)
    assert read(made(recipe_of(value), sources)) == expected.tobytes()


def test_parts_and_joins(pieces: Attribute):
    w, v = np.arange(6, dtype=np.float32).reshape(3, 2), np.arange(6, dtype=np.float32) * -1
    recipe = json.loads(json.dumps(recipe_of(pieces)))
    assert list(names_in(recipe)) == ["w", "v"]
    expected = np.stack([w[:, 1], v[:3]], axis=1)
    sources = {"w": Inline(w.tobytes()), "v": Inline(v.tobytes())}
    assert read(made(recipe, sources)) == expected.tobytes()
    assert not list(named_in(without_names(pieces)))
    assert read(weight_of(without_names(pieces))) == bytes(24)


def test_small_constants_without_names_are_in_the_recipe(tmp_path: Path):
    (tmp_path / "c").write_bytes(bytes(range(12)))
    file = FileAttr(StringAttr(str(tmp_path / "c")), IntAttr(0), IntAttr(12))
    assert recipe_of(file) == {"constant": bytes(range(12)).hex()}
    assert read(made(recipe_of(file), {})) == bytes(range(12))


def test_large_ones_are_an_error():
    file = FileAttr(StringAttr("big"), IntAttr(0), IntAttr(1 << 17))
    with pytest.raises(GraphError, match="a constant of 131072 bytes that has no ONNX name"):
        recipe_of(CastAttr(file, f32, f16))


@pytest.mark.parametrize("recipe", [{}, {"frobnicate": 1}, {"source": "a", "constant": "00"}])
def test_what_is_no_recipe(recipe: dict[str, object]):
    with pytest.raises(ValueError, match="no step of a recipe"):
        made(recipe, {"a": Inline(b"")})


def test_a_source_that_is_missing():
    with pytest.raises(KeyError, match="w"):
        made({"cast": {"source": "w"}, "from": "f32", "to": "f16"}, {})


TURNED = {"transpose": {"source": "w"}, "dtype": "f32", "shape": [2, 3, 4], "perm": [2, 0, 1]}


def test_what_was_turned_is_turned_back():
    w = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    recipe = {"transpose": TURNED, "dtype": "f32", "shape": [4, 2, 3], "perm": [1, 0, 2]}
    held = Inline(read(made(recipe, {"w": Inline(w.tobytes())})))
    source = started_from(recipe, held)
    assert source is not None and read(source) == w.tobytes()
    assert started_from({"cast": recipe, "from": "f32", "to": "f16"}, held) is None


@pytest.mark.parametrize("wrong", [{"perm": [0, 1, 1]}, {"shape": [2, 3]}, {"dtype": "f16"}])
def test_what_cannot_have_been_turned_so(wrong: dict[str, object]):
    with pytest.raises(ValueError, match="turned by"):
        started_from(TURNED | wrong, Inline(bytes(96)))
