"""The recipe of a weight: how the IR says that it is made of named tensors, as plain data."""

from __future__ import annotations

from xdsl.ir import Attribute

from compiler.constants import weight_of
from compiler.om.errors import GraphError, Status
from compiler.weights import Splat
from compiler.weights.recipes import Recipe
from dialects.types import element_name
from dialects.weights import (
    CastAttr,
    ComputeAttr,
    ConcatAttr,
    NamedAttr,
    SliceAttr,
    TransposeAttr,
    static_tensor,
)

LIMIT = 1 << 16
"""Bytes of a constant that a recipe may hold."""


def recipe_of(value: Attribute) -> Recipe:
    """What `compiler.weights.recipes.made` makes the weight's bytes of.

    GraphError for one that needs a large constant without a name.
    """
    match value:
        case NamedAttr():
            return {"source": value.onnx.data}
        case CastAttr():
            types = element_name(value.from_type), element_name(value.to_type)
            return {"cast": recipe_of(value.source), "from": types[0], "to": types[1]}
        case TransposeAttr():
            perm = [int(axis) for axis in value.perm.get_values()]
            return {"transpose": recipe_of(value.source), **_tensor(value.type), "perm": perm}
        case ComputeAttr():
            operands = _operands(value)
            return {"compute": value.kind.data, "operands": operands, **_tensor(value.result)}
        case ConcatAttr():
            dtype = _tensor(value.types.data[0])["dtype"]
            return {"concat": _operands(value), "dtype": dtype, "axis": value.axis.data}
        case SliceAttr():
            begin, size = (list(map(int, n.get_values())) for n in (value.begin, value.size))
            place = {"begin": begin, "size": size}
            return {"slice": recipe_of(value.source), **_tensor(value.type), **place}
        case _:
            return _constant(value)


def _operands(value: ComputeAttr | ConcatAttr) -> list[Recipe]:
    pairs = zip(value.operands, value.types, strict=True)
    return [{"value": recipe_of(v), "shape": _tensor(t)["shape"]} for v, t in pairs]


def _tensor(type: Attribute) -> Recipe:
    tensor = static_tensor(type)
    return {"dtype": element_name(tensor.element_type), "shape": list(tensor.get_shape())}


def _constant(value: Attribute) -> Recipe:
    weight = weight_of(value)
    if isinstance(weight, Splat):
        return {"splat": weight.element.hex(), "count": weight.count}
    if weight.length > LIMIT:
        what = f"a constant of {weight.length} bytes that has no ONNX name ({value.name})"
        raise GraphError(Status.GRAPH_PARAM_INVALID, f"a refreshable weight is made with {what}")
    return {"constant": b"".join(weight.chunks()).hex()}
