"""Attributes of ONNX nodes that hold tensors."""

from __future__ import annotations

from typing import TypeAlias, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    BytesAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute, ParametrizedAttribute, TypedAttribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.onnx.types import StringType
from dialects.types import RankedTensor, element_count, element_name
from dialects.weights import FileAttr, Weight, print_weight

Strings: TypeAlias = ArrayAttr[StringAttr | BytesAttr]
"""The values of a tensor of strings, row-major."""

Payload: TypeAlias = "Weight | Strings | SparseAttr"
"""What may fill a tensor."""


def element_bits(element: Attribute) -> int:
    """The bits an element takes in raw data: booleans a byte, 4-bit types half of one.

    Source: onnx.proto, TensorProto.raw_data. KeyError for a type that has no raw form.
    """
    name = element_name(element)
    if name is None:
        raise KeyError(f"{element} has no raw form")
    return 8 if name == "i1" else _BITS[name]


_BITS = {
    **{f"{sign}{bits}": bits for sign in ("i", "ui") for bits in (2, 4, 8, 16, 32, 64)},
    **{"f64": 64, "f32": 32, "f16": 16, "bf16": 16, "complex<f32>": 64, "complex<f64>": 128},
    **{f"f8{kind}": 8 for kind in ("E4M3FN", "E4M3FNUZ", "E5M2", "E5M2FNUZ", "E8M0FNU")},
    **{"f6E2M3FN": 6, "f6E3M2FN": 6, "f4E2M1FN": 4},
}


def byte_count(type: RankedTensor) -> int:
    """The bytes of a static tensor in raw data."""
    return (element_count(type.get_shape()) * element_bits(type.element_type) + 7) // 8


def check_payload(payload: Attribute, type: Attribute) -> None:
    """Raise VerifyException unless the payload can fill a tensor of that type."""
    if not isinstance(payload, Weight | ArrayAttr | SparseAttr):
        raise VerifyException(f"a tensor cannot hold {payload}")
    if not isinstance(type, TensorType):
        raise VerifyException(f"a tensor with a known shape is needed, not {type}")
    ranked = cast(RankedTensor, type)
    if isinstance(ranked.element_type, StringType) != isinstance(payload, ArrayAttr):
        raise VerifyException(f"these values do not fit {type}")
    count = len(cast(Strings, payload)) if isinstance(payload, ArrayAttr) else None
    if count is not None and count != element_count(ranked.get_shape()):
        raise VerifyException(f"{count} strings do not fill {type}")
    if isinstance(payload, FileAttr) and payload.length.data != byte_count(ranked):
        raise VerifyException(
            f"{payload.length.data} bytes do not fill {type}, which takes {byte_count(ranked)}"
        )


def dense_type(payload: Attribute) -> RankedTensor | None:
    """The type of dense values, None for another payload."""
    if not isinstance(payload, DenseIntOrFPElementsAttr):
        return None
    return cast(RankedTensor, cast(TypedAttribute, payload).get_type())


def parse_payload(parser: AttrParser) -> tuple[Attribute, Attribute]:
    """`payload : type`; dense values bring their type with them."""
    payload = parser.parse_attribute()
    if (type := dense_type(payload)) is not None:
        return payload, type
    parser.parse_punctuation(":")
    return payload, parser.parse_type()


def print_payload(printer: Printer, payload: Attribute, type: Attribute) -> None:
    """What `parse_payload` reads."""
    print_weight(printer, payload)
    if dense_type(payload) is None:
        printer.print_string(" : ")
        printer.print_attribute(type)


@irdl_attr_definition
class TensorAttr(ParametrizedAttribute):
    """`#onnx.tensor<payload : type>`: a tensor; dense values that print well stand alone."""

    name = "onnx.tensor"

    payload: Attribute = param_def()
    type: Attribute = param_def()

    def verify(self) -> None:
        check_payload(self.payload, self.type)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return list(parse_payload(parser))

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_payload(printer, self.payload, self.type)


Tensor: TypeAlias = DenseIntOrFPElementsAttr | TensorAttr
"""An attribute of kind TENSOR."""


@irdl_attr_definition
class SparseAttr(ParametrizedAttribute):
    """`#onnx.sparse<values, indices, shape>`: a tensor in coordinate format.

    `values` [nnz]; `indices` [nnz] into the flat tensor, or [nnz, rank]; `shape` of the whole.
    """

    name = "onnx.sparse"

    values: Attribute = param_def()
    indices: Attribute = param_def()
    shape: DenseArrayBase = param_def()

    def verify(self) -> None:
        for part in (self.values, self.indices):
            if not isinstance(part, Tensor):
                raise VerifyException(f"a sparse tensor is made of tensors, not {part}")
        if self.shape.elt_type != i64:
            raise VerifyException("the shape of a sparse tensor is an array of i64")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            values = parser.parse_attribute()
            parser.parse_punctuation(",")
            indices = parser.parse_attribute()
            parser.parse_punctuation(",")
            return [values, indices, parser.parse_attribute()]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_list((self.values, self.indices, self.shape), printer.print_attribute)


def tensor_parts(tensor: Attribute) -> tuple[Attribute, Attribute]:
    """The payload and the type of an attribute of kind TENSOR."""
    if (type := dense_type(tensor)) is not None:
        return tensor, type
    assert isinstance(tensor, TensorAttr)
    return tensor.payload, tensor.type
