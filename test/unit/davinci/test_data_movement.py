"""Kernels that only move elements, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize(
    ("shape", "perm"),
    [
        ((3, 50, 70), (1, 0, 2)),
        ((3, 50, 70), (0, 2, 1)),
        ((2, 3, 40, 50), (0, 2, 3, 1)),
        ((2, 3, 4, 5, 6), (4, 2, 0, 3, 1)),
        ((300, 200), (1, 0)),
        ((5, 6), (0, 1)),
    ],
)
def test_transpose(shape: Any, perm: Any, dtype: str, execute: Any, random: Any) -> None:
    x = random.standard_normal(shape).astype(dtype)
    expected = x.transpose(perm)
    inputs = {"x": x, "perm": np.array(perm, np.int64)}
    np.testing.assert_array_equal(execute("Transpose", inputs, expected.shape), expected)
    attributes = {"perm": perm}
    result = execute("TransposeD", {"x": x}, expected.shape, attributes)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concat(axis: int, execute: Any, random: Any) -> None:
    shapes = [[2, 30, 7, 8] for _ in range(3)]
    for shape, size in zip(shapes, (3, 1, 20), strict=True):
        shape[axis] = size
    parts = [random.standard_normal(shape).astype(np.float16) for shape in shapes]
    expected = np.concatenate(parts, axis)
    inputs = {f"x{i}": part for i, part in enumerate(parts)}
    result = execute("ConcatD", inputs, expected.shape, {"concat_dim": axis, "N": 3})
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("count", [1, 9, 40])
def test_concat_of_many(count: int, execute: Any, random: Any) -> None:
    parts = [random.standard_normal((3, 1 + i, 5)).astype(np.float32) for i in range(count)]
    expected = np.concatenate(parts, 1)
    inputs = {f"x{i}": part for i, part in enumerate(parts)}
    result = execute("ConcatD", inputs, expected.shape, {"concat_dim": 1, "N": count})
    np.testing.assert_array_equal(result, expected)
