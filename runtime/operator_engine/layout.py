"""Operators that rearrange one tensor: transposes, views, tiles, blocks."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from runtime.operator_engine.node import Array, Inputs, Kernel, KernelTable, Node, listed


def _first(inputs: Inputs) -> Array:
    return next(iter(inputs.values()))


def _identity(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [_first(inputs)]


def _transpose(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [inputs["x"].transpose(listed(inputs["perm"]))]


def _transpose_by(attribute: str) -> Kernel:
    return lambda node, inputs: [inputs["x"].transpose(node.integers(attribute))]


def _reshape(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, shape = inputs["x"], listed(inputs["shape"])
    if not node.integer("allowzero", 0):
        shape = [x.shape[axis] if dim == 0 else dim for axis, dim in enumerate(shape)]
    return [x.reshape(shape)]


def _flatten(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, axis = inputs["x"], node.integer("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return [x.reshape(prod(x.shape[:axis]), prod(x.shape[axis:]))]


def _flatten_v2(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["x"]
    first, last = node.integer("axis", 1) % x.ndim, node.integer("end_axis", -1) % x.ndim
    middle = prod(x.shape[first : last + 1])
    return [x.reshape(*x.shape[:first], middle, *x.shape[last + 1 :])]


def _squeezed(x: Array, axes: Sequence[int]) -> Array:
    return np.squeeze(x, tuple(axes)) if axes else np.squeeze(x)


def _squeeze(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [_squeezed(inputs["x"], node.integers("axis", []))]


def _squeeze_v3(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [_squeezed(inputs["x"], listed(inputs["axes"]) if "axes" in inputs else [])]


def _unsqueeze_by(attribute: str) -> Kernel:
    return lambda node, inputs: [np.expand_dims(inputs["x"], node.integers(attribute))]


def _unsqueeze_at(port: str) -> Kernel:
    return lambda node, inputs: [np.expand_dims(inputs["x"], listed(inputs[port]))]


def _broadcast(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["x"]
    shape = np.broadcast_shapes(x.shape, tuple(listed(inputs["shape"])))
    return [np.broadcast_to(x, shape)]


def _tile(node: Node, inputs: Inputs) -> Sequence[Array]:
    return [np.tile(inputs["x"], listed(inputs["multiples"]))]


def _depth_to_space(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, block, last = inputs["x"], node.integer("block_size"), _channels_last(node)
    n, c, h, w = (np.moveaxis(x, -1, 1) if last else x).shape
    depth = c // (block * block)
    x = np.moveaxis(x, -1, 1) if last else x
    if node.text("mode", "DCR") == "DCR":
        y = x.reshape(n, block, block, depth, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        y = x.reshape(n, depth, block, block, h, w).transpose(0, 1, 4, 2, 5, 3)
    y = y.reshape(n, depth, h * block, w * block)
    return [np.moveaxis(y, 1, -1) if last else y]


def _space_to_depth(node: Node, inputs: Inputs) -> Sequence[Array]:
    block, last = node.integer("block_size"), _channels_last(node)
    x = np.moveaxis(inputs["x"], -1, 1) if last else inputs["x"]
    n, c, h, w = x.shape
    # `mode` is ours: ONNX's CRD has the depth of each channel together.
    order = (0, 1, 3, 5, 2, 4) if node.text("mode", "DCR") == "CRD" else (0, 3, 5, 1, 2, 4)
    y = x.reshape(n, c, h // block, block, w // block, block).transpose(order)
    y = y.reshape(n, c * block * block, h // block, w // block)
    return [np.moveaxis(y, 1, -1) if last else y]


def _channels_last(node: Node) -> bool:
    return node.text("data_format", "NHWC") == "NHWC"


def _trilu(node: Node, inputs: Inputs) -> Sequence[Array]:
    k = listed(inputs["k"])[0] if "k" in inputs else 0
    return [(np.triu if node.integer("upper", 0) else np.tril)(inputs["x"], k)]


def _reverse_sequence(node: Node, inputs: Inputs) -> Sequence[Array]:
    y, time, batch = inputs["x"].copy(), node.integer("seq_dim"), node.integer("batch_dim", 0)
    rows = np.moveaxis(y, (batch, time), (0, 1))
    for row, length in zip(rows, listed(inputs["seq_lengths"]), strict=True):
        row[:length] = row[:length][::-1].copy()
    return [y]


KERNELS: KernelTable = {
    "BroadcastTo": _broadcast,
    "DepthToSpace": _depth_to_space,
    "Dropout": _identity,
    "Expand": _broadcast,
    "ExpandDims": _unsqueeze_at("axis"),
    "Flatten": _flatten,
    "FlattenV2": _flatten_v2,
    "Identity": _identity,
    "Permute": _transpose_by("order"),
    "Reshape": _reshape,
    "ReverseSequence": _reverse_sequence,
    "SpaceToDepth": _space_to_depth,
    "Squeeze": _squeeze,
    "SqueezeV2": _squeeze,
    "SqueezeV3": _squeeze_v3,
    "TensorMove": _identity,
    "Tile": _tile,
    "Transpose": _transpose,
    "TransposeD": _transpose_by("perm"),
    "Trilu": _trilu,
    "Unsqueeze": _unsqueeze_by("axes"),
    "UnsqueezeV2": _unsqueeze_by("axis"),
    "UnsqueezeV3": _unsqueeze_at("axes"),
}
