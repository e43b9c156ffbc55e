"""Kernels of the error function and of GELU, against NumPy in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

erf = np.vectorize(math.erf, otypes=[np.float64])
TOLERANCE: dict[str, Any] = {"f2": {"rtol": 1e-3, "atol": 2e-4}, "f4": {"rtol": 2e-6, "atol": 1e-6}}


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


def gelu_tanh(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize(
    ("op_type", "attributes", "expected"),
    [
        ("Erf", {}, erf),
        ("Gelu", {}, gelu_tanh),
        ("GeluV2", {"approximate": "none"}, gelu),
        ("GeluV2", {"approximate": "tanh"}, gelu_tanh),
    ],
)
@pytest.mark.parametrize("shape", [(3,), (7, 1111), (3, 5, 2001)])
def test_gelu(
    op_type: str, attributes: Any, expected: Any, shape: Any, dtype: str, execute: Any, random: Any
) -> None:
    x = random.uniform(-9, 9, shape).astype(dtype)
    result = execute(op_type, {"x": x}, shape, attributes)
    np.testing.assert_allclose(result, expected(x.astype(np.float64)), **TOLERANCE[dtype])
