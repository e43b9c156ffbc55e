"""Messages as text come back as they were, bit for bit."""

from __future__ import annotations

import struct

import pytest

from compiler.om.attributes import set_attribute
from compiler.om.encode import encode_message
from compiler.om.ge_ir_pb2 import DT_FLOAT16, AttrDef, OpDef
from compiler.om.message_text import message_text, parse_message


def of_float(bits: int) -> AttrDef:
    return AttrDef.FromString(b"\x25" + struct.pack("<I", bits))


def unknown() -> OpDef:
    op = OpDef(name="a")
    op.output_desc.add().MergeFromString(b"\xfa\x3e\x03new")
    return op


def rich() -> OpDef:
    op = OpDef(name='a "b"\n{ : }', type="it's \\\\")
    op.output_desc.add(dtype=DT_FLOAT16, layout="FRACTAL_NZ").shape.dim.extend([-1, 3])
    op.output_desc.add().shape.SetInParent()
    set_attribute(op.attr["f"], [0.1, -1e-30, float("inf")])
    op.attr["raw"].bt = bytes(range(256))
    op.attr["s"].s = "ü".encode()
    return op


@pytest.mark.parametrize(
    "message",
    [
        OpDef(),
        rich(),
        unknown(),
        *map(of_float, (0x7FC00000, 0x7FA00001, 0xFFC00000, 1, 0x80000000, 0x3DCCCCCD)),
    ],
    ids=repr,
)
def test_comes_back_as_it_was(message: OpDef | AttrDef):
    again = parse_message(message_text(message), type(message))
    assert encode_message(again) == encode_message(message)


def test_is_for_people_where_it_can_be():
    text = message_text(OpDef(name="a", id=3))
    assert text == "name: 'a' id: 3"
    assert message_text(unknown()).startswith("0x0a")


@pytest.mark.parametrize("text", ["0xzz", "0x0a", "nothing: 1", "name: 1"])
def test_what_is_no_message(text: str):
    with pytest.raises(ValueError, match=r"\w"):
        parse_message(text, OpDef)
