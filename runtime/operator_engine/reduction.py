"""Reductions over axes, softmax and running sums; narrow floats are reduced in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from runtime.operator_engine.node import Array, Inputs, Kernel, KernelTable, Node, listed
from runtime.precision import convert, widen

Reduction = Callable[..., Any]


def _log_sum_exp(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(x.dtype, copy=False)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis)


def _sum_of_squares(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    return np.sum(np.square(x), axis=axis, keepdims=keepdims)


def _extreme(reduce: Any, start: float) -> Reduction:
    """The largest or smallest element; of none the value that any other beats."""

    def extreme(x: Array, axis: tuple[int, ...], keepdims: bool) -> Any:
        first = _limit(x.dtype, start)
        return reduce(x, axis=axis, keepdims=keepdims, initial=first)

    return extreme


def _limit(dtype: np.dtype[Any], sign: float) -> Any:
    """The greatest (1) or least (-1) value of a type."""
    if dtype == np.bool_:
        return sign > 0
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return limits.max if sign > 0 else limits.min
    return sign * np.inf


_REDUCTIONS: dict[str, Reduction] = {
    "ReduceAll": np.all,
    "ReduceAny": np.any,
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceMax": _extreme(np.max, -1.0),
    "ReduceMean": np.mean,
    "ReduceMin": _extreme(np.min, 1.0),
    "ReduceProd": np.prod,
    "ReduceSum": np.sum,
}


def _axes(node: Node, x: Array, axes: Sequence[int], noop_when_empty: bool) -> tuple[int, ...]:
    if not axes:
        return () if noop_when_empty else tuple(range(x.ndim))
    for axis in axes:
        if not -x.ndim <= axis < x.ndim:
            raise node.error(f"axis {axis} does not exist in an input of shape {x.shape}")
    return tuple(sorted({axis % x.ndim for axis in axes}))


def _reduced(node: Node, x: Array, axes: tuple[int, ...], reduce: Reduction) -> Array:
    keep = node.flag("keep_dims", False)
    return convert(np.asarray(reduce(widen(x), axis=axes, keepdims=keep)), x.dtype)


def _from_input(reduce: Reduction) -> Kernel:
    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        x = inputs["x"]
        axes = _axes(node, x, listed(inputs["axes"]), node.flag("noop_with_empty_axes", True))
        return [_reduced(node, x, axes, reduce)]

    return kernel


def _from_attribute(reduce: Reduction, name: str = "axes") -> Kernel:
    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        x = inputs["x"]
        axes = _axes(node, x, node.integers(name), node.flag("noop_with_empty_axes", False))
        return [_reduced(node, x, axes, reduce)]

    return kernel


def _lp_norm(node: Node, inputs: Inputs) -> Sequence[Array]:
    x, order = inputs["x"], node.number("p", 2.0)
    axes = _axes(node, x, node.integers("axes", []), False)
    powers = np.abs(widen(x)) ** order
    total = np.sum(powers, axis=axes, keepdims=node.flag("keepdim", False))
    norms = np.asarray(total ** (1 / order))
    if node.flag("one_for_zero", False):
        norms = np.where(norms == 0, np.ones_like(norms), norms)
    return [norms.astype(x.dtype, copy=False)]


def _shifted(node: Node, x: Array) -> tuple[Array, tuple[int, ...]]:
    axes = _axes(node, x, node.integers("axes", [-1]), False)
    wide = widen(x)
    return wide - np.max(wide, axis=axes, keepdims=True), axes


def _softmax(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["x"]
    shifted, axes = _shifted(node, x)
    powers = np.exp(shifted)
    y = powers / np.sum(powers, axis=axes, keepdims=True)
    return [y.astype(np.float32 if node.flag("half_to_float", False) else x.dtype)]


def _log_softmax(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["logits"]
    shifted, axes = _shifted(node, x)
    total = np.sum(np.exp(shifted), axis=axes, keepdims=True)
    return [(shifted - np.log(total)).astype(x.dtype, copy=False)]


def _hard_max(node: Node, inputs: Inputs) -> Sequence[Array]:
    """1 at the first maximum along an axis, or along the `axes` of ONNX's first opsets."""
    x = inputs["x"]
    axes = _axes(node, x, node.integers("axes", [node.integer("axis", -1)]), False)
    rows = np.moveaxis(x, axes, range(-len(axes), 0))
    flat = rows.reshape(*rows.shape[: x.ndim - len(axes)], -1)
    y = np.zeros(flat.shape, x.dtype)
    np.put_along_axis(y, np.argmax(widen(flat), axis=-1)[..., np.newaxis], 1, axis=-1)
    return [np.moveaxis(y.reshape(rows.shape), range(-len(axes), 0), axes)]


def _running(accumulate: Callable[..., Array], start: int) -> Kernel:
    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        x, axis = inputs["x"], listed(inputs["axis"])[0]
        flip = partial(np.flip, axis=axis) if node.flag("reverse", False) else np.asarray
        wide = flip(widen(x))
        if node.flag("exclusive", False):
            first = np.full_like(np.take(wide, [0], axis), start)
            wide = np.concatenate([first, np.delete(wide, -1, axis)], axis)
        return [flip(accumulate(wide, axis=axis)).astype(x.dtype, copy=False)]

    return kernel


def _arg(find: Callable[..., Any]) -> Kernel:
    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        x, axis = widen(inputs["x"]), listed(inputs["dimension"])[0]
        if node.integer("select_last_index", 0):  # ours, of ONNX
            places = x.shape[axis] - 1 - np.asarray(find(np.flip(x, axis), axis=axis))
        else:
            places = np.asarray(find(x, axis=axis))
        return [places.astype(node.result_dtype(np.dtype(np.int64)))]

    return kernel


KERNELS: KernelTable = {
    **{name: _from_input(reduce) for name, reduce in _REDUCTIONS.items()},
    **{f"{name}D": _from_attribute(reduce) for name, reduce in _REDUCTIONS.items()},
    "ArgMaxV2": _arg(np.argmax),
    "ArgMin": _arg(np.argmin),
    "Cumprod": _running(np.cumprod, 1),
    "Cumsum": _running(np.cumsum, 0),
    "HardMax": _hard_max,
    "LogSoftmaxV2": _log_softmax,
    "LpNormV2": _lp_norm,
    "SoftmaxV2": _softmax,
    "SquareSumV1": _from_attribute(_sum_of_squares, "axis"),
}
