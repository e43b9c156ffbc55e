"""Weights that are computed from others, element by element."""

from __future__ import annotations

from xdsl.dialects.builtin import (
    ArrayAttr,
    StringAttr,
)
from xdsl.ir import Attribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.types import element_name
from dialects.weights.weight import (
    Weight,
    WeightAttr,
    parse_shaped,
    print_shaped,
    static_tensor,
)

COMPUTED = {
    "Add": 2,
    "Maximum": 2,
    "Minimum": 2,
    "Mul": 2,
    "Neg": 1,
    "RealDiv": 2,
    "Sqrt": 1,
    "Sub": 2,
}
"""How many operands the operators have that derived weights may stand for."""
FLOATS = frozenset({"f16", "bf16", "f32", "f64"})


@irdl_attr_definition
class ComputeAttr(WeightAttr):
    """`#weights.compute<"Mul"(source as tensor<8x3xf32>, …) -> tensor<8x3xf32>>`.

    A GraphEngine operator, element by element with broadcasting, on float weights of one type.
    Nothing is computed until somebody reads the bytes, and then in bounded chunks.
    """

    name = "weights.compute"

    kind: StringAttr = param_def()
    operands: ArrayAttr[Attribute] = param_def()
    types: ArrayAttr[Attribute] = param_def()
    result: Attribute = param_def()

    def verify(self) -> None:
        if COMPUTED.get(self.kind.data) != len(self.operands) or len(self.types) != len(
            self.operands
        ):
            known = ", ".join(f"{name} of {count}" for name, count in COMPUTED.items())
            raise VerifyException(f"computes one of: {known}; not {self.kind.data}")
        for operand in self.operands:
            if not isinstance(operand, Weight):
                raise VerifyException(f"computes with weights, not with {operand}")
        elements = {_float_element(type) for type in (*self.types, self.result)}
        if len(elements) > 1:
            raise VerifyException("computes with tensors of one element type")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            kind = parser.parse_str_literal()
            pairs = parser.parse_comma_separated_list(
                parser.Delimiter.PAREN, lambda: parse_shaped(parser)
            )
            parser.parse_punctuation("->")
            result = parser.parse_type()
        operands, types = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        return [StringAttr(kind), ArrayAttr(operands), ArrayAttr(types), result]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.kind.data)
            with printer.in_parens():
                printer.print_list(
                    zip(self.operands, self.types, strict=True),
                    lambda pair: print_shaped(printer, *pair),
                )
            printer.print_string(" -> ")
            printer.print_attribute(self.result)


def _float_element(type: Attribute) -> str | None:
    name = element_name(static_tensor(type).element_type)
    if name not in FLOATS:
        raise VerifyException(f"computes with floats, not with {name}")
    return name
