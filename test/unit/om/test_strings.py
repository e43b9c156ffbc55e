"""Tensors of strings in GraphEngine's layout."""

from __future__ import annotations

import struct

import pytest

from compiler.om.strings import decode_strings, encode_strings


def test_heads_then_characters():
    data = encode_strings([b"ab", b""])
    assert data == struct.pack("<qqqq", 32, 2, 35, 0) + b"ab\0\0"
    assert decode_strings(data, 2) == [b"ab", b""]


@pytest.mark.parametrize("head", [(-1, 2), (16, 9), (100, 0)])
def test_a_head_outside_its_tensor_is_refused(head: tuple[int, int]):
    with pytest.raises(ValueError, match="outside"):
        decode_strings(struct.pack("<qq", *head) + b"abc", 1)


def test_a_short_tensor_is_refused():
    with pytest.raises(ValueError, match="cannot hold"):
        decode_strings(b"", 1)
