"""The Python values of ONNX attributes, and the attributes of Python values."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    BytesAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    f32,
    i64,
)
from xdsl.ir import Attribute

from dialects.onnx.schema import Default
from dialects.op import names_attr


def default_attribute(kind: str, value: Default) -> Attribute:
    """The attribute that holds a schema's default value."""
    if isinstance(value, list):
        if kind == "STRINGS":
            return names_attr(tuple(cast(list[str], value)))
        if kind == "FLOATS":
            return DenseArrayBase.from_list(f32, cast(list[float], value))
        return DenseArrayBase.from_list(i64, cast(list[int], value))
    if isinstance(value, str):
        return StringAttr(value)
    return IntegerAttr(int(value), i64) if kind == "INT" else FloatAttr(value, f32)


def integer_of(value: Attribute | None) -> int | None:
    """The value of an attribute of kind INT."""
    return value.value.data if isinstance(value, IntegerAttr) else None


def number_of(value: Attribute | None) -> float | None:
    """The value of an attribute of kind FLOAT."""
    return cast("FloatAttr", value).value.data if isinstance(value, FloatAttr) else None


def text_of(value: Attribute | None) -> str | None:
    """The value of an attribute of kind STRING; bytes that are not UTF-8 are replaced."""
    if isinstance(value, BytesAttr):
        return value.data.decode(errors="replace")
    return value.data if isinstance(value, StringAttr) else None


def integers_of(value: Attribute | None) -> tuple[int, ...] | None:
    """The values of an attribute of kind INTS."""
    if not isinstance(value, DenseArrayBase):
        return None
    return tuple(int(number) for number in value.get_values())


def numbers_of(value: Attribute | None) -> tuple[float, ...] | None:
    """The values of an attribute of kind FLOATS."""
    if isinstance(value, DenseArrayBase):
        return tuple(float(number) for number in value.get_values())
    return None if value is None else tuple(number_of(entry) or 0.0 for entry in _entries(value))


def texts_of(value: Attribute | None) -> tuple[str, ...] | None:
    """The values of an attribute of kind STRINGS."""
    return None if value is None else tuple(text_of(entry) or "" for entry in _entries(value))


def _entries(array: Attribute) -> tuple[Attribute, ...]:
    assert isinstance(array, ArrayAttr)
    return cast("ArrayAttr[Attribute]", array).data
