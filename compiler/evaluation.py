"""What small nodes compute, told at compile time: shape arithmetic and the like, with NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any, TypeAlias

import numpy as np

from dialects.ge import NodeOp, type_of

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
Operands: TypeAlias = Mapping[str, Array]
Rule: TypeAlias = "Callable[[NodeOp, Operands], Array]"


class CannotTellError(Exception):
    """A node whose result is not ours to say: the device decides, or it is an error there."""


def _listed(array: Array) -> list[int]:
    return [int(value) for value in array.reshape(-1).tolist()]


def _quotient(a: Array, b: Array) -> Array:
    """The quotient; of integers rounded towards zero, as C has it."""
    if a.dtype.kind == "f":
        return a / b
    down = np.floor_divide(a, _not_zero(b))
    return down + ((down < 0) & (down * b != a))


def _not_zero(divisor: Array) -> Array:
    if divisor.dtype.kind in "iu" and not divisor.all():
        raise CannotTellError
    return divisor


def _divided(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda a, b: function(a, _not_zero(b))


ELEMENTWISE: dict[str, Callable[..., Array]] = {
    "Abs": np.abs,
    "Add": np.add,
    "Cast": np.asarray,
    "Ceil": np.ceil,
    "Div": _quotient,
    "Equal": np.equal,
    "Floor": np.floor,
    "FloorDiv": _divided(np.floor_divide),
    "FloorMod": _divided(np.mod),
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Identity": np.asarray,
    "Less": np.less,
    "LessEqual": np.less_equal,
    "LogicalAnd": np.logical_and,
    "LogicalNot": np.logical_not,
    "LogicalOr": np.logical_or,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Mul": np.multiply,
    "Neg": np.negative,
    "NotEqual": np.not_equal,
    "OnesLike": np.ones_like,
    "RealDiv": _quotient,
    "SelectV2": np.where,
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "ZerosLike": np.zeros_like,
}
"""Operators that work on each element by itself, with NumPy's broadcasting."""


def _gather(node: NodeOp, x: Operands) -> Array:
    if node.integer("batch_dims", 0):
        raise CannotTellError
    axis = _listed(x["axis"])[0] if "axis" in x else 0
    return np.take(x["x"], x["indices"], axis)


def _concat(node: NodeOp, x: Operands) -> Array:
    parts = dict(x)
    given = parts.pop("concat_dim", None)
    axis = node.integer("concat_dim", 0) if given is None else _listed(given)[0]
    return np.concatenate(list(parts.values()), axis)


def _pack(node: NodeOp, x: Operands) -> Array:
    return np.stack(list(x.values()), node.integer("axis", 0))


MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


def cuts(node: NodeOp, begin: Sequence[int], x: Operands, shape: Sequence[int]) -> list[slice]:
    """What a StridedSlice takes of each axis: ONNX's rule, positions clamped to the axis."""
    if any(node.integer(mask, 0) for mask in MASKS):
        raise CannotTellError
    axes = _listed(x["axes"]) if "axes" in x else range(len(begin))
    steps = _listed(x["strides"]) if "strides" in x else [1] * len(begin)
    taken = [slice(None)] * len(shape)
    for axis, first, last, step in zip(axes, begin, _listed(x["end"]), steps, strict=True):
        taken[axis] = _clamped(first, last, step, shape[axis])
    return taken


def _clamped(first: int, last: int, step: int, size: int) -> slice:
    first, last = (place + size if place < 0 else place for place in (first, last))
    if step > 0:
        return slice(max(first, 0), max(last, 0), step)
    if first < 0:
        return slice(0, 0)
    return slice(min(first, size - 1), None if last < 0 else last, step)


def _strided_slice(node: NodeOp, x: Operands) -> Array:
    return x["x"][tuple(cuts(node, _listed(x["begin"]), x, x["x"].shape))]


def _onnx_slice(node: NodeOp, x: Operands) -> Array:
    """ONNX's Slice, which the AI CPU computes where GraphEngine has no form for it."""
    names = {"starts": "begin", "ends": "end", "axes": "axes", "steps": "strides"}
    if "starts" not in x:
        raise CannotTellError  # of an opset that has attributes for them
    renamed = {names[port]: value for port, value in x.items() if port in names}
    taken = cuts(node, _listed(renamed["begin"]), renamed, x["data"].shape)
    return x["data"][tuple(taken)]


def _slice(node: NodeOp, x: Operands) -> Array:
    return x["x"][tuple(_parts(x))]


def _reduce(function: Callable[..., Array]) -> Rule:
    def rule(node: NodeOp, x: Operands) -> Array:
        axes = tuple(_listed(x["axes"]))
        if not axes and node.integer("noop_with_empty_axes", 1):
            return x["x"]
        keep = bool(node.integer("keep_dims", 0))
        if x["x"].size == 0:
            raise CannotTellError
        return np.asarray(function(x["x"], axis=axes or None, keepdims=keep))

    return rule


def _range(node: NodeOp, x: Operands) -> Array:
    start, limit, delta = (x[port].reshape(-1)[0] for port in ("start", "limit", "delta"))
    count = max(0, ceil((float(limit) - float(start)) / float(_not_zero(np.asarray(delta)))))
    return start + np.arange(count).astype(x["start"].dtype) * delta


def _transpose(node: NodeOp, x: Operands) -> Array:
    return x["x"].transpose(_listed(x["perm"]) if "perm" in x else node.integers("perm"))


def _expand(node: NodeOp, x: Operands) -> Array:
    shape = np.broadcast_shapes(x["x"].shape, tuple(_listed(x["shape"])))
    return np.broadcast_to(x["x"], shape)


def _trilu(node: NodeOp, x: Operands) -> Array:
    k = _listed(x["k"])[0] if "k" in x else 0
    return np.triu(x["x"], k) if node.integer("upper", 0) else np.tril(x["x"], k)


def _mod(node: NodeOp, x: Operands) -> Array:
    """`fmod` and `one_hot_indices` are ours, as the device has them."""
    function = np.fmod if node.integer("fmod", 1) else np.mod
    a, b = x["x1"], _not_zero(x["x2"])
    y = function(a, b)
    return np.where((a >= 0) & (a < 2 * b), y, -1) if node.integer("one_hot_indices", 0) else y


OTHERS: dict[str, Rule] = {
    "BroadcastTo": _expand,
    "Concat": _concat,
    "ConcatD": _concat,
    "Expand": _expand,
    "Gather": _gather,
    "GatherV2": _gather,
    "Mod": _mod,
    "OnnxSlice": _onnx_slice,
    "Pack": _pack,
    "Range": _range,
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "Slice": _slice,
    "StridedSlice": _strided_slice,
    "StridedSliceV2": _strided_slice,
    "Tile": lambda node, x: np.tile(x["x"], _listed(x["multiples"])),
    "Transpose": _transpose,
    "TransposeD": _transpose,
    "Trilu": _trilu,
}
"""Operators that look at places, or at several elements."""


def compute(node: NodeOp, operands: Operands, element: np.dtype[Any]) -> Array:
    """The result of a node in the element type that it declares; narrow floats are widened.

    Raises CannotTellError where the device must say.
    """
    kind = type_of(node)
    wide = {port: _widened(x) for port, x in operands.items()}
    try:
        with np.errstate(all="ignore"):
            function = ELEMENTWISE.get(kind)
            result = function(*wide.values()) if function else OTHERS[kind](node, wide)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError):
        raise CannotTellError from None  # the device reports what is wrong with the node
    return _converted(np.asarray(result), element)


def _widened(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype.itemsize < 4 and is_float(x.dtype) else x


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether the elements are floating point, bfloat16 included."""
    return dtype.kind == "f" or dtype.name == "bfloat16"


def _converted(x: Array, element: np.dtype[Any]) -> Array:
    """Numbers in another type; a float that an integer cannot hold is the device's affair."""
    if element.name.startswith("float8"):
        raise CannotTellError
    if is_float(x.dtype) and element.kind in "iu":
        limits = np.iinfo(element)
        inside = (x.astype(np.float64) > limits.min) & (x.astype(np.float64) < limits.max)
        if not inside.all():
            raise CannotTellError
    return x.astype(element)


def ranges(
    node: NodeOp, numbers: Mapping[str, Sequence[int]], shape: Sequence[int]
) -> list[range] | None:
    """The places that a slice takes of each axis; None where it is not ours to say.

    `numbers` are the values at the ports behind the first one.
    """
    x = {port: np.array(values) for port, values in numbers.items()}
    try:
        parts = cuts(node, numbers["begin"], x, shape) if "begin" in x else _parts(x)
    except CannotTellError:
        return None
    return [range(size)[part] for part, size in zip(parts, shape, strict=True)]


def _parts(x: Operands) -> list[slice]:
    """What a Slice takes of each axis."""
    pairs = zip(_listed(x["offsets"]), _listed(x["size"]), strict=True)
    return [slice(at, None if size < 0 else at + size) for at, size in pairs]
