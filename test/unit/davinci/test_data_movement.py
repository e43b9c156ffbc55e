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


TYPES: tuple[Any, ...] = (np.float16, np.float32, np.bool_, np.int64)


def numbers(*values: int) -> Any:
    """A constant input."""
    return np.array(values, np.int64)


def drawn(random: Any, dtype: Any, *shape: int) -> Any:
    """Elements that are hardly ever equal."""
    return random.integers(0, 2 if dtype == np.bool_ else 2000, shape).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("shape", "perm"),
    [
        ((3, 50, 70), (0, 2, 1)),
        ((2, 3, 40, 50), (0, 2, 1, 3)),
        ((2, 7, 2, 7, 24), (0, 2, 1, 3, 4)),
        ((2, 3, 300, 2), (0, 1, 3, 2)),
        ((2, 2, 300, 5), (0, 2, 3, 1)),
    ],
)
def test_transposes_of_any_type(
    shape: Any, perm: Any, dtype: Any, agrees: Any, random: Any
) -> None:
    inputs = {"x": drawn(random, dtype, *shape), "perm": numbers(*perm)}
    agrees("Transpose", inputs, constants=["perm"])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_splits(axis: int, dtype: Any, agrees: Any, random: Any) -> None:
    x = drawn(random, dtype, 6, 30, 90)
    agrees("SplitD", {"x": x}, {"split_dim": axis, "num_split": 3})
    sizes = [1, 2, x.shape[axis] - 3]
    inputs = {"x": x, "size_splits": numbers(*sizes), "split_dim": numbers(axis)}
    agrees("SplitV", inputs, {"num_split": 3}, constants=["size_splits", "split_dim"])
    agrees("Unpack", {"x": x[:, :5, :6]}, {"axis": axis, "num": x[:, :5, :6].shape[axis]})


@pytest.mark.parametrize("dtype", TYPES)
def test_joins(dtype: Any, agrees: Any, random: Any) -> None:
    parts = {f"x{i}": drawn(random, dtype, 5, 70) for i in range(3)}
    for axis in (0, 1, 2):
        agrees("Pack", parts, {"axis": axis, "N": 3})
        if axis < 2:
            agrees("ConcatD", parts, {"concat_dim": axis, "N": 3})


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("axes", "begin", "end", "steps"),
    [
        ((0,), (1,), (2,), (1,)),
        ((2,), (3,), (-4,), (1,)),
        ((2,), (0,), (1000,), (2,)),
        ((2,), (1,), (1000,), (3,)),
        ((1, 2), (2, 5), (-1, 60), (2, 1)),
        ((0, 1), (10, -1), (0, -100), (-2, -1)),
        ((2,), (1,), (1000,), (20,)),
    ],
)
def test_slices(
    axes: Any, begin: Any, end: Any, steps: Any, dtype: Any, agrees: Any, random: Any
) -> None:
    inputs = {
        "x": drawn(random, dtype, 4, 30, 90),
        "begin": numbers(*begin),
        "end": numbers(*end),
        "axes": numbers(*axes),
        "strides": numbers(*steps),
    }
    agrees("StridedSliceV2", inputs, constants=["begin", "end", "axes", "strides"])


def test_slices_by_offset_and_size(agrees: Any, random: Any) -> None:
    inputs = {
        "x": drawn(random, np.float16, 4, 30, 90),
        "offsets": numbers(1, 2, 30),
        "size": numbers(2, -1, 31),
    }
    agrees("Slice", inputs, constants=["offsets", "size"])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("shape", "target"),
    [
        ((77,), (5, 40, 77)),
        ((40, 1), (5, 40, 77)),
        ((5, 1, 1), (5, 40, 77)),
        ((5, 1, 77), (5, 40, 77)),
        ((1,), (3, 500)),
    ],
)
def test_broadcasts(shape: Any, target: Any, dtype: Any, agrees: Any, random: Any) -> None:
    inputs = {"x": drawn(random, dtype, *shape), "shape": numbers(*target)}
    agrees("BroadcastTo", inputs, constants=["shape"])
    agrees("Expand", inputs, constants=["shape"])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("times", [(2, 1, 1), (1, 3, 2), (1, 1, 4), (2, 2, 3, 1)])
def test_tiles(times: Any, dtype: Any, agrees: Any, random: Any) -> None:
    inputs = {"x": drawn(random, dtype, 3, 5, 31), "multiples": numbers(*times)}
    agrees("Tile", inputs, constants=["multiples"])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_space_and_depth(mode: str, dtype: Any, agrees: Any, random: Any) -> None:
    attributes = {"block_size": 2, "mode": mode, "data_format": "NCHW"}
    agrees("DepthToSpace", {"x": drawn(random, dtype, 2, 12, 9, 31)}, attributes)
    agrees("SpaceToDepth", {"x": drawn(random, dtype, 2, 3, 18, 62)}, attributes)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int32])
@pytest.mark.parametrize(
    "paddings",
    [
        (0, 0, 0, 0, 2, 1, 2, 1),
        (0, 0, 1, 2, 0, 0, 0, 0),
        (1, 0, 0, 1, 0, 3, 40, 0),
        (0, 0, 0, 0, -1, 2, 3, -2),
        (0, 0, 0, 0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0, 1, 60000, 0),
    ],
)
def test_pads(paddings: Any, dtype: Any, agrees: Any, random: Any) -> None:
    x, value = drawn(random, dtype, 2, 3, 9, 31), np.array(7, dtype)
    inputs = {"x": x, "paddings": numbers(*paddings)}
    agrees("PadV3", inputs, {"mode": "constant"}, constants=["paddings"])
    agrees("PadV3", {**inputs, "constant_values": value}, constants=["paddings", "constant_values"])
