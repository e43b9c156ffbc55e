"""Types and attribute values as GraphEngine has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    TensorType,
    UnrankedTensorType,
    f32,
    i1,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

from compiler.sizes import dtype_of
from dialects.ge import DTypeType
from dialects.onnx.types import (
    UNKNOWN,
    MapType,
    OptionalType,
    SequenceType,
    SparseTensorType,
    StringType,
)
from dialects.op import i64_attr
from dialects.types import AnyTensor, tensor_like, tensor_of, tensor_type, unranked_type

GE_STRING = DTypeType(StringAttr("STRING"))
GE_RESOURCE = DTypeType(StringAttr("RESOURCE"))
"""A handle: what GraphEngine makes of sequences; optional values and maps are such, too."""
GE_UNDEFINED = DTypeType(StringAttr("UNDEFINED"))


def ge_type(type: Attribute) -> Attribute:
    """The ge type of an ONNX type: strings have GraphEngine's own element type, and what is no
    tensor is a handle."""
    if isinstance(type, TensorType | UnrankedTensorType):
        tensor = cast(AnyTensor, type)
        return tensor_like(tensor, GE_STRING) if _holds_strings(tensor) else tensor
    if type == UNKNOWN:
        return unranked_type(GE_UNDEFINED)
    if isinstance(type, SequenceType | OptionalType | MapType | SparseTensorType):
        return tensor_type((), GE_RESOURCE)
    return type


def _holds_strings(tensor: AnyTensor) -> bool:
    return isinstance(tensor.element_type, StringType)


def element_of(value: SSAValue) -> Attribute:
    """The element type of a tensor value, ranked or not."""
    type: Attribute = value.type
    if not isinstance(type, TensorType | UnrankedTensorType):
        raise VerifyException(f"a tensor is needed, this is {type}")
    return cast(AnyTensor, type).element_type


def is_ranked(value: SSAValue) -> bool:
    """Whether a value is a tensor of known rank."""
    return isinstance(value.type, TensorType)


def rank_of(value: SSAValue) -> int:
    """The number of dimensions of a value."""
    return len(tensor_of(value).get_shape())


def integer(value: int) -> Attribute:
    """GraphEngine's Int."""
    return i64_attr(value)


def data_type(element: Attribute) -> Attribute:
    """The number of an element type, as Cast (`dst_type`) and Shape (`dtype`) have it."""
    return integer(dtype_of(element).cpp)


TRUE, FALSE = IntegerAttr(1, i1), IntegerAttr(0, i1)


def boolean(value: object) -> Attribute:
    """GraphEngine's Bool."""
    return TRUE if value else FALSE


def real(value: float) -> Attribute:
    """GraphEngine's Float."""
    return FloatAttr(value, f32)


def integers(values: Sequence[int]) -> Attribute:
    """GraphEngine's ListInt."""
    return DenseArrayBase.from_list(i64, list(values))


def reals(values: Sequence[float]) -> Attribute:
    """GraphEngine's ListFloat."""
    return DenseArrayBase.from_list(f32, list(values))


def string(value: str) -> Attribute:
    """GraphEngine's Str."""
    return StringAttr(value)


def strings(*values: str) -> Attribute:
    """GraphEngine's ListStr."""
    return ArrayAttr([StringAttr(value) for value in values])
