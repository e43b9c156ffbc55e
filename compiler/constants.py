"""From the constants of the IR to the bytes they stand for, and small ones to Python values."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, cast

from xdsl.dialects.builtin import (
    AnyFloat,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntAttr,
    IntegerAttr,
    IntegerType,
    StringAttr,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.hints import isa

from compiler.om.strings import encode_strings
from compiler.weights import (
    Cast,
    Computed,
    FileBytes,
    Inline,
    Joined,
    Operand,
    Part,
    Scatter,
    Splat,
    Transposed,
    Weight,
    pinned,
)
from dialects.ge import ConstOp
from dialects.types import (
    SUB_BYTE,
    RankedTensor,
    element_count,
    element_name,
    tensor_of,
    tensor_type,
)
from dialects.weights import (
    CastAttr,
    ComputeAttr,
    ConcatAttr,
    FileAttr,
    NamedAttr,
    ScatterAttr,
    SliceAttr,
    SplatAttr,
    StringsAttr,
    TransposeAttr,
    named_in,
    static_tensor,
)


def weight_of(value: Attribute) -> Weight:
    """The bytes that a constant's value attribute stands for."""
    match value:
        case FileAttr():
            path = value.path.data
            return FileBytes(path, value.offset.data, value.length.data, pinned(path))
        case SplatAttr():
            return Splat(_element_bytes(value.value), value.count.data)
        case CastAttr():
            names = element_name(value.from_type), element_name(value.to_type)
            assert names[0] and names[1], "CastAttr checks its element types"
            return Cast(weight_of(value.source), names[0], names[1])
        case ComputeAttr():
            operands, (element, shape) = _operands(value), _tensor(value.result)
            return Computed(value.kind.data, element, shape, operands)
        case ConcatAttr():
            return Joined(_operands(value), _tensor(value.types.data[0])[0], value.axis.data)
        case SliceAttr():
            begin, size = (tuple(map(int, part.get_values())) for part in (value.begin, value.size))
            return Part(weight_of(value.source), *_tensor(value.type), begin, size)
        case TransposeAttr():
            perm = tuple(int(axis) for axis in value.perm.get_values())
            return Transposed(weight_of(value.source), *_tensor(value.type), perm)
        case StringsAttr():
            return Inline(encode_strings([_text(element) for element in value.elements]))
        case NamedAttr():
            return weight_of(value.source)
        case ScatterAttr():
            values, indices = weight_of(value.values), weight_of(value.indices)
            return Scatter(values, indices, value.count.data)
        case DenseIntOrFPElementsAttr():
            return Inline(_raw(value.data.data, element_name(_element_type(value)) or ""))
        case _:
            raise TypeError(f"not a weight: {value}")


def _operands(value: ComputeAttr | ConcatAttr) -> tuple[Operand, ...]:
    pairs = zip(value.operands, value.types, strict=True)
    return tuple(Operand(weight_of(operand), _tensor(type)[1]) for operand, type in pairs)


def _tensor(type: Attribute) -> tuple[str, tuple[int, ...]]:
    """The element type and the shape of what a weight is the bytes of."""
    tensor = static_tensor(type)
    return element_name(tensor.element_type) or "", tensor.get_shape()


def _text(element: StringAttr | BytesAttr) -> bytes:
    return element.data if isinstance(element, BytesAttr) else element.data.encode()


def _raw(stored: bytes, element: str) -> bytes:
    """Raw data from xDSL's storage, which has a byte for each small element and 0xFF for true."""
    if element == "i1":
        return bytes(byte & 1 for byte in stored)
    per_byte = SUB_BYTE.get(element, 1)
    if per_byte == 1:
        return stored
    bits = 8 // per_byte
    padded = stored + bytes(-len(stored) % per_byte)
    mask = (1 << bits) - 1
    return bytes(
        sum((padded[i + k] & mask) << bits * k for k in range(per_byte))
        for i in range(0, len(padded), per_byte)
    )


def dense_from_raw(data: bytes, type: RankedTensor) -> DenseIntOrFPElementsAttr:
    """A small constant from raw data: the inverse of what `weight_of` does to one."""
    element = element_name(type.element_type) or ""
    if element == "i1":
        data = bytes(0xFF if byte else 0 for byte in data)
    elif per_byte := SUB_BYTE.get(element):
        bits = 8 // per_byte
        unpacked = [byte >> bits * k & (1 << bits) - 1 for byte in data for k in range(per_byte)]
        data = bytes(unpacked[: element_count(type.get_shape())])
    return _dense(type, data)


def _element_type(value: DenseIntOrFPElementsAttr) -> Attribute:
    return cast("RankedTensor", value.get_type()).element_type


def _element_bytes(value: Attribute) -> bytes:
    if isa(value, IntegerAttr[IntegerType]):
        if value.type.width.data == 1:
            return bytes([value.value.data & 1])
        return value.type.pack((value.type.get_normalized_value(value.value.data),))
    assert isa(value, FloatAttr[AnyFloat]), "SplatAttr checks its value"
    return value.type.pack((value.value.data,))


def vector(values: Sequence[float], element: Attribute) -> DenseIntOrFPElementsAttr:
    """A small one-dimensional tensor constant of numbers that struct knows how to pack."""
    code = NUMBERS[element_name(element) or ""]
    data = struct.pack(f"<{len(values)}{code}", *values)
    return _dense(tensor_type((len(values),), element), data)


def const_vector(label: str, values: Sequence[float], element: Attribute) -> ConstOp:
    """A node that holds such a constant."""
    type = tensor_type((len(values),), element)
    return ConstOp.make(label, results=[type], value=vector(values, element))


def number_attribute(value: float, element: Attribute) -> Attribute:
    """A number as the attribute of an element type."""
    if isinstance(element, IntegerType):
        return IntegerAttr(int(value), cast("IntegerType", element))
    return FloatAttr(value, cast("AnyFloat", element))


def _dense(type: Attribute, data: bytes) -> DenseIntOrFPElementsAttr:
    return DenseIntOrFPElementsAttr(type, BytesAttr(data))  # pyright: ignore[reportArgumentType]


INTEGERS = {"i8": "b", "i16": "h", "i32": "i", "i64": "q", "ui8": "B", "ui16": "H", "ui32": "I"}
"""The struct code of the element types that shapes and axes have."""
NUMBERS = {**INTEGERS, "f16": "e", "f32": "f", "f64": "d"}
"""Those of the types whose small constants are read as numbers."""
READABLE = 1024
"""Constants of at most so many bytes are read where a pass must know their values."""


def constant_values(value: SSAValue | None) -> tuple[int, ...] | None:
    """The integers of a small constant operand; None when it is not a constant of integers."""
    return _read(value, INTEGERS)


def constant_numbers(value: SSAValue | None) -> tuple[float, ...] | None:
    """The numbers of a small constant operand; None when it is not a constant of numbers."""
    return _read(value, NUMBERS)


def _read(value: SSAValue | None, codes: Mapping[str, str]) -> tuple[Any, ...] | None:
    owner = value.owner if value is not None else None
    if not isinstance(owner, ConstOp):
        return None
    name = element_name(tensor_of(owner.results[0]).element_type) or ""
    weight = weight_of(owner.value)
    if name not in codes or weight.length > READABLE or any(named_in(owner.value)):
        return None
    raw = b"".join(weight.chunks())
    return tuple(value for (value,) in struct.iter_unpack(f"<{codes[name]}", raw))


def value_of(value: SSAValue | None) -> Attribute | None:
    """What a constant operand holds; None for any other."""
    owner = value.owner if value is not None else None
    return owner.value if isinstance(owner, ConstOp) else None


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
