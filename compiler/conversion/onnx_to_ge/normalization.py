"""Normalisations: by given statistics, over the last axes, by a p-norm, across channels."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import TensorType, f32, i32
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.checks import result_type
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import (
    boolean,
    data_type,
    integer,
    integers,
    rank_of,
    real,
    string,
)
from dialects.types import DYNAMIC, AnyTensor, shape_of, tensor_like, tensor_type, unranked_type

FIRST = ("x", "gamma", "beta", "identity_0", "identity_1", "identity_2", "shape", "LayerNorm")
BROADCASTS = ("broadcastto1", "broadcastto2")
WITH_CASTS = ("identity_4", "Adds", "cast2", "Rsqrt", "identity_3", "cast1")
WITHOUT_CASTS = ("Identity4", "Adds", "Rsqrt", "Identity3")


def layer_normalization(emit: Emitter) -> list[SSAValue]:
    """LayerNormalization → LayerNorm, its parameters broadcast to the shape of x.

    The statistics that it may have as further results are computed where they are used.
    """
    casts = emit.node.integer("stash_type") != 0
    emit.expand(*FIRST, *BROADCASTS, *(WITH_CASTS if casts else WITHOUT_CASTS))
    x = _identity(emit, emit.needed("X"), "identity_0")
    rank = rank_of(x) if isinstance(x.type, TensorType) else DYNAMIC
    shape_type = [tensor_type((rank,), i32)]
    dtype = {"dtype": data_type(i32)}
    shape = emit.op("Shape", {"x": x}, dtype, inner="shape", results=shape_type)
    inputs = {"x": x, "gamma": _broadcast(emit, emit.needed("Scale"), x, shape, 1)}
    inputs["beta"] = _broadcast(emit, _beta(emit), x, shape, 2)
    epsilon = real(emit.node.number("epsilon") or 0.0)
    attributes = {"begin_norm_axis": integer(emit.integer("axis")), "epsilon": epsilon}
    if not any(result.uses for result in emit.node.results[1:]):
        return [emit.op("LayerNorm", inputs, attributes, inner="LayerNorm")]
    reduced = _statistics_type(emit, x)
    results = [emit.result_types[0], reduced, reduced]
    y, mean, variance = emit.ops(
        "LayerNorm", inputs, attributes, inner="LayerNorm", results=results
    )
    added = {"value": epsilon}
    variance = emit.op("Adds", {"x": variance}, added, inner="Adds", results=[reduced])
    inverse = emit.op("Rsqrt", {"x": variance}, inner="Rsqrt", results=[reduced])
    return [y, *(_stashed(emit, value, casts, k) for k, value in ((4, mean), (3, inverse)))]


def _statistics_type(emit: Emitter, x: SSAValue) -> AnyTensor:
    """The type of mean and variance as LayerNorm has them: the shape that ONNX tells, and x's."""
    element = cast(AnyTensor, x.type).element_type
    for type in emit.result_types[1:]:
        if isinstance(type, TensorType):
            return tensor_like(cast(AnyTensor, type), element)
    return unranked_type(element)


def _beta(emit: Emitter) -> SSAValue:
    given = emit.input("B")
    return emit.scalar("beta", 0.0, f32) if given is None else given


def _identity(emit: Emitter, x: SSAValue, inner: str) -> SSAValue:
    return emit.op("Identity", {"x": x}, inner=inner, results=[x.type])


def _broadcast(emit: Emitter, value: SSAValue, x: SSAValue, shape: SSAValue, k: int) -> SSAValue:
    inputs = {"x": _identity(emit, value, f"identity_{k}"), "shape": shape}
    element = cast(AnyTensor, value.type).element_type
    full = [tensor_like(cast(AnyTensor, x.type), element)]
    return emit.op("BroadcastTo", inputs, inner=f"broadcastto{k}", results=full)


def _stashed(emit: Emitter, value: SSAValue, casts: bool, k: int) -> SSAValue:
    """A statistic in float32, or as it is."""
    if not casts:
        return _identity(emit, value, f"Identity{k}")
    value = _identity(emit, value, f"identity_{k}")
    results = [tensor_like(cast(AnyTensor, value.type), f32)]
    inner = {4: "cast2", 3: "cast1"}[k]
    return emit.op("Cast", {"x": value}, {"dst_type": data_type(f32)}, inner=inner, results=results)


def lp_normalization(emit: Emitter) -> list[SSAValue]:
    """LpNormalization → x divided by its LpNormV2.

    `one_for_zero`, an attribute of ours, makes it 0 and no NaN where the norm is 0.
    """
    emit.expand("data0", "Identity", "LpNormV2", "Div")
    axis, p = emit.integer("axis"), emit.integer("p")
    if p not in (1, 2):
        raise emit.fail(f"attribute 'p' is {p}, it must be 1 or 2")
    attributes: dict[str, Attribute] = {
        "p": real(float(p)),
        "axes": integers([axis]),
        "keepdim": boolean(True),
        "epsilon": real(0.0),
        "one_for_zero": boolean(True),
    }
    x = _identity(emit, emit.needed("input"), "Identity")
    norm = _norm_type(x, axis)
    norms = emit.op("LpNormV2", {"x": x}, attributes, inner="LpNormV2", results=[norm])
    return [emit.op("Div", {"x1": x, "x2": norms}, inner="Div")]


def _norm_type(x: SSAValue, axis: int) -> AnyTensor:
    type = cast(AnyTensor, x.type)
    if not isinstance(type, TensorType):
        return type
    shape = list(type.get_shape())
    shape[axis] = 1
    return tensor_type(tuple(shape), type.element_type)


def rms_normalization(emit: Emitter) -> list[SSAValue]:
    """RMSNormalization → RmsNorm, which normalises over as many axes as its gamma has.

    Where ONNX's axis says another count, it is an attribute of ours.
    """
    x, gamma, axis = emit.needed("X"), emit.needed("scale"), emit.integer("axis")
    attributes: dict[str, Attribute] = {"epsilon": real(emit.node.number("epsilon") or 0.0)}
    if rank_of(gamma) != (-axis if axis < 0 else rank_of(x) - axis):
        attributes["axis"] = integer(axis)
    return [emit.op("RmsNorm", {"x": x, "gamma": gamma}, attributes)]


def batch_normalization(emit: Emitter) -> list[SSAValue]:
    """BatchNormalization → BatchNorm; only its first result has a meaning at inference."""
    if len(emit.node.results) > 1 and any(result.uses for result in emit.node.results[1:]):
        raise emit.no_form("has outputs that only training needs")
    older = {"mean": "mean", "variance": "var"}
    newer = {"mean": "input_mean", "variance": "input_var"}
    if emit.has("training_mode") and emit.node.integer("training_mode"):
        raise emit.no_form("trains (training_mode=1), GraphEngine's form here only infers")
    names = newer if emit.input("input_mean") is not None else older
    inputs = {"x": emit.needed("X"), "scale": emit.needed("scale"), "offset": emit.needed("B")}
    inputs |= {port: emit.needed(name) for port, name in names.items()}
    attributes = {
        "epsilon": real(emit.node.number("epsilon") or 0.0),
        "data_format": string("NCHW"),
        "is_training": boolean(False),
        "onnx": string("onnx"),
    }
    results = [result_type(emit, shape_of(inputs["x"]))]
    return [emit.op("BatchNorm", inputs, attributes, results=results)]


def lrn(emit: Emitter) -> list[SSAValue]:
    """LRN → LRN, its window a radius and alpha per element.

    An even `size`, an attribute of ours, is one channel more behind than before.
    """
    size = emit.node.integer("size") or 1
    attributes = {
        "depth_radius": integer((size - 1) // 2),
        "bias": real(emit.node.number("bias") or 0.0),
        "alpha": real((emit.node.number("alpha") or 0.0) / size),
        "beta": real(emit.node.number("beta") or 0.0),
        "norm_region": string("ACROSS_CHANNELS"),
    }
    even = {} if size % 2 else {"size": integer(size)}
    return [emit.op("LRN", {"x": emit.needed("X")}, attributes | even)]
