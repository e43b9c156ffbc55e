"""ONNX's types as MLIR types."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import onnx
from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import Attribute

from dialects.onnx.types import (
    ELEMENT_BY_ONNX_NAME,
    STRING,
    UNKNOWN,
    MapType,
    OptionalType,
    SequenceType,
    SparseTensorType,
)
from dialects.types import ELEMENT_TYPES, tensor_type, unranked_type

_ELEMENTS: dict[int, Attribute] = {
    number: ELEMENT_TYPES[ELEMENT_BY_ONNX_NAME[name.lower()]]
    for name, number in onnx.TensorProto.DataType.items()
    if name.lower() in ELEMENT_BY_ONNX_NAME
}
_ELEMENTS[onnx.TensorProto.STRING] = STRING


def element_type(data_type: int) -> Attribute | None:
    """The element type of a TensorProto.DataType number."""
    return _ELEMENTS.get(data_type)


@lru_cache(maxsize=65536)
def parse_type(serialized: bytes) -> Attribute:
    """The type that a serialised TypeProto stands for: one shared instance."""
    return convert_type(onnx.TypeProto.FromString(serialized))


def convert_type(proto: onnx.TypeProto) -> Attribute:
    """The MLIR type of an ONNX type; `!onnx.unknown` where the model does not tell it."""
    kind = proto.WhichOneof("value")
    if kind == "tensor_type":
        return _tensor(proto.tensor_type)
    if kind == "sparse_tensor_type":
        return _wrapped(SparseTensorType, _tensor(proto.sparse_tensor_type))
    if kind == "sequence_type":
        return _wrapped(SequenceType, convert_type(proto.sequence_type.elem_type))
    if kind == "optional_type":
        return _wrapped(OptionalType, convert_type(proto.optional_type.elem_type))
    if kind == "map_type":
        key = element_type(proto.map_type.key_type)
        return MapType(key, convert_type(proto.map_type.value_type)) if key else UNKNOWN
    return UNKNOWN


def _wrapped(wrapper: Callable[[Attribute], Attribute], element: Attribute) -> Attribute:
    return UNKNOWN if element == UNKNOWN else wrapper(element)


def _tensor(proto: onnx.TypeProto.Tensor | onnx.TypeProto.SparseTensor) -> Attribute:
    element = element_type(proto.elem_type)
    if element is None:
        return UNKNOWN
    if not proto.HasField("shape"):
        return unranked_type(element)
    return tensor_type(tuple(_size(dim) for dim in proto.shape.dim), element)


def _size(dim: onnx.TensorShapeProto.Dimension) -> int:
    known = dim.HasField("dim_value") and dim.dim_value >= 0
    return dim.dim_value if known else DYNAMIC_INDEX


def is_open(proto: onnx.TypeProto) -> bool:
    """Whether the type of a tensor leaves a dimension open; one without a shape does not."""
    return any(not dim.HasField("dim_value") for dim in proto.tensor_type.shape.dim)


def dim_params(proto: onnx.TypeProto) -> tuple[str, ...]:
    """The names of the unknown dimensions of a tensor, "" for a nameless one; () without names."""
    if element_type(proto.tensor_type.elem_type) is None:
        return ()
    dims = proto.tensor_type.shape.dim
    names = tuple(dim.dim_param for dim in dims if _size(dim) == DYNAMIC_INDEX)
    return names if any(names) else ()
