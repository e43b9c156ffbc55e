"""Weights made of weights: the bytes they stand for, against NumPy, read in chunks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from compiler.weights import (
    Computed,
    FileBytes,
    Inline,
    Joined,
    Operand,
    Part,
    Splat,
    Transposed,
    Weight,
    arrays,
    computed,
    derived,
    parts,
    values,
)

ARITHMETIC = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "RealDiv": np.divide}
Array = np.ndarray[Any, np.dtype[Any]]


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch):
    for module in (arrays, computed, derived, parts, values):
        monkeypatch.setattr(module, "CHUNK", 64)


def raw(weight: Weight) -> bytes:
    pieces = list(weight.chunks())
    assert all(len(piece) <= 64 for piece in pieces)
    assert sum(map(len, pieces)) == weight.length
    return b"".join(pieces)


def numbers(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("kind", ARITHMETIC)
@pytest.mark.parametrize("shape", [(5, 1, 1), (3, 7), (1,), (5, 3, 7)])
def test_arithmetic_broadcasts(kind: str, shape: tuple[int, ...]):
    a, b = numbers(5, 3, 7), numbers(*shape)
    left, right = Operand(Inline(a.tobytes()), a.shape), Operand(Inline(b.tobytes()), shape)
    assert raw(Computed(kind, "f32", a.shape, (left, right))) == ARITHMETIC[kind](a, b).tobytes()


def test_narrow_numbers_are_computed_in_float32():
    a = numbers(40).astype(ml_dtypes.bfloat16)
    operand = Operand(Inline(a.tobytes()), a.shape)
    expected = (a.astype(np.float32) * a.astype(np.float32)).astype(ml_dtypes.bfloat16)
    assert raw(Computed("Mul", "bf16", a.shape, (operand, operand))) == expected.tobytes()


def test_expressions_nest():
    a = numbers(40) ** 2
    root = Computed("Sqrt", "f32", a.shape, (Operand(Inline(a.tobytes()), a.shape),))
    half = Operand(Splat(np.float32(0.5).tobytes(), 40), a.shape)
    nested = Computed("Mul", "f32", a.shape, (Operand(root, a.shape), half))
    assert raw(nested) == (np.sqrt(a) * np.float32(0.5)).tobytes()


@pytest.mark.parametrize("shape", [(2, 3), (2, 1), (1, 3), (5, 1, 3), (1, 2, 1)])
def test_small_operands_repeat_within_rows(shape: tuple[int, ...]):
    a, b = numbers(5, 2, 3), numbers(*shape)
    left, right = Operand(Inline(a.tobytes()), a.shape), Operand(Inline(b.tobytes()), shape)
    assert raw(Computed("Mul", "f32", a.shape, (left, right))) == (a * b).tobytes()


@pytest.mark.parametrize("perm", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("shape", [(5, 3, 7), (1, 40, 2)])
def test_transposes(perm: tuple[int, ...], shape: tuple[int, ...], tmp_path: Path):
    values = numbers(*shape)
    path = tmp_path / "w"
    path.write_bytes(b"----" + values.tobytes())
    expected = values.transpose(perm).tobytes()
    for source in (FileBytes(str(path), 4, values.nbytes), Inline(values.tobytes())):
        assert raw(Transposed(source, "f32", shape, perm)) == expected


def test_a_transpose_of_nothing_is_nothing():
    assert raw(Transposed(Inline(b""), "f32", (0, 3), (1, 0))) == b""


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 30, 4), (40, 2, 1), (2, 0, 5)])
def test_joins(shape: tuple[int, ...], axis: int):
    alike = (*shape[:axis], shape[axis] + 3, *shape[axis + 1 :])
    pair = numbers(*shape), numbers(*alike)
    operands = tuple(Operand(Inline(each.tobytes()), each.shape) for each in pair)
    weight = Joined(operands, "f32", axis)
    assert b"".join(weight.chunks()) == np.concatenate(pair, axis).tobytes()
    assert weight.length == sum(each.nbytes for each in pair)


@pytest.mark.parametrize(
    ("begin", "size"), [((0, 0, 0), (5, 3, 7)), ((1, 0, 2), (3, 3, 4)), ((4, 2, 6), (1, 1, 1)),
                        ((2, 1, 0), (2, 0, 7))],
)  # fmt: skip
def test_parts(begin: tuple[int, ...], size: tuple[int, ...]):
    whole = numbers(5, 3, 7)
    part = whole[tuple(slice(at, at + count) for at, count in zip(begin, size, strict=True))]
    assert raw(Part(Inline(whole.tobytes()), "f32", whole.shape, begin, size)) == part.tobytes()
