"""Products of quantised integers against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import TensorProto

from runtime.operator_engine import Node, run

Array = npt.NDArray[Any]
Oracle = Callable[..., list[Array]]
RNG = np.random.default_rng(0)
FLOATS = np.float32


def integers(dtype: Any, *shape: int) -> Array:
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min, limits.max + 1, shape).astype(dtype)


X, W = integers(np.uint8, 2, 4, 7, 9), integers(np.int8, 6, 2, 3, 2)
CONV = {"group": 2, "strides": [2, 1], "pads": [1, 0, 1, 2], "dilations": [1, 2]}
ZERO, SCALE = np.array(130, np.uint8), np.array(0.02, FLOATS)
COLUMNS, NOTHING = np.array([1, -5, 9], np.int8), np.zeros(6, np.int8)
A, B = integers(np.uint8, 2, 5, 8), integers(np.int8, 8, 3)

CASES: dict[str, tuple[str, list[tuple[str, Array]], dict[str, Any]]] = {
    "conv": (
        "ConvInteger",
        [("x", X), ("w", integers(np.uint8, 6, 2, 3, 2)), ("x_zero_point", ZERO)],
        CONV,
    ),
    "conv of one axis": ("ConvInteger", [("x", X[:, :, 0]), ("w", X[:, :, 0, :3])], {}),
    "product": (
        "MatMulInteger",
        [("A", A), ("B", B), ("a_zero_point", ZERO), ("b_zero_point", COLUMNS)],
        {},
    ),
    "quantised conv": (
        "QLinearConv",
        [
            ("x", X), ("x_scale", SCALE), ("x_zero_point", ZERO),
            ("w", W), ("w_scale", RNG.random(6, FLOATS) / 50), ("w_zero_point", NOTHING),
            ("y_scale", np.array(0.9, FLOATS)), ("y_zero_point", ZERO),
            ("B", integers(np.int16, 6).astype(np.int32)),
        ],
        CONV,
    ),
    "quantised product": (
        "QLinearMatMul",
        [
            ("a", A), ("a_scale", SCALE), ("a_zero_point", ZERO),
            ("b", B), ("b_scale", np.array([0.01, 0.02, 0.03], FLOATS)),
            ("b_zero_point", np.array([0, 2, -9], np.int8)),
            ("y_scale", np.array(0.5, FLOATS)), ("y_zero_point", ZERO),
        ],
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_onnx_runtime(case: str, ort_result: Oracle) -> None:
    operator, named, attributes = CASES[case]
    element = TensorProto.UINT8 if "QLinear" in operator else TensorProto.INT32
    (expected,) = ort_result(operator, [x for _, x in named], attributes, element=element)
    (y,) = run(Node("q", f"Onnx{operator}", attributes), dict(named))
    assert y.dtype == expected.dtype
    # A half may round either way: ONNX Runtime multiplies by the scale in float32.
    assert np.abs(y.astype(np.int64) - expected).max() <= (1 if "QLinear" in operator else 0)
    assert (y == expected).mean() > 0.99
