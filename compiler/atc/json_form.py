"""Protobuf messages as the JSON that `atc --mode=1` writes. Source: GraphEngine's `pb2json.cc`."""

from __future__ import annotations

import json
import math
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from compiler.errors import UserError

DROPPED = frozenset(
    "output data_offset data workspace workspace_bytes memory_size weight_size size bt "
    "quantize_factor".split()
)
"""Fields that are left out wherever they occur: bytes of weights, and sizes."""

MAX_DEPTH = 20
FLOAT_BUFFER = 10
"""The characters, one zero byte included, in which a float must fit to become text."""

ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "'": r"\'", "\\": r"\\"}


def json_text(message: Message) -> str:
    """The text of the file: keys in alphabetical order, an indent of two."""
    return json.dumps(json_form(message), indent=2, sort_keys=True, ensure_ascii=False)


def json_form(message: Message, depth: int = 0) -> Any:
    """A message as plain data; None where nothing of it is shown.

    UserError for messages more than MAX_DEPTH deep.
    """
    if depth > MAX_DEPTH:
        raise UserError(f"its messages are nested more than {MAX_DEPTH} deep")
    shown = {
        field.name: _field(field, value, depth)
        for field, value in message.ListFields()
        if field.name not in DROPPED and not _is_empty(value)
    }
    return shown or None


def _is_empty(value: Any) -> bool:
    return isinstance(value, Message) and value.ByteSize() == 0


def _field(field: FieldDescriptor, value: Any, depth: int) -> Any:
    if _is_map(field):
        return [_entry(field, key, value[key], depth) for key in sorted(value)]
    if field.is_repeated:
        return [_element(field, item, depth) for item in value]
    match field.type:
        case FieldDescriptor.TYPE_FLOAT:
            return _single_float(value)
        case FieldDescriptor.TYPE_BYTES:
            return _escaped(value)
        case _:
            return _element(field, value, depth)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _entry(field: FieldDescriptor, key: Any, value: Any, depth: int) -> Any:
    """A map is a list of its entries, each a message of its own."""
    assert field.message_type is not None
    halves = field.message_type.fields_by_name
    entry = {"key": key}
    if not _is_empty(value):
        entry["value"] = _field(halves["value"], value, depth + 1)
    return entry


def _element(field: FieldDescriptor, value: Any, depth: int) -> Any:
    match field.type:
        case FieldDescriptor.TYPE_MESSAGE:
            return json_form(value, depth + 1)
        case FieldDescriptor.TYPE_ENUM:
            return _enum_name(field, value)
        case FieldDescriptor.TYPE_BYTES:
            return value.decode("utf-8", "ignore")
        case FieldDescriptor.TYPE_FLOAT:
            return value if math.isfinite(value) else None  # JSON has no other numbers
        case _:
            return value


def _enum_name(field: FieldDescriptor, number: int) -> str:
    """The name of a value, or protobuf's for one that the schema has none for."""
    enum = field.enum_type
    assert enum is not None
    known = enum.values_by_number.get(number)
    return known.name if known else f"UNKNOWN_ENUM_VALUE_{enum.name}_{number}"


def _single_float(value: float) -> str | float:
    text = f"{value:g}"
    return text if len(text) < FLOAT_BUFFER else value


def _escaped(data: bytes) -> str:
    """The bytes with C's escapes: octal for what is not printable ASCII."""
    return "".join(map(_escaped_character, data.decode("latin-1")))


def _escaped_character(character: str) -> str:
    if character in ESCAPES:
        return ESCAPES[character]
    return character if " " <= character <= "~" else f"\\{ord(character):03o}"
