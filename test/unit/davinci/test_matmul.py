"""Kernels of matrix products against NumPy in f64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

TOLERANCE: dict[Any, Any] = {"f2": {"rtol": 1e-3, "atol": 1e-2}, "f4": {"rtol": 1e-4, "atol": 1e-4}}


@pytest.mark.parametrize(
    ("m", "k", "n", "dtype", "flip1", "flip2", "bias"),
    [
        (1, 1, 1, "f2", False, False, None),
        (33, 70, 50, "f2", False, False, None),
        (300, 1000, 520, "f2", False, True, "f2"),
        (300, 333, 520, "f2", True, False, "f4"),
        (130, 100, 270, "f4", True, True, "f4"),
        (1, 2048, 1000, "f4", False, False, "f4"),
        (17, 9, 16, "f4", False, True, None),
    ],
)
def test_matmul(
    m: int,
    k: int,
    n: int,
    dtype: str,
    flip1: bool,
    flip2: bool,
    bias: str | None,
    execute: Any,
    random: Any,
) -> None:
    x1 = random.standard_normal((k, m) if flip1 else (m, k)).astype(dtype)
    x2 = random.standard_normal((n, k) if flip2 else (k, n)).astype(dtype)
    inputs = {"x1": x1, "x2": x2}
    left, right = (x.astype(np.float64) for x in (x1, x2))
    expected = (left.T if flip1 else left) @ (right.T if flip2 else right)
    if bias:
        inputs["bias"] = random.standard_normal(n).astype(bias)
        expected = expected + inputs["bias"]
    attributes = {"transpose_x1": flip1, "transpose_x2": flip2}
    result = execute("MatMulV2", inputs, (m, n), attributes)
    np.testing.assert_allclose(result, expected, **TOLERANCE[dtype])


@pytest.mark.parametrize(
    ("left", "right", "flip1", "flip2"),
    [
        ((2, 3, 40, 50), (2, 3, 50, 70), False, False),
        ((2, 3, 40, 50), (3, 50, 70), False, False),
        ((2, 1, 40, 50), (1, 3, 50, 20), False, False),
        ((4, 50, 40), (4, 20, 50), True, True),
    ],
)
def test_batches_broadcast(
    left: Any, right: Any, flip1: bool, flip2: bool, execute: Any, random: Any
) -> None:
    x1, x2 = (random.standard_normal(shape).astype(np.float16) for shape in (left, right))
    a, b = (x.astype(np.float64) for x in (x1, x2))
    expected = (a.swapaxes(-1, -2) if flip1 else a) @ (b.swapaxes(-1, -2) if flip2 else b)
    attributes = {"adj_x1": flip1, "adj_x2": flip2}
    result = execute("BatchMatMulV2", {"x1": x1, "x2": x2}, expected.shape, attributes)
    np.testing.assert_allclose(result, expected, **TOLERANCE["f2"])


def test_f16_products_are_summed_in_f32(execute: Any) -> None:
    """4096 + 1 + 1 + … is lost in f16, whose numbers are 4 apart there, but not in f32."""
    x1 = np.ones((16, 4096), np.float16)
    x1[:, 0] = 4096
    result = execute("MatMulV2", {"x1": x1, "x2": np.ones((4096, 16), np.float16)}, (16, 16))
    np.testing.assert_array_equal(result, np.full((16, 16), 8191, np.float16))


def test_f16_results_saturate(execute: Any) -> None:
    large = np.full((16, 16), 40000, np.float16)
    attributes = {"transpose_x1": False, "transpose_x2": False}
    result = execute("MatMulV2", {"x1": large, "x2": -large}, (16, 16), attributes)
    assert (result == np.finfo(np.float16).min).all()


def test_one_matrix_for_a_batch_of_one_has_a_kernel(execute: Any, random: Any) -> None:
    x1, x2 = (random.integers(-3, 4, shape).astype(np.float16) for shape in ((1, 32, 48), (48, 16)))
    result = execute("BatchMatMulV2", {"x1": x1, "x2": x2}, (1, 32, 16))
    np.testing.assert_array_equal(result, x1 @ x2)
