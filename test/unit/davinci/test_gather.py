"""Kernels that look up rows, against the operator engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime.kernel_engine import KernelError, run_kernel


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize(
    ("shape", "places", "axis"),
    [((100, 64), (1, 128), 0), ((3, 20, 7), (2, 5), 1), ((50, 70_000), (3,), 0), ((4, 30), (), 1)],
)
def test_gather(
    shape: Any, places: Any, axis: int, index: Any, dtype: Any, agrees: Any, random: Any
) -> None:
    x = random.integers(-999, 999, shape).astype(dtype)
    indices = random.integers(-shape[axis], shape[axis], places).astype(index)
    inputs = {"x": x, "indices": np.asarray(indices), "axis": np.array([axis], np.int64)}
    agrees("GatherV2", inputs, constants=["axis"])


@pytest.mark.parametrize("dtype", [np.float16, np.bool_])
@pytest.mark.parametrize(
    ("shape", "places"),
    [((2, 128), (1, 128, 2)), ((4, 5, 6, 70), (33, 3)), ((4, 5, 6), (7, 1)), ((300, 8), (500, 2))],
)
def test_gather_nd(shape: Any, places: Any, dtype: Any, agrees: Any, random: Any) -> None:
    x = random.integers(0, 2, shape).astype(dtype)
    limits = np.array(shape[: places[-1]])
    indices = random.integers(-limits, limits, places)
    agrees("GatherNd", {"x": x, "indices": indices})


def test_an_index_outside_of_the_table_is_an_error(schedule: Any) -> None:
    x, indices = np.zeros((5, 8), np.float16), np.array([0, 5], np.int32)
    y = np.zeros((2, 8), np.float16)
    kernel = schedule("Gather", {"x": x, "indices": indices}, y, {})
    with pytest.raises(KernelError, match="outside of 5 rows"):
        run_kernel(kernel, [x, indices, y])
