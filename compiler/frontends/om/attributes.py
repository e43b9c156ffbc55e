"""AttrDef values and tensor descriptors as attributes and types of the IR."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    f32,
    i1,
    i64,
)
from xdsl.ir import Attribute

from compiler.constants import dense_from_raw, weight_of
from compiler.om.attributes import ListKind, TypedList, get_attribute
from compiler.om.dtypes import BY_NAME, BY_PROTO, DType
from compiler.om.encode import encode_message
from compiler.om.ge_ir_pb2 import AttrDef, TensorDef, TensorDescriptor
from dialects.ge import AttrDefAttr, DTypeType
from dialects.types import (
    DYNAMIC,
    ELEMENT_TYPES,
    RankedTensor,
    element_count,
    is_static,
    tensor_type,
    unranked_type,
)


def attribute_of(value: AttrDef) -> Attribute:
    """An attribute of the IR for any AttrDef; what MLIR has no form for stays its bytes."""
    plain = get_attribute(value)
    match plain:
        case bool():
            return IntegerAttr(int(plain), 1)
        case int():
            return IntegerAttr(plain, i64)
        case float():
            return FloatAttr(plain, f32)
        case str() if plain.isprintable():
            return StringAttr(plain)
        case DType():
            return element_type(plain)
        case list() | tuple():
            return _list(value, cast("Sequence[Any]", plain))
        case TypedList() if plain.kind in _EMPTY and not plain.items:
            return _EMPTY[plain.kind]
        case _:
            return AttrDefAttr(StringAttr(encode_message(value).hex()))


_EMPTY: dict[ListKind, Attribute] = {
    ListKind.INT: DenseArrayBase.from_list(i64, []),
    ListKind.FLOAT: DenseArrayBase.from_list(f32, []),
    ListKind.BOOL: DenseArrayBase.from_list(i1, []),
    ListKind.STRING: ArrayAttr([]),
}


def _list(value: AttrDef, items: Sequence[Any]) -> Attribute:
    """A list of one kind of scalar, or of lists of integers."""
    kinds: set[type] = {type(item) for item in items}
    if kinds == {bool}:
        return DenseArrayBase.from_list(i1, [int(item) for item in items])
    if kinds == {int}:
        return DenseArrayBase.from_list(i64, items)
    if kinds == {float}:
        return DenseArrayBase.from_list(f32, items)
    if kinds == {str} and all(item.isprintable() for item in items):
        return ArrayAttr([StringAttr(item) for item in items])
    if kinds == {list} and all(items):
        return ArrayAttr([DenseArrayBase.from_list(i64, item) for item in items])
    return AttrDefAttr(StringAttr(encode_message(value).hex()))


def attributes_of(entries: Mapping[str, AttrDef], leave_out: Iterable[str]) -> dict[str, Attribute]:
    """The attributes of an operator, graph or model, in byte order of their names.

    One whose name is no text that MLIR prints is left to the fields that the IR keeps.
    """
    skipped = {"", *leave_out}
    names = sorted((name for name in entries if name.isprintable()), key=str.encode)
    return {name: attribute_of(entries[name]) for name in names if name not in skipped}


def element_type(dtype: DType) -> Attribute:
    """The element type of a GraphEngine data type."""
    if dtype.mlir in ELEMENT_TYPES:
        return ELEMENT_TYPES[dtype.mlir]
    return DTypeType(StringAttr(dtype.name.removeprefix("DT_")))


def type_of_descriptor(desc: TensorDescriptor) -> Attribute:
    """The tensor type that a descriptor states."""
    element = element_type(BY_PROTO.get(desc.dtype, BY_NAME["DT_UNDEFINED"]))
    dims = tuple(desc.shape.dim)
    if dims == (-2,):
        return unranked_type(element)
    return tensor_type(tuple(DYNAMIC if dim < 0 else dim for dim in dims), element)


def names_list(entries: Mapping[str, AttrDef], key: str) -> list[Any]:
    """A bookkeeping list of the serializer, which has no kind; empty when there is none."""
    plain = get_attribute(entries[key]) if key in entries else None
    if isinstance(plain, TypedList):
        return list(plain.items)
    return cast("list[Any]", plain) if isinstance(plain, list) else []


def text_at(entries: Mapping[str, AttrDef], key: str) -> str:
    """A text attribute; what is not UTF-8 in it stays what it is in a path."""
    return os.fsdecode(entries[key].s)


def inline_value(tensor: TensorDef) -> DenseIntOrFPElementsAttr | None:
    """The values of a tensor whose bytes are in its message; None where MLIR has no such tensor."""
    type_ = type_of_descriptor(tensor.desc)
    if not is_static(type_) or isinstance(cast(RankedTensor, type_).element_type, DTypeType):
        return None
    value = dense_of(tensor, cast(RankedTensor, type_))
    kept = b"".join(weight_of(value).chunks()) if value is not None else None
    return value if kept == tensor.data else None


def dense_of(tensor: TensorDef, type_: RankedTensor) -> DenseIntOrFPElementsAttr | None:
    """Dense values of bytes that are as many as the type has."""
    expected = BY_PROTO[tensor.desc.dtype].nbytes(element_count(type_.get_shape()))
    return dense_from_raw(tensor.data, type_) if expected == len(tensor.data) else None
