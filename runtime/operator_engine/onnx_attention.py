"""ONNX's Attention as most models use it: float32, without a cache, only the result wanted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.operator_engine.ai_cpu import run_onnx
from runtime.operator_engine.node import Array, Inputs, KernelTable, Node

PORTS = {"Q", "K", "V", "attn_mask"}
MASKS = {"bool", "float32"}
ATTRIBUTES = {"is_causal", "kv_num_heads", "onnx_domain", "onnx_opset", "q_num_heads", "scale"}


def _attention(node: Node, inputs: Inputs) -> Sequence[Array]:
    """softmax(Q · Kᵀ · scale + mask) · V by BLAS; every other variant as onnx evaluates it."""
    if not _is_plain(node, inputs):
        return run_onnx(node, inputs)
    query = _heads(inputs["Q"], node.integer("q_num_heads", 0))
    key, value = (_heads(inputs[port], node.integer("kv_num_heads", 0)) for port in ("K", "V"))
    batch, heads, length, size = query.shape
    groups = key.shape[1]
    scale = np.float32(node.number("scale", size**-0.5))
    grouped = (query * scale).reshape(batch, groups, -1, size)
    scores = (grouped @ key.swapaxes(-1, -2)).reshape(batch, heads, length, -1)
    weights = _softmax(_masked(node, inputs, scores))
    result = weights.reshape(batch, groups, -1, key.shape[2]) @ value
    result = result.reshape(batch, heads, length, -1)
    if inputs["Q"].ndim == 3:
        result = result.swapaxes(1, 2).reshape(batch, length, -1)
    return [result]


def _is_plain(node: Node, inputs: Inputs) -> bool:
    """Whether there is neither a cache nor a wish that the short way does not know."""
    shapes = inputs["Q"].shape[-2], inputs["K"].shape[-2]
    mask = inputs.get("attn_mask")
    known = {name for name in node.attributes if not name.startswith("_")} <= ATTRIBUTES
    return (
        known
        and set(inputs) <= PORTS
        and len(node.outputs) == 1
        and all(inputs[port].dtype == np.float32 for port in ("Q", "K", "V"))
        and (not node.integer("is_causal", 0) or shapes[0] == shapes[1])
        and (mask is None or (mask.shape[-2:] == shapes and mask.dtype.name in MASKS))
    )


def _heads(x: Array, heads: int) -> Array:
    """[B, heads, S, D] of that, or of [B, S, heads · D]."""
    return x if x.ndim == 4 else x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def _masked(node: Node, inputs: Inputs, scores: Array) -> Array:
    mask = inputs.get("attn_mask")
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == np.bool_ else scores + mask
    if node.integer("is_causal", 0):
        late: Array = np.triu(np.ones(scores.shape[-2:], np.bool_), 1)
        scores = np.where(late, -np.inf, scores)
    return scores


def _softmax(scores: Array) -> Array:
    """Over the last axis; a row of which everything is hidden becomes zeros."""
    top: Array = np.max(scores, axis=-1, keepdims=True)
    powers = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = np.sum(powers, axis=-1, keepdims=True)
    return (powers / np.where(total == 0, 1, total)).astype(np.float32)


KERNELS: KernelTable = {"OnnxAttention": _attention}
