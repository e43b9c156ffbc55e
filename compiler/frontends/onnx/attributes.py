"""ONNX node attributes as MLIR attributes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import onnx
from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, FloatAttr, IntegerAttr, f32, i64
from xdsl.ir import Attribute

from compiler.frontends.onnx.payloads import Payloads
from compiler.frontends.onnx.tensors import sparse_attribute, string_attribute, tensor_attribute
from compiler.frontends.onnx.types import convert_type
from dialects.weights import is_printable_number

_CACHED = 65536
_string = lru_cache(_CACHED)(string_attribute)


@lru_cache(_CACHED)
def _integer(value: int) -> IntegerAttr:
    return IntegerAttr(value, i64)


@lru_cache(_CACHED)
def _float(value: float) -> FloatAttr:
    return FloatAttr(value, f32)


@lru_cache(_CACHED)
def _integers(values: tuple[int, ...]) -> DenseArrayBase:
    return DenseArrayBase.from_list(i64, values)


@lru_cache(_CACHED)
def _floats(values: tuple[float, ...]) -> Attribute:
    """A dense array, or one of attributes where xDSL's parser cannot read the dense one."""
    if all(map(is_printable_number, values)):
        return DenseArrayBase.from_list(f32, values)
    return ArrayAttr([_float(value) for value in values])


_CONVERSIONS: dict[int, Callable[[onnx.AttributeProto, Payloads], Attribute]] = {
    onnx.AttributeProto.INT: lambda a, _: _integer(a.i),
    onnx.AttributeProto.FLOAT: lambda a, _: _float(a.f),
    onnx.AttributeProto.STRING: lambda a, _: _string(a.s),
    onnx.AttributeProto.INTS: lambda a, _: _integers(tuple(a.ints)),
    onnx.AttributeProto.FLOATS: lambda a, _: _floats(tuple(a.floats)),
    onnx.AttributeProto.STRINGS: lambda a, _: ArrayAttr([_string(s) for s in a.strings]),
    onnx.AttributeProto.TENSOR: lambda a, p: tensor_attribute(a.t, p),
    onnx.AttributeProto.TENSORS: lambda a, p: ArrayAttr(
        [tensor_attribute(tensor, p) for tensor in a.tensors]
    ),
    onnx.AttributeProto.SPARSE_TENSOR: lambda a, p: sparse_attribute(a.sparse_tensor, p),
    onnx.AttributeProto.SPARSE_TENSORS: lambda a, p: ArrayAttr(
        [sparse_attribute(sparse, p) for sparse in a.sparse_tensors]
    ),
    onnx.AttributeProto.TYPE_PROTO: lambda a, _: convert_type(a.tp),
    onnx.AttributeProto.TYPE_PROTOS: lambda a, _: ArrayAttr(
        [convert_type(proto) for proto in a.type_protos]
    ),
}


def convert_attribute(attribute: onnx.AttributeProto, payloads: Payloads) -> Attribute | None:
    """The value of an attribute; None for one of a kind that is no value."""
    convert = _CONVERSIONS.get(attribute.type)
    return None if convert is None else convert(attribute, payloads)
