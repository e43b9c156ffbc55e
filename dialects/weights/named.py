"""Weights by their ONNX names: what may be refreshed, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import (
    ArrayAttr,
    StringAttr,
)
from xdsl.ir import Attribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.weights.computed import ComputeAttr
from dialects.weights.derived import CastAttr, TransposeAttr
from dialects.weights.parts import ConcatAttr, SliceAttr
from dialects.weights.weight import (
    Weight,
    WeightAttr,
    parse_shaped,
    print_shaped,
)


@irdl_attr_definition
class NamedAttr(WeightAttr):
    """`#weights.named<"conv1.weight", source as tensor<8x3xf32>>`: an ONNX tensor by its name.

    The bytes of its source now, and others after a refresh: no pass may look at them.
    """

    name = "weights.named"

    onnx: StringAttr = param_def()
    source: Attribute = param_def()
    type: Attribute = param_def()

    def verify(self) -> None:
        if isinstance(self.source, NamedAttr) or not isinstance(self.source, Weight):
            raise VerifyException(f"'{self.onnx.data}' names a weight, not {self.source}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            onnx = StringAttr(parser.parse_str_literal())
            parser.parse_punctuation(",")
            return [onnx, *parse_shaped(parser)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.onnx.data)
            printer.print_string(", ")
            print_shaped(printer, self.source, self.type)


def named_in(value: Attribute) -> Iterator[NamedAttr]:
    """The named tensors that a weight is made of, in order, perhaps several times."""
    match value:
        case NamedAttr():
            yield value
        case CastAttr() | TransposeAttr() | SliceAttr():
            yield from named_in(value.source)
        case ComputeAttr() | ConcatAttr():
            for operand in value.operands:
                yield from named_in(operand)
        case _:
            return


def without_names(value: Attribute) -> Attribute:
    """The same weight of tensors that nobody will change."""
    match value:
        case NamedAttr():
            return value.source
        case CastAttr():
            return CastAttr(without_names(value.source), value.from_type, value.to_type)
        case TransposeAttr():
            return TransposeAttr(without_names(value.source), value.type, value.perm)
        case SliceAttr():
            return SliceAttr(without_names(value.source), value.type, value.begin, value.size)
        case ComputeAttr():
            return ComputeAttr(value.kind, _all_without(value), value.types, value.result)
        case ConcatAttr():
            return ConcatAttr(_all_without(value), value.types, value.axis)
        case _:
            return value


def _all_without(value: ComputeAttr | ConcatAttr) -> ArrayAttr[Attribute]:
    return ArrayAttr([without_names(operand) for operand in value.operands])
