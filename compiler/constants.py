"""From the constants of the IR to the bytes they stand for, and small ones to Python values."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from xdsl.dialects.builtin import (
    AnyFloat,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntAttr,
    IntegerAttr,
    IntegerType,
    i32,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.hints import isa

from compiler.weights import Cast, FileBytes, Inline, Splat, Weight
from dialects.ge import ConstOp
from dialects.types import RankedTensor, element_name, tensor_type
from dialects.weights import CastAttr, FileAttr, SplatAttr


def weight_of(value: Attribute) -> Weight:
    """The bytes that a constant's value attribute stands for."""
    match value:
        case FileAttr():
            return FileBytes(value.path.data, value.offset.data, value.length.data)
        case SplatAttr():
            return Splat(_element_bytes(value.value), value.count.data)
        case CastAttr():
            names = element_name(value.from_type), element_name(value.to_type)
            assert names[0] and names[1], "CastAttr checks its element types"
            return Cast(weight_of(value.source), names[0], names[1])
        case DenseIntOrFPElementsAttr():
            return Inline(value.data.data)
        case _:
            raise TypeError(f"not a weight: {value}")


def _element_bytes(value: Attribute) -> bytes:
    if isa(value, IntegerAttr[IntegerType]):
        return value.type.pack((value.type.get_normalized_value(value.value.data),))
    assert isa(value, FloatAttr[AnyFloat]), "SplatAttr checks its value"
    return value.type.pack((value.value.data,))


def dense_i64(values: Sequence[int]) -> DenseIntOrFPElementsAttr:
    """A small one-dimensional int64 tensor constant."""
    return _dense(tensor_type((len(values),), i64), struct.pack(f"<{len(values)}q", *values))


def dense_i32(values: Sequence[int]) -> DenseIntOrFPElementsAttr:
    """A small one-dimensional int32 tensor constant."""
    return _dense(tensor_type((len(values),), i32), struct.pack(f"<{len(values)}i", *values))


def _dense(type: Attribute, data: bytes) -> DenseIntOrFPElementsAttr:
    return DenseIntOrFPElementsAttr(type, BytesAttr(data))  # pyright: ignore[reportArgumentType]


def constant_values(value: SSAValue | None) -> tuple[int, ...] | None:
    """The integers of a small constant operand; None when it is not a constant of integers."""
    owner = value.owner if value is not None else None
    if not isinstance(owner, ConstOp):
        return None
    attribute = owner.value
    if isinstance(attribute, SplatAttr) and isa(attribute.value, IntegerAttr[IntegerType]):
        return (attribute.value.value.data,) * attribute.count.data
    if isinstance(attribute, DenseIntOrFPElementsAttr) and isinstance(
        attribute.get_element_type(), IntegerType
    ):
        return tuple(int(number) for number in attribute.get_values())
    return None


def scalar(value: Attribute) -> SplatAttr:
    """A constant of one element."""
    return SplatAttr(value, IntAttr(1))


def first_element(value: Attribute) -> Attribute | None:
    """The element of a small constant that has exactly one distinct value; None for others."""
    if isinstance(value, SplatAttr):
        return value.value
    if isinstance(value, DenseIntOrFPElementsAttr):
        elements = set(value.get_attrs())
        return elements.pop() if len(elements) == 1 else None
    return None


def reshaped(value: Attribute, type: RankedTensor) -> Attribute:
    """The same elements under another shape: only dense values know their shape."""
    if isinstance(value, DenseIntOrFPElementsAttr):
        return _dense(type, value.data.data)
    return value
