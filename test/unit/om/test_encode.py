"""The encoder, against protobuf's pure Python backend and a file GraphEngine serialized."""

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from compiler.om.encode import encode_message, encode_varint
from compiler.om.ge_ir_pb2 import ModelDef, ShapeEnvAttrGroupsDef
from compiler.om.model_reader import read_model
from compiler.om.task_pb2 import ModelTaskDef

# Reads lines of message name and hex, prints each again as that backend serializes it.
ORACLE = """
import sys
from google.protobuf.internal import api_implementation
from compiler.om import ge_ir_pb2, task_pb2
assert api_implementation.Type() == "python"
for line in sys.stdin:
    name, data = line.rstrip("\\n").split(" ")
    message = getattr(ge_ir_pb2, name, None) or getattr(task_pb2, name)
    parsed = message.FromString(bytes.fromhex(data))
    print(parsed.SerializeToString(deterministic=True).hex())
"""

KEYS = ["", "a", "ab", "abc", "b", "é", "€", "😀", "\0\1", "origin_format", "origin_format_for_int"]
VALUES: dict[int, list[Any]] = {
    FieldDescriptor.TYPE_BOOL: [False, True],
    FieldDescriptor.TYPE_STRING: KEYS,
    FieldDescriptor.TYPE_BYTES: [b"", b"\0\xff", bytes(200)],
    FieldDescriptor.TYPE_FLOAT: [0.0, -0.0, 1.5, float("inf")],
    FieldDescriptor.TYPE_ENUM: [0, 1],
}
UNSIGNED = (FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64)
NUMBERS = [0, 1, 127, 128, 1 << 20, (1 << 31) - 1]


def value_of(field: FieldDescriptor, rng: random.Random) -> Any:
    signed = [] if field.type in UNSIGNED else [-1, -(1 << 31)]
    return rng.choice(VALUES.get(field.type, NUMBERS + signed))


def fill(message: Message, rng: random.Random, depth: int) -> None:
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.6:
            fill_field(message, cast("FieldDescriptor", field), rng, depth)


def fill_field(message: Message, field: FieldDescriptor, rng: random.Random, depth: int) -> None:
    inner = field.message_type
    value = getattr(message, field.name)
    count = rng.randrange(4)
    if inner is None and not field.is_repeated:
        setattr(message, field.name, value_of(field, rng))
    elif inner is None:
        value.extend(value_of(field, rng) for _ in range(count))
    elif depth and inner.GetOptions().map_entry:
        fill_map(value, inner.fields, rng, depth)
    elif depth:
        for item in [value.add() for _ in range(count)] if field.is_repeated else [value]:
            item.SetInParent()
            fill(item, rng, depth - 1)


def fill_map(
    entries: Any, halves: Sequence[FieldDescriptor], rng: random.Random, depth: int
) -> None:
    for _ in range(rng.randrange(8)):
        key = value_of(halves[0], rng)
        if halves[1].message_type is None:
            entries[key] = value_of(halves[1], rng)
        else:
            fill(entries[key], rng, depth - 1)


def pure_python(messages: list[Message]) -> list[str]:
    lines = (f"{m.DESCRIPTOR.name} {m.SerializeToString().hex()}\n" for m in messages)
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    done = subprocess.run(
        [sys.executable, "-c", ORACLE],
        input="".join(lines), capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_as_the_pure_python_backend() -> None:
    rng = random.Random(0)
    messages: list[Message] = []
    for type_ in [ModelDef, ModelTaskDef, ShapeEnvAttrGroupsDef] * 60:
        messages.append(type_())
        fill(messages[-1], rng, depth=6)
    encoded = [encode_message(message) for message in messages]
    assert sum(map(len, encoded)) > 100_000
    assert [data.hex() for data in encoded] == pure_python(messages)


def test_a_key_comes_before_those_it_begins() -> None:
    model = ModelDef()
    for key in ("origin_format_for_int", "origin_format", "origin"):
        model.attr[key].i = 1
    data = encode_message(model)
    places = [data.index(key) for key in (b"origin\x12", b"origin_format\x12", b"_for_int\x12")]
    assert places == sorted(places)
    assert ModelDef.FromString(data) == model


def test_what_graphengine_serialized(root_model: Path) -> None:
    root = read_model(root_model).root
    model_def, task_def = root.bodies[1:]
    assert encode_message(root.model_def) == model_def
    assert encode_message(root.task_def) == task_def


def test_unknown_fields_are_kept() -> None:
    unknown = bytes.fromhex("a03f07")  # field 1012: 7
    op = b"\x0a\x01x" + b"\x52\x05\x0a\x01k\x12\x00" + unknown
    graph = b"\x32" + bytes([len(op)]) + op + unknown
    data = b"\x3a" + bytes([len(graph)]) + graph + unknown
    assert encode_message(ModelDef.FromString(data)) == data


def test_varints() -> None:
    assert [encode_varint(value).hex() for value in (0, 127, 128, 300)] == [
        "00", "7f", "8001", "ac02"
    ]  # fmt: skip
    assert encode_varint(-1).hex() == "ff" * 9 + "01"
