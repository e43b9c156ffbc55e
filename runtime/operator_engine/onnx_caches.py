"""What ONNX has for language models beside attention: rotary places, caches of fixed size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node, listed
from runtime.precision import widen


def _rotary(node: Node, inputs: Inputs) -> Sequence[Array]:
    """X [B, heads, S, D] or [B, S, heads · D], its pairs turned by the angles of their places."""
    x = inputs["X"]
    split = x if x.ndim == 4 else x.reshape(*x.shape[:2], node.integer("num_heads"), -1)
    size = node.integer("rotary_embedding_dim", 0) or split.shape[-1]
    cosine, sine = (_angles(inputs, name, size, x.ndim) for name in ("cos_cache", "sin_cache"))
    if node.integer("interleaved", 0):
        first, second = slice(0, size, 2), slice(1, size, 2)
    else:
        first, second = slice(0, size // 2), slice(size // 2, size)
    wide, y = widen(split), split.copy()
    a, b = wide[..., first], wide[..., second]
    y[..., first] = a * cosine - b * sine
    y[..., second] = a * sine + b * cosine
    return [y.reshape(x.shape)]


def _angles(inputs: Inputs, name: str, size: int, rank: int) -> Array:
    """Sines or cosines [B, S, size / 2], with an axis for the heads."""
    cache = widen(inputs[name])
    if "position_ids" in inputs:
        cache = cache[inputs["position_ids"]]
    if cache.shape[-1] != size // 2:
        raise ValueError(f"{name} has {cache.shape[-1]} angles, {size} elements are turned")
    return np.expand_dims(cache, 1 if rank == 4 else 2)


def _tensor_scatter(node: Node, inputs: Inputs) -> Sequence[Array]:
    """past_cache with update [B, …, S, …] written at write_indices [B] of the axis of S."""
    present, axis = inputs["past_cache"].copy(), node.integer("axis", -2)
    cache, update = (np.moveaxis(x, axis, 1) for x in (present, inputs["update"]))
    count, size = update.shape[1], cache.shape[1]
    starts = listed(inputs["write_indices"]) if "write_indices" in inputs else [0] * len(cache)
    circular = node.text("mode", "linear") == "circular"
    for row, start, new in zip(cache, starts, update, strict=True):
        if not circular and not 0 <= start <= size - count:
            ends = f"{start} to {start + count - 1}"
            raise ValueError(f"places {ends} are written of a cache of {size}")
        row[(start + np.arange(count)) % size] = new
    return [present]


KERNELS: KernelTable = {"OnnxRotaryEmbedding": _rotary, "OnnxTensorScatter": _tensor_scatter}
