"""Weights that hold another's elements: cast, scattered, transposed."""

from __future__ import annotations

from xdsl.dialects.builtin import (
    DenseArrayBase,
    IntAttr,
    IntegerType,
    i64,
)
from xdsl.ir import Attribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.types import element_name
from dialects.weights.weight import (
    CONVERTIBLE,
    Weight,
    WeightAttr,
    parse_shaped,
    print_shaped,
    print_weight,
    static_tensor,
)


@irdl_attr_definition
class CastAttr(WeightAttr):
    """`#weights.cast<source, f32 to f16>`: another weight, each element converted.

    Nothing is computed until somebody reads the bytes, and then in bounded chunks.
    """

    name = "weights.cast"

    source: Attribute = param_def()
    from_type: Attribute = param_def()
    to_type: Attribute = param_def()

    def verify(self) -> None:
        if not isinstance(self.source, Weight):
            raise VerifyException(f"a cast needs a weight to convert, not {self.source}")
        for element in (self.from_type, self.to_type):
            if element_name(element) not in CONVERTIBLE:
                raise VerifyException(f"no cast from or to {element}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            source = parser.parse_attribute()
            parser.parse_punctuation(",")
            from_type = parser.parse_type()
            parser.parse_characters("to")
            to_type = parser.parse_type()
        return [source, from_type, to_type]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_weight(printer, self.source)
            printer.print_string(", ")
            printer.print_attribute(self.from_type)
            printer.print_string(" to ")
            printer.print_attribute(self.to_type)


@irdl_attr_definition
class ScatterAttr(WeightAttr):
    """`#weights.scatter<values, indices, count>`: `count` elements, zeros but for some values.

    `indices` holds the place of each value in the flat tensor, as i64; the last of two wins.
    """

    name = "weights.scatter"

    values: Attribute = param_def()
    indices: Attribute = param_def()
    count: IntAttr = param_def()

    def verify(self) -> None:
        if not all(isinstance(part, Weight) for part in (self.values, self.indices)):
            raise VerifyException("a scatter needs weights to take values and indices from")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            values = parser.parse_attribute()
            parser.parse_punctuation(",")
            indices = parser.parse_attribute()
            parser.parse_punctuation(",")
            count = parser.parse_integer(allow_boolean=False, allow_negative=False)
        return [values, indices, IntAttr(count)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_weight(printer, self.values)
            printer.print_string(", ")
            print_weight(printer, self.indices)
            printer.print_string(f", {self.count.data}")


@irdl_attr_definition
class TransposeAttr(WeightAttr):
    """`#weights.transpose<source as tensor<8x3xf32>, [1, 0]>`: axis i is the source's perm[i]."""

    name = "weights.transpose"

    source: Attribute = param_def()
    type: Attribute = param_def()
    perm: DenseArrayBase[IntegerType] = param_def()

    def verify(self) -> None:
        if not isinstance(self.source, Weight):
            raise VerifyException(f"a transpose needs a weight, not {self.source}")
        shape = static_tensor(self.type).get_shape()
        if sorted(self.perm.get_values()) != list(range(len(shape))):
            raise VerifyException(f"{self.perm} does not permute the axes of {self.type}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            source, type = parse_shaped(parser)
            parser.parse_punctuation(",")
            perm = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
        return [source, type, DenseArrayBase.from_list(i64, perm)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_shaped(printer, self.source, self.type)
            printer.print_string(f", {list(self.perm.get_values())}")
