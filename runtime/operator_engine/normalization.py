"""Normalisation at inference: batch, layer, group, instance, RMS and local response."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from runtime.operator_engine.broadcast import along_channels
from runtime.operator_engine.node import Array, Inputs, KernelTable, Node
from runtime.precision import widen


def _scaled(inputs: Inputs, x: Array, data_format: str, epsilon: float) -> Array:
    scale, offset, mean, variance = (
        along_channels(widen(inputs[port]), x, data_format)
        for port in ("scale", "offset", "mean", "variance")
    )
    factor = scale / np.sqrt(variance + epsilon)
    y = widen(x) * factor
    y += offset - mean * factor
    return y


def _bn_infer(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["x"]
    return [_scaled(inputs, x, "NCHW", node.number("epsilon")).astype(x.dtype, copy=False)]


def _batch_norm(node: Node, inputs: Inputs) -> Sequence[Array]:
    """Inference only; the statistics pass through and the reserve spaces repeat them."""
    if node.flag("is_training", True):
        raise node.error("training is not supported; is_training must be false")
    x, mean, variance = inputs["x"], inputs["mean"], inputs["variance"]
    data_format = node.text("data_format", "NHWC")
    y = _scaled(inputs, x, data_format, node.number("epsilon", 1e-4)).astype(x.dtype, copy=False)
    return [y, mean, variance, mean, variance, variance]


def _lrn(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, radius = inputs["x"], node.integer("depth_radius", 5)
    wide = widen(x)
    size = node.integer("size", 2 * radius + 1)
    around = (radius, size - 1 - radius)
    squares = np.pad(np.square(wide), [(0, 0), around, *[(0, 0)] * (x.ndim - 2)])
    total = np.zeros_like(wide)
    for start in range(size):
        total += squares[:, start : start + x.shape[1]]
    base = node.number("bias", 1.0) + node.number("alpha", 1.0) * total
    return [(wide / base ** node.number("beta", 0.5)).astype(x.dtype, copy=False)]


def _standardised(x: Array, axes: tuple[int, ...], epsilon: float) -> tuple[Array, Array, Array]:
    """x with mean 0 and variance 1 over the axes; its mean; 1 / its standard deviation."""
    mean = x.mean(axis=axes, keepdims=True)
    y = x - mean
    inverse = 1 / np.sqrt(np.square(y).mean(axis=axes, keepdims=True) + epsilon)
    y *= inverse
    return y, mean, inverse


def _layer_norm(node: Node, inputs: Inputs) -> Sequence[Array]:
    """x, gamma, beta → y, mean, variance; V3 gives 1 / standard deviation as its third output."""
    x = inputs["x"]
    axes = tuple(range(node.integer("begin_norm_axis", 0) % x.ndim, x.ndim))
    default = 1e-5 if node.type == "LayerNormV3" else 1e-7
    epsilon = node.number("epsilon", default)
    y, mean, inverse = _standardised(widen(x), axes, epsilon)
    y *= widen(inputs["gamma"])
    y += widen(inputs["beta"])
    spread = inverse if node.type == "LayerNormV3" else 1 / np.square(inverse) - epsilon
    return [part.astype(x.dtype, copy=False) for part in (y, mean, spread)]


def _instance_norm(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["x"]
    axes = tuple(range(2, x.ndim))
    y, mean, inverse = _standardised(widen(x), axes, node.number("epsilon", 1e-6))
    gamma = along_channels(widen(inputs["gamma"]), x, "NCHW")
    beta = along_channels(widen(inputs["beta"]), x, "NCHW")
    y *= gamma
    y += beta
    results = [y, mean, 1 / np.square(inverse) - node.number("epsilon", 1e-6)]
    return [part.astype(x.dtype, copy=False) for part in results]


def _group_norm(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, groups = inputs["x"], node.integer("num_groups")
    if x.shape[1] % groups:
        raise node.error(f"{x.shape[1]} channels do not divide into {groups} groups")
    rows = widen(x).reshape(x.shape[0], groups, -1)
    y, mean, inverse = _standardised(rows, (2,), node.number("eps", 1e-5))
    gamma, beta = (_by_channel(inputs[port], x, groups) for port in ("gamma", "beta"))
    y = y.reshape(x.shape)
    y *= gamma
    y += beta
    results = [y, mean[..., 0], inverse[..., 0]]
    return [part.astype(x.dtype, copy=False) for part in results]


def _by_channel(parameter: Array, x: Array, groups: int) -> Array:
    """A parameter over the channels; ONNX's opset 18 has one over the groups."""
    if len(parameter) == groups:
        parameter = np.repeat(parameter, x.shape[1] // groups)
    return along_channels(widen(parameter), x, "NCHW")


def _rms_norm(node: Node, inputs: Inputs) -> Sequence[Array]:
    """`axis` is ONNX's; without it all axes of gamma are normalised over."""
    x, gamma = inputs["x"], inputs["gamma"]
    axes = tuple(range(node.integer("axis", x.ndim - gamma.ndim) % x.ndim, x.ndim))
    wide = widen(x)
    inverse = 1 / np.sqrt(
        np.square(wide).mean(axis=axes, keepdims=True) + node.number("epsilon", 1e-6)
    )
    y = (wide * inverse * widen(gamma)).astype(x.dtype, copy=False)
    return [y, inverse.astype(np.float32)]


def _mvn(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["x"]
    axes = tuple(axis % x.ndim for axis in node.integers("axes", [0, 2, 3]))
    wide = widen(x)
    mean = wide.mean(axis=axes, keepdims=True)
    count = prod(x.shape[axis] for axis in axes)
    deviation = np.sqrt(np.square(wide - mean).sum(axis=axes, keepdims=True) / count)
    return [((wide - mean) / (deviation + node.number("eps", 1e-9))).astype(x.dtype, copy=False)]


KERNELS: KernelTable = {
    "BNInfer": _bn_infer,
    "BatchNorm": _batch_norm,
    "GroupNorm": _group_norm,
    "GroupNormV2": _group_norm,
    "InstanceNorm": _instance_norm,
    "LRN": _lrn,
    "LayerNorm": _layer_norm,
    "LayerNormV3": _layer_norm,
    "MVNV2": _mvn,
    "RmsNorm": _rms_norm,
}
