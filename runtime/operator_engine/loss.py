"""Losses of classifications: scores [N, C, …] against the class of each place, labels [N, …]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node
from runtime.precision import widen


def _log_softmax(x: Array) -> Array:
    shifted = x - np.max(x, axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


def _likelihood_loss(
    node: Node, logarithms: Array, labels: Array, weights: Array | None, ignored: int | None
) -> tuple[Array, Array]:
    """The loss, reduced as the node says, and the sum of the weights."""
    kept = np.ones(labels.shape, np.bool_) if ignored is None else labels != ignored
    classes = np.where(kept, labels, 0).astype(np.int64)
    found = np.squeeze(np.take_along_axis(logarithms, np.expand_dims(classes, 1), 1), 1)
    scale = kept.astype(logarithms.dtype)
    if weights is not None:
        scale = scale * np.take(widen(weights), classes)
    loss, total = -found * scale, np.sum(scale)
    match node.text("reduction", "mean"):
        case "none":
            return loss, total
        case "sum":
            return np.sum(loss), total
        case "mean":
            return np.sum(loss) / total, total
        case other:
            raise node.error(f"reduction '{other}' must be none, sum or mean")


def _ignored(node: Node, default: int | None = None) -> int | None:
    given = node.attributes.get("ignore_index", default)
    return given if isinstance(given, int) else None


def _softmax_cross_entropy(node: Node, inputs: Inputs) -> Sequence[Array]:
    scores = inputs["scores"]
    logarithms = _log_softmax(widen(scores))
    weights, ignored = inputs.get("weights"), _ignored(node)
    loss, _ = _likelihood_loss(node, logarithms, inputs["labels"], weights, ignored)
    return [np.asarray(y).astype(scores.dtype, copy=False) for y in (loss, logarithms)]


def _nll(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, target, weight = inputs["x"], inputs["target"], inputs.get("weight")
    results = _likelihood_loss(node, widen(x), target, weight, _ignored(node, -100))
    return [np.asarray(y).astype(x.dtype, copy=False) for y in results]


def _onnx_nll(node: Node, inputs: Inputs) -> Sequence[Array]:
    """ONNX's own form, which has places beside the batch."""
    x, target, weight = inputs["input"], inputs["target"], inputs.get("weight")
    loss, _ = _likelihood_loss(node, widen(x), target, weight, _ignored(node))
    return [np.asarray(loss).astype(x.dtype, copy=False)]


KERNELS: KernelTable = {
    "NLLLoss": _nll,
    "OnnxNegativeLogLikelihoodLoss": _onnx_nll,
    "SoftmaxCrossEntropyLoss": _softmax_cross_entropy,
}
