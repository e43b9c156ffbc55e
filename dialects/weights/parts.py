"""Weights that are parts of another one, or several joined."""

from __future__ import annotations

from xdsl.dialects.builtin import (
    ArrayAttr,
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

from dialects.weights.weight import (
    Weight,
    WeightAttr,
    parse_shaped,
    print_shaped,
    static_tensor,
)


@irdl_attr_definition
class ConcatAttr(WeightAttr):
    """`#weights.concat<[a as tensor<2x3xf32>, b as tensor<2x1xf32>], 1>`: joined at an axis.

    The weights have one element type, and are alike in their other axes.
    """

    name = "weights.concat"

    operands: ArrayAttr[Attribute] = param_def()
    types: ArrayAttr[Attribute] = param_def()
    axis: IntAttr = param_def()

    def verify(self) -> None:
        if not self.operands or not all(isinstance(operand, Weight) for operand in self.operands):
            raise VerifyException("joins weights, at least one")
        if len(self.types) != len(self.operands):
            raise VerifyException("joins as many weights as there are types")
        tensors = [static_tensor(type) for type in self.types]
        rest = {_without(tensor.get_shape(), self.axis.data) for tensor in tensors}
        if len(rest) > 1 or None in rest or len({t.element_type for t in tensors}) > 1:
            told = ", ".join(map(str, tensors))
            raise VerifyException(f"{told} cannot be joined at axis {self.axis.data}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            pairs = parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE, lambda: parse_shaped(parser)
            )
            parser.parse_punctuation(",")
            axis = parser.parse_integer(allow_boolean=False, allow_negative=False)
        operands, types = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        return [ArrayAttr(operands), ArrayAttr(types), IntAttr(axis)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            with printer.in_square_brackets():
                printer.print_list(
                    zip(self.operands, self.types, strict=True),
                    lambda pair: print_shaped(printer, *pair),
                )
            printer.print_string(f", {self.axis.data}")


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...] | None:
    """The sizes of the other axes; None when there is no such axis."""
    return (*shape[:axis], *shape[axis + 1 :]) if 0 <= axis < len(shape) else None


@irdl_attr_definition
class SliceAttr(WeightAttr):
    """`#weights.slice<a as tensor<8x3xf32>, [4, 0], [4, 3]>`: where a part begins, and its size."""

    name = "weights.slice"

    source: Attribute = param_def()
    type: Attribute = param_def()
    begin: DenseArrayBase[IntegerType] = param_def()
    size: DenseArrayBase[IntegerType] = param_def()

    def verify(self) -> None:
        if not isinstance(self.source, Weight):
            raise VerifyException(f"a slice needs a weight, not {self.source}")
        shape = static_tensor(self.type).get_shape()
        begin, size = self.begin.get_values(), self.size.get_values()
        if not len(begin) == len(size) == len(shape):
            raise VerifyException(f"a slice of {self.type} begins and ends in each of its axes")
        if not all(
            b >= 0 and n >= 0 and b + n <= whole
            for b, n, whole in zip(begin, size, shape, strict=True)
        ):
            raise VerifyException(f"{self.type} has no part of {list(size)} at {list(begin)}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            source, type = parse_shaped(parser)
            lists: list[Attribute] = []
            for _ in range(2):
                parser.parse_punctuation(",")
                numbers = parser.parse_comma_separated_list(
                    parser.Delimiter.SQUARE, parser.parse_integer
                )
                lists.append(DenseArrayBase.from_list(i64, numbers))
        return [source, type, *lists]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_shaped(printer, self.source, self.type)
            begin, size = self.begin.get_values(), self.size.get_values()
            printer.print_string(f", {list(begin)}, {list(size)}")
