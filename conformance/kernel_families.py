"""Random operators, family by family: shapes at and beside the units of the hardware."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st

from compiler.conversion.ge_to_davinci.elementwise import ARITHMETIC, COMPARISONS
from compiler.conversion.ge_to_davinci.functions import PLAIN, WITH_ATTRIBUTES
from conformance.kernel_check import Array, Case, Value

Draw: TypeAlias = st.DrawFn

EDGES = (1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 100, 127, 128, 129, 200, 255, 257)
"""Sizes around the rows of a fractal, the elements of a block, and those of a repeat."""
LARGE = 60_000
"""The most elements of a tensor."""

sizes = st.sampled_from(EDGES)
sizes_of_parts = st.sampled_from((1, 2, 15, 16, 17, 33))
small = st.sampled_from((1, 2, 3, 5))
dtypes = st.sampled_from((np.float16, np.float32))


def _whole(draw: Draw, shape: Sequence[int], dtype: Any) -> Array:
    """Small whole numbers: sums and products of them are exact."""
    seed = draw(st.integers(0, 2**16))
    return np.random.default_rng(seed).integers(-3, 4, tuple(shape)).astype(dtype)


def _real(draw: Draw, shape: Sequence[int], dtype: Any, *, positive: bool = False) -> Array:
    seed = draw(st.integers(0, 2**16))
    x = np.random.default_rng(seed).normal(size=tuple(shape))
    return (np.abs(x) + 0.125 if positive else x).astype(dtype)


def _shape(draw: Draw, least: int = 1, most: int = 4, limit: int = LARGE) -> tuple[int, ...]:
    """Dimensions of which only the last may be large once the others are."""
    shape: list[int] = []
    for _ in range(draw(st.integers(least, most))):
        room = limit // max(prod(shape), 1)
        shape.append(draw(st.sampled_from([size for size in EDGES if size <= room])))
    return tuple(draw(st.permutations(shape)))


@st.composite
def matmul(draw: Draw) -> Case:
    """Products in both transposes, plain and in batches that broadcast, with and without a bias."""
    m, k, n, dtype = draw(sizes), draw(sizes), draw(sizes), draw(dtypes)
    flip1, flip2 = draw(st.booleans()), draw(st.booleans())
    left, right = ((k, m) if flip1 else (m, k)), ((n, k) if flip2 else (k, n))
    if draw(st.booleans()):
        batch = draw(
            st.sampled_from([((), ()), ((3,), (3,)), ((2, 1), (2,)), ((2,), ()), ((1,), (4,))])
        )
        shapes = (*batch[0], *left), (*batch[1], *right)
        inputs = {
            port: _whole(draw, s, dtype) for port, s in zip(("x1", "x2"), shapes, strict=True)
        }
        return Case("BatchMatMulV2", inputs, {"adj_x1": flip1, "adj_x2": flip2})
    inputs = {"x1": _whole(draw, left, dtype), "x2": _whole(draw, right, dtype)}
    if draw(st.booleans()):
        inputs["bias"] = _whole(draw, (n,), draw(dtypes))
    return Case("MatMulV2", inputs, {"transpose_x1": flip1, "transpose_x2": flip2})


@st.composite
def conv(draw: Draw) -> Case:
    """Strides, dilations, pads, groups, few and many channels, with and without a bias."""
    groups, dtype = draw(st.sampled_from((1, 1, 2, 3))), draw(dtypes)
    channels = draw(st.sampled_from((1, 3, 4, 15, 16, 17, 33, 64)))
    filters = draw(st.sampled_from((1, 3, 8, 16, 17, 33, 65)))
    kernel = draw(st.sampled_from((1, 2, 3, 5))), draw(st.sampled_from((1, 2, 3, 7)))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    pads = [draw(st.integers(0, reach[0] - 1)) for _ in range(2)]
    pads += [draw(st.integers(0, reach[1] - 1)) for _ in range(2)]
    height = reach[0] + draw(st.integers(0, 20))
    width = reach[1] + draw(st.sampled_from((0, 1, 7, 13, 16, 17, 30)))
    images = draw(st.integers(1, 2))
    inputs = {
        "x": _whole(draw, (images, groups * channels, height, width), dtype),
        "filter": _whole(draw, (groups * filters, channels, *kernel), dtype),
    }
    if draw(st.booleans()):
        inputs["bias"] = _whole(draw, (groups * filters,), dtype)
    attributes: dict[str, Value] = {
        "strides": (1, 1, *stride),
        "dilations": (1, 1, *dilation),
        "pads": tuple(pads),
        "groups": groups,
        "data_format": "NCHW",
    }
    return Case("Conv2D", inputs, attributes)


_POSITIVE = {"Log", "Pow", "Reciprocal", "Rsqrt", "Sqrt", "RealDiv", "Div"}
_ATTRIBUTES: Mapping[str, Mapping[str, Value]] = {
    "Muls": {"value": 0.5},
    "Adds": {"value": 0.5},
    "LeakyRelu": {"negative_slope": 0.5},
}
_UNARY = sorted({*PLAIN, *WITH_ATTRIBUTES, "IsNan", "IsInf"})
_BINARY = sorted({*ARITHMETIC, *COMPARISONS, "SquaredDifference", "Pow"})


@st.composite
def elementwise(draw: Draw) -> Case:
    """One tensor, element by element."""
    kind, dtype = draw(st.sampled_from(_UNARY)), draw(dtypes)
    x = _real(draw, _shape(draw), dtype, positive=kind in _POSITIVE)
    return Case(kind, {"x": x}, _ATTRIBUTES.get(kind, {}))


@st.composite
def cast(draw: Draw) -> Case:
    """Between the two float types; 0 and 1 are GraphEngine's numbers of f32 and f16."""
    to = draw(st.sampled_from((0, 1)))
    return Case("Cast", {"x": _real(draw, _shape(draw), draw(dtypes))}, {"dst_type": to})


@st.composite
def broadcast(draw: Draw) -> Case:
    """Two tensors, either with dimensions of 1 and missing ones."""
    kind, dtype, shape = draw(st.sampled_from(_BINARY)), draw(dtypes), _shape(draw, limit=20_000)
    inputs: dict[str, Array] = {}
    whole = draw(st.integers(0, 2))
    for place, port in enumerate(("x1", "x2")):
        own = [1 if place != whole and draw(st.booleans()) else size for size in shape]
        first = draw(st.integers(0, len(shape))) if place != whole else 0
        inputs[port] = _real(draw, own[first:], dtype, positive=kind in _POSITIVE)
    return Case(kind, inputs, {})


@st.composite
def choice(draw: Draw) -> Case:
    """Selections by a mask, and what is computed of masks."""
    kind = draw(st.sampled_from(("SelectV2", "LogicalAnd", "LogicalOr", "LogicalNot")))
    dtype, shape = draw(dtypes), _shape(draw, limit=20_000)
    x, y = _real(draw, shape, dtype), _real(draw, shape, dtype)
    match kind:
        case "SelectV2":
            return Case(kind, {"condition": x > 0, "then": x, "else": y}, {})
        case "LogicalNot":
            return Case(kind, {"x": x > 0}, {})
        case _:
            return Case(kind, {"x1": x > 0, "x2": y > 0}, {})


@st.composite
def bounded(draw: Draw) -> Case:
    """Tensors kept between bounds, and with slopes below zero."""
    kind = draw(st.sampled_from(("ClipByValue", "PRelu")))
    dtype, shape = draw(dtypes), _shape(draw, 2, 4, 20_000)
    inputs = {"x": _real(draw, shape, dtype)}
    if kind == "PRelu":
        inputs["weight"] = _real(draw, shape[1:2] + (1,) * (len(shape) - 2), dtype)
    else:
        inputs["clip_value_min"] = np.array(-0.5, dtype)
        inputs["clip_value_max"] = np.array(0.75, dtype)
    return Case(kind, inputs, {})


@st.composite
def accumulate(draw: Draw) -> Case:
    """The sum of several tensors of one shape."""
    shape, count, dtype = _shape(draw, limit=10_000), draw(st.integers(1, 9)), draw(dtypes)
    inputs = {f"x{i}": _whole(draw, shape, dtype) for i in range(count)}
    return Case("AccumulateNV2", inputs, {"N": count})


@st.composite
def reduce(draw: Draw) -> Case:
    """Sums, means and maxima over any axes, kept or not."""
    shape, dtype = _shape(draw), draw(dtypes)
    kind = draw(st.sampled_from(("ReduceSum", "ReduceMean", "ReduceMax")))
    axes = draw(st.lists(st.sampled_from(range(len(shape))), min_size=1, unique=True))
    inputs = {"x": _whole(draw, shape, dtype), "axes": np.array(sorted(axes), np.int64)}
    return Case(kind, inputs, {"keep_dims": draw(st.booleans())})


@st.composite
def softmax(draw: Draw) -> Case:
    """Along any one axis."""
    shape, dtype = _shape(draw), draw(dtypes)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    return Case("SoftmaxV2", {"x": _real(draw, shape, dtype)}, {"axes": (axis,)})


@st.composite
def layer_norm(draw: Draw) -> Case:
    """Over the last axes."""
    shape, dtype = _shape(draw, limit=20_000), draw(dtypes)
    axis = draw(st.integers(0, len(shape) - 1))
    inputs = {"x": _real(draw, shape, dtype)}
    inputs |= {port: _real(draw, shape[axis:], dtype) for port in ("gamma", "beta")}
    attributes = {"begin_norm_axis": axis, "begin_params_axis": axis, "epsilon": 1e-3}
    return Case("LayerNorm", inputs, attributes, outputs=1)


@st.composite
def channel(draw: Draw) -> Case:
    """Parameters by channel: biases and the inference form of batch normalisation."""
    shape, dtype = _shape(draw, 2, 4), draw(dtypes)
    if draw(st.booleans()):
        place = 1 if (nchw := draw(st.booleans())) or len(shape) == 2 else len(shape) - 1
        inputs = {"x": _real(draw, shape, dtype), "bias": _real(draw, (shape[place],), dtype)}
        return Case("BiasAdd", inputs, {"data_format": "NCHW" if nchw else "NHWC"})
    inputs = {"x": _real(draw, shape, dtype)}
    for port in ("scale", "offset", "mean", "variance"):
        inputs[port] = _real(draw, shape[1:2], dtype, positive=port == "variance")
    return Case("BNInfer", inputs, {"epsilon": 1e-3})


@st.composite
def pooling(draw: Draw) -> Case:
    """Maxima and means of windows, padded in each of the ways there are."""
    dtype = draw(dtypes)
    kernel, stride = (
        [draw(st.integers(1, 4)) for _ in "hw"],
        [draw(st.integers(1, 3)) for _ in "hw"],
    )
    pads = [draw(st.integers(0, (k - 1) // 2)) for k in kernel for _ in "ab"]
    height, width = (k + draw(st.sampled_from((0, 1, 6, 13, 29))) for k in kernel)
    planes = draw(st.integers(1, 2)), draw(st.sampled_from((1, 3, 16, 17)))
    kind = draw(st.sampled_from(("MaxPoolV3", "AvgPoolV2")))
    attributes: dict[str, Value] = {
        "ksize": (1, 1, *kernel),
        "strides": (1, 1, *stride),
        "pads": tuple(pads),
        "padding_mode": draw(st.sampled_from(("CALCULATED", "VALID", "SAME"))),
        "data_format": "NCHW",
        "ceil_mode": draw(st.booleans()),
    }
    if kind == "AvgPoolV2":
        attributes["exclusive"] = draw(st.booleans())
    return Case(kind, {"x": _whole(draw, (*planes, height, width), dtype)}, attributes)


@st.composite
def lrn(draw: Draw) -> Case:
    """Normalisation over neighbouring channels."""
    radius, dtype = draw(st.integers(0, 4)), draw(dtypes)
    shape = draw(small), draw(st.sampled_from((1, 3, 16, 33))), draw(st.sampled_from((1, 9, 40)))
    x = _real(draw, (*shape, draw(st.sampled_from((1, 5, 17)))), dtype)
    attributes: dict[str, Value] = {
        "depth_radius": radius,
        "bias": 1.0,
        "alpha": 0.125,
        "beta": 0.75,
        "norm_region": "ACROSS_CHANNELS",
    }
    return Case("LRN", {"x": x}, attributes)


@st.composite
def transpose(draw: Draw) -> Case:
    """Any permutation."""
    shape, dtype = _shape(draw, 1, 5, 40_000), draw(dtypes)
    perm = draw(st.permutations(range(len(shape))))
    inputs = {"x": _real(draw, shape, dtype), "perm": np.array(perm, np.int64)}
    return Case("Transpose", inputs, {})


@st.composite
def concat(draw: Draw) -> Case:
    """Tensors that differ along one axis."""
    shape, dtype = list(_shape(draw, limit=5_000)), draw(dtypes)
    axis, count = draw(st.integers(0, len(shape) - 1)), draw(st.integers(1, 6))
    rest = prod(shape) // shape[axis]
    fitting = [size for size in EDGES if size * rest <= 10_000]
    inputs: dict[str, Array] = {}
    for place in range(count):
        shape[axis] = draw(st.sampled_from(fitting))
        inputs[f"x{place}"] = _real(draw, shape, dtype)
    return Case("ConcatD", inputs, {"concat_dim": axis, "N": count})


@st.composite
def split(draw: Draw) -> Case:
    """A tensor cut along an axis, into equal parts or not, or into its slices."""
    shape, dtype = list(_shape(draw, limit=10_000)), draw(dtypes)
    axis, count = draw(st.integers(0, len(shape) - 1)), draw(st.integers(1, 4))
    match kind := draw(st.sampled_from(("SplitD", "SplitVD", "Unpack"))):
        case "SplitD":
            shape[axis] *= count
            attributes: dict[str, Value] = {"split_dim": axis, "num_split": count}
        case "SplitVD":
            sizes = [draw(sizes_of_parts) for _ in range(count)]
            shape[axis] = sum(sizes)
            attributes = {"size_splits": sizes, "split_dim": axis, "num_split": count}
        case _:
            shape[axis] = count
            attributes = {"axis": axis, "num": count}
    return Case(kind, {"x": _real(draw, shape, dtype)}, attributes)


@st.composite
def slices(draw: Draw) -> Case:
    """Parts of a tensor with steps, forwards and backwards."""
    shape, dtype = _shape(draw, limit=20_000), draw(dtypes)
    steps = [draw(st.sampled_from((1, 1, 2, 3, -1, -2))) for _ in shape]
    first = [draw(st.integers(0, n - 1)) for n in shape]
    last = [draw(st.integers(0, n - 1 - at)) for n, at in zip(shape, first, strict=True)]
    begin, end = list(first), [at + more + 1 for at, more in zip(first, last, strict=True)]
    for axis, step in enumerate(steps):
        if step < 0:
            begin[axis], end[axis] = end[axis] - 1, first[axis] - 1 - shape[axis]
    numbers = {"begin": begin, "end": end, "axes": list(range(len(shape))), "strides": steps}
    inputs = {"x": _real(draw, shape, dtype)}
    inputs |= {port: np.array(value, np.int64) for port, value in numbers.items()}
    return Case("StridedSliceV2", inputs, {})


@st.composite
def repeat(draw: Draw) -> Case:
    """A tensor repeated, broadcast, or with a border."""
    shape, dtype = _shape(draw, 1, 4, 2_000), draw(dtypes)
    kind = draw(st.sampled_from(("Tile", "BroadcastTo", "PadV3")))
    if kind == "Tile":
        times = [draw(st.integers(1, 3)) for _ in shape]
        numbers = {"multiples": times}
    elif kind == "BroadcastTo":
        shape, whole = tuple(n if draw(st.booleans()) else 1 for n in shape), shape
        numbers = {"shape": [draw(small), *whole] if draw(st.booleans()) else list(whole)}
    else:
        numbers = {"paddings": [draw(st.integers(0, 4)) for _ in shape for _ in "ab"]}
    inputs = {"x": _real(draw, shape, dtype)}
    inputs |= {port: np.array(value, np.int64) for port, value in numbers.items()}
    return Case(kind, inputs, {"mode": "constant"} if kind == "PadV3" else {})


@st.composite
def space(draw: Draw) -> Case:
    """Squares of points to channels and back."""
    block, dtype = draw(st.integers(1, 3)), draw(dtypes)
    images, channels = draw(small), draw(small)
    height, width = draw(st.integers(1, 9)), draw(st.sampled_from((1, 5, 16, 31)))
    attributes: dict[str, Value] = {"block_size": block, "data_format": "NCHW"}
    if draw(st.booleans()):
        x = _real(draw, (images, channels * block**2, height, width), dtype)
        attributes["mode"] = draw(st.sampled_from(("DCR", "CRD")))
        return Case("DepthToSpace", {"x": x}, attributes)
    x = _real(draw, (images, channels, height * block, width * block), dtype)
    return Case("SpaceToDepth", {"x": x}, attributes)


FAMILIES: Mapping[str, Callable[[], st.SearchStrategy[Case]]] = {
    "matmul": matmul,
    "conv": conv,
    "elementwise": elementwise,
    "cast": cast,
    "broadcast": broadcast,
    "choice": choice,
    "bounded": bounded,
    "accumulate": accumulate,
    "reduce": reduce,
    "softmax": softmax,
    "layer_norm": layer_norm,
    "channel": channel,
    "pooling": pooling,
    "lrn": lrn,
    "transpose": transpose,
    "concat": concat,
    "split": split,
    "slices": slices,
    "repeat": repeat,
    "space": space,
}
