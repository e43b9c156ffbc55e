"""ONNX tensors as attributes: references for weights, dense values for small constants."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import onnx
from onnx import numpy_helper
from xdsl.dialects.builtin import (
    AnyFloat,
    ArrayAttr,
    BytesAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntAttr,
    StringAttr,
    i64,
)
from xdsl.ir import Attribute

from compiler.errors import UserError
from compiler.frontends.onnx.payloads import TYPED_FIELDS, Payloads
from compiler.frontends.onnx.types import element_type
from compiler.weights import FileBytes
from dialects.onnx.attributes import (
    SparseAttr,
    TensorAttr,
    byte_count,
    dense_type,
)
from dialects.types import RankedTensor, element_count, element_name, tensor_type
from dialects.weights import FileAttr, SplatAttr, is_printable, is_printable_number

if TYPE_CHECKING:
    import numpy as np

TensorProto = onnx.TensorProto

_AS_BYTES = {"i1", "i2", "i4", "i8", "ui2", "ui4", "ui8"}
"""Element types that a dense attribute keeps in a byte each."""


def type_of(tensor: TensorProto) -> RankedTensor:
    """The tensor type. UserError for an impossible shape or element type."""
    shape = tuple(tensor.dims)
    if any(size < 0 for size in shape):
        raise UserError(f"tensor '{tensor.name}' has a negative dimension: {list(shape)}")
    element = element_type(tensor.data_type)
    if element is None:
        raise UserError(f"tensor '{tensor.name}' has no element type (data_type is 0 or unknown)")
    return tensor_type(shape, element)


@lru_cache(maxsize=64)
def _path(path: str) -> StringAttr:
    return StringAttr(path)


def payload_of(tensor: TensorProto, payloads: Payloads) -> tuple[Attribute, RankedTensor]:
    """What fills a tensor, and its type. UserError where values and shape do not agree."""
    type = type_of(tensor)
    _check_given_once(tensor)
    place = payloads.of(tensor)
    if isinstance(place, FileBytes):
        _check_bytes(tensor, type, place.length)
        return FileAttr(_path(place.path), IntAttr(place.offset), IntAttr(place.length)), type
    if tensor.data_location == TensorProto.EXTERNAL:
        raise UserError(f"external data of tensor '{tensor.name}': names no location")
    if tensor.data_type == TensorProto.STRING:
        return _strings(tensor, type), type
    return _values(tensor, type), type


def _check_given_once(tensor: TensorProto) -> None:
    elsewhere = tensor.HasField("raw_data") or tensor.data_location == TensorProto.EXTERNAL
    if elsewhere and any(len(getattr(tensor, field)) for field in TYPED_FIELDS):
        raise UserError(f"tensor '{tensor.name}' gives its values twice")


def _check_bytes(tensor: TensorProto, type: RankedTensor, length: int) -> None:
    if length != byte_count(type):
        raise UserError(
            f"tensor '{tensor.name}' has {length} bytes, {type} takes {byte_count(type)}"
        )


def _strings(tensor: TensorProto, type: RankedTensor) -> Attribute:
    if len(tensor.string_data) != element_count(type.get_shape()):
        raise UserError(f"tensor '{tensor.name}' has {len(tensor.string_data)} strings for {type}")
    return ArrayAttr([string_attribute(value) for value in tensor.string_data])


def string_attribute(value: bytes) -> StringAttr | BytesAttr:
    """A string, or bytes when it is not UTF-8."""
    try:
        return StringAttr(value.decode())
    except UnicodeDecodeError:
        return BytesAttr(value)


def _values(tensor: TensorProto, type: RankedTensor) -> Attribute:
    if tensor.HasField("raw_data"):
        _check_bytes(tensor, type, len(tensor.raw_data))
    try:
        array = cast("np.ndarray[Any, Any]", numpy_helper.to_array(tensor))
    except (ValueError, TypeError) as error:
        raise UserError(f"tensor '{tensor.name}' does not fill {type}: {_line(error)}") from None
    return dense(array, type, element_name(type.element_type) or "")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def dense(array: np.ndarray[Any, Any], type: RankedTensor, name: str) -> Attribute:
    """Dense values in xDSL's own storage form, so that printing and parsing give them back.

    Equal numbers that a dense attribute prints badly (the infinities of a mask) are a splat.
    """
    import numpy as np

    if name == "i1":
        array = -array.astype(np.int8)  # true is all ones
    elif name in _AS_BYTES:
        array = array.astype(np.uint8 if name.startswith("u") else np.int8)
    elif name in ("f64", "f32", "f16", "bf16") and array.size:
        first = float(array.flat[0])
        if not is_printable_number(first) and (array == array.flat[0]).all():
            return SplatAttr(
                FloatAttr(first, cast(AnyFloat, type.element_type)), IntAttr(array.size)
            )
    return DenseIntOrFPElementsAttr(type, BytesAttr(array.tobytes()))  # pyright: ignore


def tensor_attribute(tensor: TensorProto, payloads: Payloads) -> Attribute:
    """An attribute of kind TENSOR."""
    payload, type = payload_of(tensor, payloads)
    stands_alone = dense_type(payload) is not None and is_printable(payload)
    return payload if stands_alone else TensorAttr(payload, type)


def sparse_attribute(sparse: onnx.SparseTensorProto, payloads: Payloads) -> SparseAttr:
    """An attribute of kind SPARSE_TENSOR."""
    return SparseAttr(
        tensor_attribute(sparse.values, payloads),
        tensor_attribute(sparse.indices, payloads),
        shape_attribute(sparse.dims),
    )


def shape_attribute(dims: Sequence[int]) -> DenseArrayBase:
    """A shape as an attribute."""
    return DenseArrayBase.from_list(i64, tuple(dims))
