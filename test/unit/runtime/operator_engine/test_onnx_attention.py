"""The short way of ONNX's Attention against onnx's reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from runtime.operator_engine import Node, TensorDesc, run

Array = npt.NDArray[Any]
Oracle = Callable[..., list[Array]]
RNG = np.random.default_rng(0)


def numbers(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


Q, K, V = numbers(2, 6, 5, 8), numbers(2, 3, 5, 8), numbers(2, 3, 5, 4)
HIDDEN = RNG.random((2, 1, 5, 5)) > 0.4
HIDDEN[0, 0, 2] = False
CASES: dict[str, tuple[list[Array], dict[str, Any]]] = {
    "grouped": ([Q, K, V], {}),
    "causal": ([Q, K, V], {"is_causal": 1, "scale": 0.3}),
    "added mask": ([Q, K, V, numbers(5, 5)], {}),
    "hidden rows": ([Q, K, V, HIDDEN], {}),
    "three axes": (
        [numbers(2, 7, 12), numbers(2, 5, 6), numbers(2, 5, 8), numbers(7, 5)],
        {"q_num_heads": 4, "kv_num_heads": 2},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_onnx(case: str, onnx_result: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, attributes = CASES[case]
    (expected,) = onnx_result("Attention", inputs, attributes, opset=23)

    def refuse(*_: Any) -> list[Array]:
        raise AssertionError("the long way")

    monkeypatch.setattr("runtime.operator_engine.onnx_attention.run_onnx", refuse)
    desc = TensorDesc(np.dtype(np.float32), (-2,))
    node = Node("a", "OnnxAttention", attributes, outputs=(desc,))
    (y,) = run(node, dict(zip(("Q", "K", "V", "attn_mask"), inputs, strict=False)))
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
