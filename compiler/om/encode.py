"""Serializes protobuf messages as GraphEngine does: map entries in byte order of their keys.

protobuf's own deterministic mode is no substitute: its upb backend sorts a key after those it
is a prefix of (`origin_format_for_int` before `origin_format`).
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

Encoder = Callable[[Any], bytes]

VARINT, LENGTH, FIXED32 = 0, 2, 5

SHORT = 1 << 10
"""Bytes of a message whose encoding is remembered."""

ONE_DIGIT = tuple(bytes([value]) for value in range(0x80))


def encode_message(message: Message) -> bytes:
    """The wire form of `message`, the same bytes for equal messages on every machine."""
    data = message.SerializeToString(deterministic=True)
    if len(data) <= SHORT:  # a model says the same things again and again
        return _encode_short(type(message), data)
    return _encode(message)


@lru_cache(1 << 14)
def _encode_short(kind: type[Message], data: bytes) -> bytes:
    """Equal messages have equal deterministic bytes, whatever the order of their keys."""
    return _encode(kind.FromString(data))


def _encode(message: Message) -> bytes:
    above_maps = _fields_above_maps(message.DESCRIPTOR)
    fields = message.ListFields()
    if above_maps.isdisjoint([field for field, _ in fields]):
        return message.SerializeToString()
    parts = [_encoder(field)(value) for field, value in fields]
    return b"".join(parts) + unknown_fields(message)


def encode_varint(value: int) -> bytes:
    """Base-128 digits, least significant first; a negative number as its 64-bit complement."""
    if 0 <= value <= 0x7F:
        return ONE_DIGIT[value]
    value &= 0xFFFFFFFFFFFFFFFF
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def unknown_fields(message: Message) -> bytes:
    """What a newer writer added and our messages do not name: kept, behind the known fields."""
    if not len(UnknownFieldSet(message)):
        return b""
    rest = type(message)()
    rest.CopyFrom(message)
    for field, _ in rest.ListFields():
        rest.ClearField(field.name)
    return rest.SerializeToString()


@cache
def _fields_above_maps(descriptor: Descriptor) -> frozenset[FieldDescriptor]:
    """The fields under which a map can occur; protobuf itself gets the others right."""
    return frozenset(field for field in descriptor.fields if _reaches_map(field, set()))


def _reaches_map(field: FieldDescriptor, seen: set[Descriptor]) -> bool:
    message = field.message_type
    if message is None or message in seen:
        return False
    seen.add(message)
    return _is_map(field) or any(_reaches_map(inner, seen) for inner in message.fields)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _bytes_of(data: bytes) -> bytes:
    length = len(data)
    return (ONE_DIGIT[length] if length < 0x80 else encode_varint(length)) + data


# For each kind of field our schemas use: its wire type and the encoder of one value.
KINDS: dict[int, tuple[int, Encoder]] = {
    FieldDescriptor.TYPE_INT32: (VARINT, encode_varint),
    FieldDescriptor.TYPE_INT64: (VARINT, encode_varint),
    FieldDescriptor.TYPE_UINT32: (VARINT, encode_varint),
    FieldDescriptor.TYPE_UINT64: (VARINT, encode_varint),
    FieldDescriptor.TYPE_ENUM: (VARINT, encode_varint),
    FieldDescriptor.TYPE_BOOL: (VARINT, encode_varint),
    FieldDescriptor.TYPE_FLOAT: (FIXED32, struct.Struct("<f").pack),
    FieldDescriptor.TYPE_STRING: (LENGTH, lambda text: _bytes_of(text.encode())),
    FieldDescriptor.TYPE_BYTES: (LENGTH, _bytes_of),
    FieldDescriptor.TYPE_MESSAGE: (LENGTH, lambda message: _bytes_of(encode_message(message))),
}


@cache
def _encoder(field: FieldDescriptor) -> Encoder:
    """The encoder of a whole field: tag and value, once for each element of a repeated one."""
    if _is_map(field):
        return _map_encoder(field)
    wire, encode = KINDS[field.type]
    tag = encode_varint(field.number << 3 | wire)
    if not field.is_repeated:
        return lambda value: tag + encode(value)
    if wire == LENGTH:
        return lambda values: b"".join([tag + encode(value) for value in values])
    packed = encode_varint(field.number << 3 | LENGTH)
    return lambda values: packed + _bytes_of(b"".join(map(encode, values)))


def _map_encoder(field: FieldDescriptor) -> Encoder:
    assert field.message_type is not None
    tag = encode_varint(field.number << 3 | LENGTH)
    # Both halves are always written, even when they are empty or zero.
    key, value = (_encoder(half) for half in field.message_type.fields)

    def entry(k: Any, v: Any) -> bytes:
        return tag + _bytes_of(key(k) + value(v))

    @lru_cache(1 << 14)
    def entry_of_short(k: Any, kind: type[Message], data: bytes) -> bytes:
        return entry(k, kind.FromString(data))

    def message_entry(k: Any, message: Message) -> bytes:
        data = message.SerializeToString(deterministic=True)
        if len(data) <= SHORT:
            return entry_of_short(k, type(message), data)
        return entry(k, message)

    encode_entry = entry if field.message_type.fields[1].message_type is None else message_entry

    def encode(entries: Mapping[Any, Any]) -> bytes:
        # Python orders text by code points, which is the byte order of its UTF-8 form.
        keys: Iterable[Any] = sorted(entries)
        return b"".join([encode_entry(k, entries[k]) for k in keys])

    return encode
