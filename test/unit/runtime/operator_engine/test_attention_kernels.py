"""PromptFlashAttention against the Attention of ONNX's own evaluator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from runtime.operator_engine import Node, OperatorError, run

Array = np.ndarray[Any, np.dtype[Any]]


def reference(query: Array, key: Array, value: Array, scale: float, mask: Array | None) -> Array:
    names = ["q", "k", "v", *([] if mask is None else ["m"])]
    feed = dict(zip(names, (query, key, value, mask), strict=False))
    node = helper.make_node("Attention", names, ["y"], scale=scale)
    inputs = [helper.make_tensor_value_info(name, 1, None) for name in names]
    outputs = [helper.make_tensor_value_info("y", 1, None)]
    graph = helper.make_graph([node], "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)])
    evaluator: Any = ReferenceEvaluator(model)
    return evaluator.run(None, feed)[0]


def tensors(*shapes: tuple[int, ...]) -> list[Array]:
    rng = np.random.default_rng(3)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def node_of(**attributes: object) -> Node:
    return Node("n", "PromptFlashAttention", attributes)


@pytest.mark.parametrize("groups", [4, 2, 1])
def test_is_onnxs(groups: int):
    query, key, value = tensors((2, 4, 5, 8), (2, groups, 7, 8), (2, groups, 7, 8))
    inputs = {"query": query, "key": key, "value": value}
    node = node_of(num_heads=4, num_key_value_heads=groups, scale_value=0.3, input_layout="BNSD")
    expected = reference(query, key, value, 0.3, None)
    np.testing.assert_allclose(run(node, inputs)[0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layout", ["BNSD", "BSND", "BSH"])
def test_layouts(layout: str):
    query, key, value = tensors((2, 4, 5, 8), (2, 4, 7, 8), (2, 4, 7, 8))
    expected = reference(query, key, value, 0.5, None)

    def laid(x: Array) -> Array:
        x = x if layout == "BNSD" else x.transpose(0, 2, 1, 3)
        return x.reshape(*x.shape[:2], -1) if layout == "BSH" else x

    inputs = {"query": laid(query), "key": laid(key), "value": laid(value)}
    node = node_of(num_heads=4, scale_value=0.5, input_layout=layout)
    np.testing.assert_allclose(run(node, inputs)[0], laid(expected), rtol=1e-5, atol=1e-6)


def test_a_shift_is_added_and_a_mask_hides():
    query, key, value, shift = tensors((1, 2, 6, 8), (1, 2, 6, 8), (1, 2, 6, 8), (1, 2, 6, 6))
    hidden = np.triu(np.ones((6, 6), bool), 1)
    mask = shift + np.where(hidden, np.float32(-1e30), np.float32(0))
    expected = reference(query, key, value, 1.0, mask)
    inputs = {"query": query, "key": key, "value": value, "pse_shift": shift}
    unlimited = 2**31 - 1
    plain = {"num_heads": 2, "input_layout": "BNSD"}
    by_mask = run(
        node_of(**plain, next_tokens=unlimited), {**inputs, "atten_mask": hidden[None, None]}
    )
    by_tokens = run(
        node_of(**plain, next_tokens=0), {**inputs, "atten_mask": np.zeros((1, 1, 6, 6), bool)}
    )
    for result in (by_mask, by_tokens):
        np.testing.assert_allclose(result[0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("attributes", "port", "message"),
    [
        ({"input_layout": "TND"}, None, "must be BNSD, BSND or BSH"),
        ({"sparse_mode": 2}, None, "sparse_mode must be 0"),
        ({"scale_value": 0.5}, "pse_shift", "scale_value must be 1"),
        ({}, "quant_scale1", "'quant_scale1' is not supported"),
    ],
)
def test_what_it_cannot_do(attributes: dict[str, object], port: str | None, message: str):
    x = np.ones((1, 1, 2, 2), np.float32)
    inputs = {"query": x, "key": x, "value": x, **({port: x} if port else {})}
    with pytest.raises(OperatorError, match=message):
        run(node_of(**{"num_heads": 1, "input_layout": "BNSD", **attributes}), inputs)
