"""RotaryEmbedding and TensorScatter against onnx's reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from runtime.operator_engine import Node, OperatorError, run

Array = npt.NDArray[Any]
Oracle = Callable[..., list[Array]]
RNG = np.random.default_rng(0)


def numbers(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


PLACES = np.array([[0, 3, 5], [7, 1, 1]])
HEADS, FLAT = numbers(2, 4, 3, 8), numbers(2, 3, 32)
TABLES, ANGLES = [numbers(9, 4), numbers(9, 4)], [numbers(2, 3, 4), numbers(2, 3, 4)]
ROTATED: dict[str, tuple[list[Array], dict[str, Any]]] = {
    "by places": ([HEADS, *TABLES, PLACES], {}),
    "by angles": ([HEADS, *ANGLES], {}),
    "three axes": ([FLAT, *TABLES, PLACES], {"num_heads": 4}),
    "interleaved": ([FLAT, *ANGLES], {"num_heads": 4, "interleaved": 1}),
    "a part": ([HEADS, *(a[..., :2] for a in ANGLES)], {"rotary_embedding_dim": 4}),
    "half": ([x.astype(np.float16) for x in (HEADS, *ANGLES)], {"interleaved": 1}),
}
CACHE, UPDATE = numbers(2, 3, 7, 4), numbers(2, 3, 2, 4)
SCATTERED: dict[str, tuple[list[Array], dict[str, Any]]] = {
    "from the start": ([CACHE, UPDATE], {}),
    "behind": ([CACHE, UPDATE, np.array([5, 2])], {"mode": "linear"}),
    "around": ([CACHE, UPDATE, np.array([6, 13])], {"mode": "circular"}),
    "another axis": (
        [CACHE.swapaxes(1, 2), UPDATE.swapaxes(1, 2), np.array([1, 4])],
        {"axis": 1},
    ),
}


@pytest.mark.parametrize("case", ROTATED)
def test_rotary_embedding(case: str, onnx_result: Oracle) -> None:
    inputs, attributes = ROTATED[case]
    [expected] = onnx_result("RotaryEmbedding", inputs, attributes, opset=23)
    ports = ("X", "cos_cache", "sin_cache", "position_ids")
    [y] = run(Node("r", "OnnxRotaryEmbedding", attributes), dict(zip(ports, inputs, strict=False)))
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y, expected, rtol=1e-2 if case == "half" else 1e-6, atol=1e-6)


def test_angles_that_do_not_fit() -> None:
    names = ("X", "cos_cache", "sin_cache")
    ports: dict[str, Array] = dict(zip(names, [HEADS, *ANGLES], strict=True))
    with pytest.raises(OperatorError, match="cos_cache has 4 angles, 4 elements are turned"):
        run(Node("r", "OnnxRotaryEmbedding", {"rotary_embedding_dim": 4}), ports)


def scattered(inputs: list[Array], attributes: dict[str, Any]) -> Array:
    ports = ("past_cache", "update", "write_indices")
    node = Node("s", "OnnxTensorScatter", attributes)
    [y] = run(node, dict(zip(ports, inputs, strict=False)))
    return y


@pytest.mark.parametrize("case", SCATTERED)
def test_tensor_scatter(case: str, onnx_result: Oracle) -> None:
    inputs, attributes = SCATTERED[case]
    before = inputs[0].copy()
    [expected] = onnx_result("TensorScatter", inputs, attributes, opset=24)
    np.testing.assert_array_equal(scattered(inputs, attributes), expected)
    np.testing.assert_array_equal(inputs[0], before)


def test_beyond_the_cache() -> None:
    with pytest.raises(OperatorError, match="places 6 to 7 are written of a cache of 7"):
        scattered([CACHE, UPDATE, np.array([2, 6])], {})
