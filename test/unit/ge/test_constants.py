"""The bytes that constants stand for, against what NumPy makes of the same values."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from xdsl.dialects.builtin import FloatAttr, IntAttr, IntegerAttr, StringAttr, f16, i1, i8, i64
from xdsl.ir import Attribute

from compiler.constants import dense_from_raw, weight_of
from compiler.weights import numpy_dtype
from dialects.types import ELEMENT_TYPES, element_name, tensor_type
from dialects.weights import CONVERTIBLE, CastAttr, FileAttr, SplatAttr


def raw(value: Attribute) -> bytes:
    return b"".join(weight_of(value).chunks())


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (IntegerAttr(1, i1), np.array([True] * 3)),
        (IntegerAttr(-1, i1), np.array([True] * 3)),
        (IntegerAttr(-3, i8), np.full(3, -3, np.int8)),
        (IntegerAttr(7, i64), np.full(3, 7, np.int64)),
        (FloatAttr(1.5, f16), np.full(3, 1.5, np.float16)),
    ],
)
def test_a_splat_is_its_element_repeated(element: Attribute, expected: np.ndarray):
    assert raw(SplatAttr(element, IntAttr(3))) == expected.tobytes()


def test_a_splat_of_nothing_has_no_bytes():
    assert raw(SplatAttr(IntegerAttr(1, i8), IntAttr(0))) == b""


def test_dense_booleans_are_ones():
    type = tensor_type((3,), i1)
    assert raw(dense_from_raw(b"\x01\x00\x01", type)) == b"\x01\x00\x01"


def test_dense_int4_share_bytes():
    packed = b"\x21\x43"
    assert raw(dense_from_raw(packed, tensor_type((4,), ELEMENT_TYPES["i4"]))) == packed


@pytest.mark.parametrize("name", sorted(CONVERTIBLE))
def test_every_cast_that_verifies_has_a_number_format(name: str):
    numpy_dtype(name)
    source = FileAttr(StringAttr("w"), IntAttr(0), IntAttr(8))
    assert element_name(CastAttr(source, ELEMENT_TYPES[name], f16).from_type) == name


def test_bfloat16_is_what_ml_dtypes_says():
    assert numpy_dtype("bf16") == np.dtype(ml_dtypes.bfloat16)
