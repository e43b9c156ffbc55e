"""Operators that draw random numbers: the same ones in each execution where they have a seed."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np

from runtime.operator_engine.ai_cpu import kept
from runtime.operator_engine.node import Array, Inputs, Kernel, KernelTable, Node, listed, number_at
from runtime.operator_engine.seeds import fresh_seed
from runtime.precision import widen


def _generator(node: Node, *seeds: int) -> np.random.Generator:
    """A generator of its own for each seed; GraphEngine's 0 is none, ONNX's may be any number."""
    onnx = struct.pack("<f", node.number("onnx_seed")) if "onnx_seed" in node.attributes else b""
    words = [*onnx] or [seed & 0xFFFFFFFF for seed in seeds]
    return np.random.default_rng(words if onnx or any(seeds) else fresh_seed(node))


def _drawn(draw: Callable[[np.random.Generator, tuple[int, ...]], Array]) -> Kernel:
    """shape → numbers of the distribution in the element type of the result."""

    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        generator = _generator(node, node.integer("seed", 0), node.integer("seed2", 0))
        y = draw(generator, tuple(listed(inputs["shape"])))
        return [y.astype(node.result_dtype(np.dtype(np.float32)))]

    return kernel


def _multinomial(node: Node, inputs: Inputs) -> Sequence[Array]:
    """logits [batch, classes] of any scale → the classes drawn [batch, samples]."""
    logits = widen(inputs["logits"]).astype(np.float64)
    count = listed(inputs["num_samples"])[0]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    bounds = np.cumsum(powers, axis=1)
    generator = _generator(node, node.integer("seed", 0), node.integer("seed2", 0))
    places = generator.random((len(logits), count)) * bounds[:, -1:]
    drawn = np.sum(places[:, :, None] >= bounds[:, None, :], axis=2)
    return [drawn.astype(node.result_dtype(np.dtype(np.int64)))]


def _bernoulli(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["x"]
    generator = _generator(node, *listed(inputs["seed"]), *listed(inputs["offset"]))
    y = generator.random(x.shape) < widen(x)
    return [y.astype(node.result_dtype(x.dtype))]


def _standard_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return generator.standard_normal(shape)


def _uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return generator.random(shape)


def _onnx_dropout(node: Node, inputs: Inputs) -> Sequence[Array]:
    """ONNX's own form, which may train and tells what it keeps; it draws as onnx does."""
    x = y = inputs["data"]
    ratio = number_at(inputs, "ratio", node.number("ratio", 0.5))
    keep = np.ones(x.shape, np.bool_)
    if number_at(inputs, "training_mode", 0) and ratio > 0:
        seed = node.integer("seed") if "seed" in node.attributes else fresh_seed(node)
        keep = np.random.RandomState(seed).uniform(size=x.shape) >= ratio
        y = np.where(keep, widen(x) / (1 - ratio), 0)
    types = [desc.dtype for desc in node.outputs]
    return [a.astype(dtype) for a, dtype in zip(kept(node, [y, keep]), types, strict=True)]


KERNELS: KernelTable = {
    "Multinomial": _multinomial,
    "OnnxDropout": _onnx_dropout,
    "RandomStandardNormal": _drawn(_standard_normal),
    "RandomUniform": _drawn(_uniform),
    "StatelessBernoulliV2": _bernoulli,
}
