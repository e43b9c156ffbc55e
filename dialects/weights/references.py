"""Weights that are not made of others: in a file, one element repeated, strings."""

from __future__ import annotations

from xdsl.dialects.builtin import (
    ArrayAttr,
    BytesAttr,
    FloatAttr,
    IntAttr,
    IntegerAttr,
    StringAttr,
)
from xdsl.ir import Attribute, TypedAttribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.types import SUB_BYTE, element_name
from dialects.weights.weight import (
    WeightAttr,
)


@irdl_attr_definition
class FileAttr(WeightAttr):
    """`#weights.file<"path", offset + length>`: bytes of a file, little-endian, row-major.

    A relative path is relative to the working directory of the process.
    """

    name = "weights.file"

    path: StringAttr = param_def()
    offset: IntAttr = param_def()
    length: IntAttr = param_def()

    def verify(self) -> None:
        if self.offset.data < 0 or self.length.data < 0:
            raise VerifyException("offset and length of a file reference must not be negative")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            path = parser.parse_str_literal()
            parser.parse_punctuation(",")
            offset = parser.parse_integer(allow_boolean=False)
            parser.parse_punctuation("+")
            length = parser.parse_integer(allow_boolean=False)
        return [StringAttr(path), IntAttr(offset), IntAttr(length)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.path.data)
            printer.print_string(f", {self.offset.data} + {self.length.data}")


@irdl_attr_definition
class SplatAttr(WeightAttr):
    """`#weights.splat<value, count>`: one element repeated `count` times."""

    name = "weights.splat"

    value: Attribute = param_def()
    count: IntAttr = param_def()

    def verify(self) -> None:
        element = _element_of(self.value)
        if not isinstance(self.value, IntegerAttr | FloatAttr):
            raise VerifyException("a splat repeats an integer or a float")
        if element in SUB_BYTE:
            raise VerifyException(f"a splat repeats whole bytes, {element} elements share one")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            value = parser.parse_attribute()
            parser.parse_punctuation(",")
            count = parser.parse_integer(allow_boolean=False, allow_negative=False)
        return [value, IntAttr(count)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_attribute(self.value)
            printer.print_string(f", {self.count.data}")


def _element_of(value: Attribute) -> str | None:
    return element_name(value.get_type()) if isinstance(value, TypedAttribute) else None


@irdl_attr_definition
class StringsAttr(WeightAttr):
    """`#weights.strings<["a", "b"]>`: the elements of a tensor of strings, row-major."""

    name = "weights.strings"

    elements: ArrayAttr[StringAttr | BytesAttr] = param_def()

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return [parser.parse_attribute()]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_attribute(self.elements)
