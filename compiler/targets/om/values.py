"""MLIR attributes as the Python values that the container library writes into AttrDef."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    StringAttr,
    i1,
)
from xdsl.ir import Attribute, TypeAttribute

from compiler.errors import UserError
from compiler.om.attributes import Attribute as Value
from compiler.om.attributes import ListKind, TypedList, set_attribute
from compiler.om.ge_ir_pb2 import AttrDef
from compiler.sizes import dtype_of
from dialects.ge import AttrDefAttr


def value_of(attribute: Attribute) -> Value:
    """The value that an attribute of the IR has in an offline model."""
    match attribute:
        case IntegerAttr():
            number = attribute.value.data
            width = cast(Any, attribute.type)
            return bool(number) if width == i1 else number
        case FloatAttr():
            return attribute.value.data
        case StringAttr():
            return attribute.data
        case DenseArrayBase():
            return _array(attribute)
        case ArrayAttr():
            return _list([value_of(item) for item in attribute])
        case AttrDefAttr():
            return AttrDef.FromString(bytes.fromhex(attribute.payload.data))
        case TypeAttribute():
            return dtype_of(attribute)
        case _:
            raise UserError(f"no offline model can hold the attribute {attribute}")


def _array(attribute: DenseArrayBase[Any]) -> Value:
    values = list(attribute.get_values())
    if attribute.elt_type == i1:
        return [bool(value) for value in values] or TypedList(ListKind.BOOL)
    is_int = isinstance(attribute.elt_type, IntegerType)
    return values or TypedList(ListKind.INT if is_int else ListKind.FLOAT)


def _list(values: list[Value]) -> Value:
    return cast("list[str]", values) or TypedList(ListKind.STRING)


def set_all(target: Any, attributes: Mapping[str, Attribute]) -> None:
    """Write a dictionary of attributes into a protobuf map of AttrDef."""
    for name, attribute in attributes.items():
        set_attribute(target[name], value_of(attribute))
