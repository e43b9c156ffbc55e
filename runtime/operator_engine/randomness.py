"""Operators that draw random numbers: the same ones in each run where they have a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from runtime.operator_engine.layout import listed
from runtime.operator_engine.node import Array, Inputs, Kernel, KernelTable, Node
from runtime.precision import widen


def _generator(*seeds: int) -> np.random.Generator:
    """A generator of its own for each seed; without any it begins anywhere."""
    return np.random.default_rng([seed & 0xFFFFFFFF for seed in seeds] if any(seeds) else None)


def _drawn(draw: Callable[[np.random.Generator, tuple[int, ...]], Array]) -> Kernel:
    """shape → numbers of the distribution in the element type of the result."""

    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        generator = _generator(node.integer("seed", 0), node.integer("seed2", 0))
        y = draw(generator, tuple(listed(inputs["shape"])))
        return [y.astype(node.result_dtype(np.dtype(np.float32)))]

    return kernel


def _multinomial(node: Node, inputs: Inputs) -> Sequence[Array]:
    """logits [batch, classes] of any scale → the classes drawn [batch, samples]."""
    logits = widen(inputs["logits"]).astype(np.float64)
    count = listed(inputs["num_samples"])[0]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    bounds = np.cumsum(powers, axis=1)
    generator = _generator(node.integer("seed", 0), node.integer("seed2", 0))
    places = generator.random((len(logits), count)) * bounds[:, -1:]
    drawn = np.sum(places[:, :, None] >= bounds[:, None, :], axis=2)
    return [drawn.astype(node.result_dtype(np.dtype(np.int64)))]


def _bernoulli(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["x"]
    generator = _generator(*listed(inputs["seed"]), *listed(inputs["offset"]))
    y = generator.random(x.shape) < widen(x)
    return [y.astype(node.result_dtype(x.dtype))]


def _standard_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return generator.standard_normal(shape)


def _uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return generator.random(shape)


KERNELS: KernelTable = {
    "Multinomial": _multinomial,
    "RandomStandardNormal": _drawn(_standard_normal),
    "RandomUniform": _drawn(_uniform),
    "StatelessBernoulliV2": _bernoulli,
}
