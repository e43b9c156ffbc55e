"""TensorDescriptor: type, shape, format and sizes of what a port carries."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from xdsl.dialects.builtin import StringAttr, UnrankedTensorType
from xdsl.ir import Attribute, SSAValue

from compiler.om.attributes import ListKind, TypedList, set_attribute
from compiler.om.contract import ELEMENT_TYPE_NAME
from compiler.om.dtypes import STAND_INS
from compiler.om.formats import format_number
from compiler.om.ge_ir_pb2 import DataType, TensorDescriptor
from compiler.sizes import byte_size, dtype_of
from dialects.ge import NodeOp
from dialects.types import DYNAMIC, AnyTensor, RankedTensor, element_name

UNKNOWN_RANK = (-2,)
MAX_SIZE = 1 << 62
PLAIN_PORTS = frozenset({"bias", "scale", "offset", "mean", "variance"})
"""Ports that keep format ND on an operator with a data_format."""


def dims_of(type: Attribute) -> tuple[int, ...]:
    """Dimensions as GraphEngine writes them: -1 unknown, a single -2 for an unknown rank."""
    if isinstance(type, UnrankedTensorType):
        return UNKNOWN_RANK
    return tuple(-1 if dim == DYNAMIC else dim for dim in cast(RankedTensor, type).get_shape())


def format_of(node: NodeOp, port: str) -> str:
    """The format of a port: that of the operator's data_format for images, else ND."""
    data_format = node.attributes.get("data_format")
    if isinstance(data_format, StringAttr) and port not in PLAIN_PORTS:
        return data_format.data
    return "ND"


def describe_tensor(desc: TensorDescriptor, value: SSAValue, port: str, layout: str) -> None:
    """Fill in the descriptor of a tensor at a port."""
    desc.CopyFrom(_nameless(value.type, layout, padded(stated_size(value))))
    desc.name = port


@lru_cache(1 << 12)
def _nameless(type: Attribute, layout: str, size: int) -> TensorDescriptor:
    """A descriptor but for the port: a model has many tensors of few types."""
    desc = TensorDescriptor(layout=layout, device_type="NPU", size=size)
    element = cast(AnyTensor, type).element_type
    dtype = dtype_of(element)
    desc.dtype = cast(DataType.ValueType, dtype.proto)
    desc.shape.SetInParent()
    desc.shape.dim.extend(dims_of(type))
    number = format_number(layout)
    set_attribute(desc.attr["format_for_int"], number)
    set_attribute(desc.attr["origin_format"], layout)
    set_attribute(desc.attr["origin_format_for_int"], number)
    set_attribute(desc.attr["origin_shape"], TypedList(ListKind.INT, tuple(desc.shape.dim)))
    set_attribute(desc.attr["origin_shape_initialized"], True)
    set_attribute(desc.attr["origin_data_type"], dtype.name)
    if (name := element_name(element)) in STAND_INS:
        set_attribute(desc.attr[ELEMENT_TYPE_NAME], name or "")
    return desc


def stated_size(value: SSAValue) -> int:
    """The bytes of a tensor; 0 where they are not known, or more than any memory has."""
    size = byte_size(value)
    return size if size <= MAX_SIZE else 0


def padded(size: int) -> int:
    """The room a compiled tensor takes: 32 bytes more, rounded up to 32; 0 stays 0."""
    return (size + 32 + 31) // 32 * 32 if size else 0
