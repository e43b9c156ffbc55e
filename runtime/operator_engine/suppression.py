"""Non-maximum suppression: of boxes that overlap, the one with the best score stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node, number_at
from runtime.precision import widen


def _corners(boxes: Array, centred: bool) -> tuple[Array, Array]:
    """The lower and upper corners [n, 2] of boxes [n, 4]: two corners, or centre and size."""
    first, second = boxes[:, :2], boxes[:, 2:]
    if centred:
        return first - second / 2, first + second / 2
    return np.minimum(first, second), np.maximum(first, second)


def _overlaps(low: Array, high: Array, areas: Array, one: int, others: Array) -> Array:
    """Intersection over union of one box and others."""
    inner = np.minimum(high[one], high[others]) - np.maximum(low[one], low[others])
    shared = np.prod(np.maximum(inner, 0), axis=1)
    union = areas[one] + areas[others] - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0)


def kept_boxes(
    boxes: Array, order: Array, limit: int, threshold: float, *, centred: bool
) -> list[int]:
    """At most `limit` of the boxes [n, 4], tried in the order given."""
    low, high = _corners(boxes, centred)
    areas, kept = np.prod(high - low, axis=1), list[int]()
    while order.size and len(kept) < limit:
        best = int(order[0])
        kept.append(best)
        rest = order[1:]
        order = rest[_overlaps(low, high, areas, best, rest) <= threshold]
    return kept


def _non_max_suppression(node: Node, inputs: Inputs) -> Sequence[Array]:
    """boxes [batch, n, 4], scores [batch, classes, n] → (batch, class, box) of what stays."""
    boxes, scores = widen(inputs["boxes"]), widen(inputs["scores"])
    limit = int(number_at(inputs, "max_output_size", 0))
    threshold = np.float32(number_at(inputs, "iou_threshold", 0.0))
    least = number_at(inputs, "score_threshold", -np.inf)
    centred = node.flag("center_point_box", False)
    found: list[tuple[int, int, int]] = []
    for batch, kind in np.ndindex(scores.shape[:2]):
        line = scores[batch, kind]
        order = np.argsort(-line, kind="stable")
        order = order[line[order] > least]
        kept = kept_boxes(boxes[batch], order, limit, float(threshold), centred=centred)
        found += [(batch, kind, box) for box in kept]
    return [np.array(found, np.int32).reshape(-1, 3)]


KERNELS: KernelTable = {"NonMaxSuppressionV6": _non_max_suppression}
