"""The activation functions that a recurrent layer can choose by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from runtime.operator_engine.node import Array

Activation = Callable[[Array], Array]


def _sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), by a function that does not overflow."""
    return np.tanh(x * 0.5) * 0.5 + 0.5


_PLAIN: dict[str, Activation] = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.logaddexp(x, 0).astype(x.dtype, copy=False),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh": np.tanh,
}


def _affine(x: Array, alpha: float, beta: float) -> Array:
    return alpha * x + beta


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _hard_sigmoid(x: Array, alpha: float, beta: float) -> Array:
    return np.clip(alpha * x + beta, 0, 1)


def _leaky_relu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * x)


def _scaled_tanh(x: Array, alpha: float, beta: float) -> Array:
    return alpha * np.tanh(beta * x)


def _thresholded_relu(x: Array, alpha: float) -> Array:
    return np.where(x > alpha, x, 0)


_PARAMETERS: dict[str, tuple[Callable[..., Array], dict[str, float]]] = {
    "affine": (_affine, {"alpha": 1.0, "beta": 0.0}),
    "elu": (_elu, {"alpha": 1.0}),
    "hardsigmoid": (_hard_sigmoid, {"alpha": 0.2, "beta": 0.5}),
    "leakyrelu": (_leaky_relu, {"alpha": 0.01}),
    "scaledtanh": (_scaled_tanh, {"alpha": 1.0, "beta": 1.0}),
    "thresholdedrelu": (_thresholded_relu, {"alpha": 1.0}),
}
"""Functions with parameters, and what these are when they are not given (ONNX's operators)."""


def activations(
    names: Sequence[str], alphas: Sequence[float], betas: Sequence[float]
) -> list[Activation]:
    """The functions by their names in any case. Each takes its parameters from the lists in turn.

    ValueError for a name that ONNX does not have.
    """
    left = {"alpha": list(alphas), "beta": list(betas)}
    found: list[Activation] = []
    for name in names:
        key = name.lower()
        if key in _PLAIN:
            found.append(_PLAIN[key])
            continue
        if key not in _PARAMETERS:
            raise ValueError(f"'{name}' is no activation function")
        function, defaults = _PARAMETERS[key]
        given = {p: left[p].pop(0) if left[p] else value for p, value in defaults.items()}
        found.append(partial(function, **given))
    return found
