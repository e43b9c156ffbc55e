"""Attention as one operator: PromptFlashAttention, its scores and softmax in float32."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node
from runtime.precision import fixpipe, widen

KNOWN = {"query", "key", "value", "pse_shift", "atten_mask"}


def _heads(x: Array, layout: str, heads: int) -> Array:
    """A tensor of a layout as [B, N, S, D]."""
    match layout:
        case "BNSD":
            return x
        case "BSND":
            return x.transpose(0, 2, 1, 3)
        case _:
            return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)


def _from_heads(x: Array, layout: str) -> Array:
    match layout:
        case "BNSD":
            return x
        case "BSND":
            return x.transpose(0, 2, 1, 3)
        case _:
            return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)


def _hidden(node: Node, mask: Array, scores: tuple[int, ...]) -> Array:
    """What a mask hides: where it is true, and what lies outside of the tokens around each one."""
    rows, columns = np.arange(scores[-2])[:, None], np.arange(scores[-1])
    limit = 2**31 - 1
    late = columns - rows > node.integer("next_tokens", 0)
    early = rows - columns > node.integer("pre_tokens", limit)
    return (mask != 0) | late | early


def _prompt_flash_attention(node: Node, inputs: Inputs) -> Sequence[Array]:
    """softmax(query · keyᵀ · scale + pse_shift) · value; `atten_mask` hides where it is true.

    Without a mask the token limits count for nothing, as sparse_mode 0 has it.
    """
    layout, heads = node.text("input_layout", "BSH"), node.integer("num_heads")
    groups = node.integer("num_key_value_heads", 0) or heads
    scale = node.number("scale_value", 1.0)
    _check(node, inputs, layout, scale)
    query = _heads(widen(inputs["query"]), layout, heads)
    key, value = (_heads(widen(inputs[name]), layout, groups) for name in ("key", "value"))
    key, value = (np.repeat(x, heads // groups, axis=1) for x in (key, value))
    scores = query @ np.swapaxes(key, -1, -2) * np.float32(scale)
    if "pse_shift" in inputs:
        scores = scores + widen(inputs["pse_shift"])
    if "atten_mask" in inputs:
        hidden = _hidden(node, inputs["atten_mask"], scores.shape)
        scores = np.where(hidden, -np.inf, scores)
    powers = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    result = powers / np.sum(powers, axis=-1, keepdims=True) @ value
    return [fixpipe(_from_heads(result, layout), node.result_dtype(inputs["query"].dtype))]


def _check(node: Node, inputs: Inputs, layout: str, scale: float) -> None:
    if others := sorted(set(inputs) - KNOWN):
        raise node.error(f"input '{others[0]}' is not supported")
    if layout not in ("BNSD", "BSND", "BSH"):
        raise node.error(f"input_layout '{layout}' must be BNSD, BSND or BSH")
    if node.integer("sparse_mode", 0):
        raise node.error("sparse_mode must be 0")
    if "pse_shift" in inputs and scale != 1:
        raise node.error("with pse_shift scale_value must be 1: what comes first is not documented")


KERNELS: KernelTable = {"PromptFlashAttention": _prompt_flash_attention}
