"""QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear against onnx's reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

from runtime.operator_engine import Node, OperatorError, TensorDesc, run

Array = npt.NDArray[Any]
Oracle = Callable[..., list[Array]]
RNG = np.random.default_rng(0)


def numbers(*shape: int, dtype: Any = np.float32) -> Array:
    return (RNG.standard_normal(shape) * 40).astype(dtype)


def integers(dtype: Any, *shape: int) -> Array:
    low, high = (-8, 8) if "int4" in np.dtype(dtype).name else (-128, 128)
    unsigned = np.dtype(dtype).name.startswith("u")
    return (RNG.integers(low, high, shape) + (-low if unsigned else 0)).astype(dtype)


def one(value: float, dtype: Any = np.float32) -> Array:
    return np.array(value, dtype)


X = numbers(3, 10, 4)
ROWS = np.abs(numbers(10)) + np.float32(0.1)
BLOCKS = np.abs(numbers(3, 4, 4)) + np.float32(0.1)
ODD = np.array([np.inf, -np.inf, 0.5, 1.5, -2.5, 3e38, -0.0], np.float32)
QUANTIZED: dict[str, tuple[list[Array], dict[str, Any]]] = {
    "one scale": ([X, one(0.5), one(120, np.uint8)], {}),
    "odd numbers": ([ODD, one(1), one(3, np.int8)], {}),
    "half": ([numbers(4, 5, dtype=np.float16), one(0.5, np.float16), one(7, np.int8)], {}),
    "a scale for each row": ([X, ROWS, integers(np.int8, 10)], {"axis": 1}),
    "from behind": ([X, ROWS[:4], integers(np.uint8, 4)], {"axis": -1}),
    "blocks": ([X, BLOCKS, integers(ml_dtypes.int4, 3, 4, 4)], {"axis": 1, "block_size": 3}),
    "wide": ([X, one(0.001), one(9, np.uint16)], {}),
    "nibbles": ([X, one(9), one(3, ml_dtypes.uint4)], {}),
}
RESTORED: dict[str, tuple[list[Array], dict[str, Any]]] = {
    "one scale": ([integers(np.uint8, 3, 4), one(0.5), one(120, np.uint8)], {}),
    "no zero point": ([integers(np.int32, 3, 4), one(0.5)], {}),
    "a scale for each row": ([integers(np.int8, 3, 10, 4), ROWS, integers(np.int8, 10)], {}),
    "blocks": (
        [integers(ml_dtypes.int4, 3, 10, 4), BLOCKS, integers(ml_dtypes.int4, 3, 4, 4)],
        {"block_size": 3},
    ),
    "half": ([integers(np.uint8, 3, 4), one(0.5, np.float16), one(3, np.uint8)], {}),
    "8-bit floats": ([numbers(9, dtype=ml_dtypes.float8_e4m3fn), one(0.5)], {}),
}


@pytest.fixture(autouse=True)
def no_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> list[Array]:
        raise AssertionError("the long way")

    monkeypatch.setattr("runtime.operator_engine.linear_quantization.run_onnx", refuse)


def computed(operator: str, inputs: list[Array], attributes: dict[str, Any], dtype: Any) -> Array:
    prefix = "y" if operator == "QuantizeLinear" else "x"
    ports = ("x", f"{prefix}_scale", f"{prefix}_zero_point")
    desc = TensorDesc(np.dtype(dtype), (-2,))
    node = Node("q", f"Onnx{operator}", attributes, outputs=(desc,))
    [y] = run(node, dict(zip(ports, inputs, strict=False)))
    return y


@pytest.mark.parametrize("case", QUANTIZED)
def test_quantize(case: str, onnx_result: Oracle) -> None:
    inputs, attributes = QUANTIZED[case]
    [expected] = onnx_result("QuantizeLinear", inputs, attributes, opset=21)
    if case == "odd numbers":  # the reference converts infinities before it clips them
        expected = np.array([127, -128, 3, 5, 1, 127, 3], np.int8)
    y = computed("QuantizeLinear", inputs, attributes, inputs[2].dtype)
    assert y.dtype == expected.dtype
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("case", RESTORED)
def test_dequantize(case: str, onnx_result: Oracle) -> None:
    inputs, attributes = RESTORED[case]
    [expected] = onnx_result("DequantizeLinear", inputs, attributes, opset=21)
    y = computed("DequantizeLinear", inputs, attributes, inputs[1].dtype)
    assert y.dtype == expected.dtype
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("x", [X, np.abs(X), -np.abs(X), np.zeros(3, np.float32)])
def test_dynamic(x: Array, onnx_result: Oracle) -> None:
    expected = onnx_result("DynamicQuantizeLinear", [x], outputs=3)
    found = run(Node("q", "OnnxDynamicQuantizeLinear"), {"x": x})
    for y, wanted in zip(found, expected, strict=True):
        assert (y.dtype, y.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_array_equal(y, wanted)


def test_blocks_that_do_not_cover() -> None:
    inputs = [X, BLOCKS, integers(np.int8, 3, 4, 4)]
    with pytest.raises(OperatorError, match="blocks of 2 of"):
        computed("QuantizeLinear", inputs, {"block_size": 2}, np.int8)
