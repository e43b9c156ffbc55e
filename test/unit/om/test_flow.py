"""The models of a flow are found where they lie."""

from __future__ import annotations

import pytest

from compiler.om.encode import encode_varint
from compiler.om.errors import OMError
from compiler.om.flow import read_flow_submodel


def field(number: int, data: bytes) -> bytes:
    return encode_varint(number << 3 | 2) + encode_varint(len(data)) + data


def test_name_kind_and_model():
    om = bytes(300)
    message = b"\x50\x01" + field(1, b"graph1") + field(2, b"GE") + field(3, om) + field(9, b"path")
    found = read_flow_submodel(memoryview(message), "x.om")
    assert (found.name, found.kind) == ("graph1", "GE")
    assert found.om == om
    assert message[found.start : found.start + 300] == om


def test_numbers_of_fixed_size_are_passed_over():
    message = b"\x5d1234" + b"\x5912345678" + field(1, b"n")
    assert read_flow_submodel(memoryview(message), "x.om").name == "n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x0a\x7fshort", "field 1 ends behind the message"),
        (b"\x0b", "wire type 3 at byte 1"),
        (b"\x0a", "it ends inside a number"),
        (b"\xff" * 11, "a number of more than ten bytes"),
    ],
)
def test_what_is_no_message(data: bytes, reason: str):
    with pytest.raises(OMError, match=reason):
        read_flow_submodel(memoryview(data), "x.om")
