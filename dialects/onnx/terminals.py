"""What stands at the ends of a graph: constants, left-out inputs, outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from xdsl.dialects.builtin import ArrayAttr, NoneType, StringAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, prop_def, result_def, traits_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsTerminator, NoMemoryEffect
from xdsl.utils.exceptions import VerifyException

from dialects.onnx.attributes import check_payload, parse_payload, print_payload
from dialects.onnx.types import NONE
from dialects.op import AscendOp, names_attr


@irdl_op_definition
class NoneOp(AscendOp):
    """`%none = onnx.none : none`: stands where a node leaves out an optional input."""

    name = "onnx.none"

    output = result_def(NoneType)

    traits = traits_def(NoMemoryEffect())

    @classmethod
    def make(cls) -> Self:
        """Build the value that is none."""
        return cls.create(result_types=(NONE,))

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        parser.parse_punctuation(":")
        return cls.create(result_types=(parser.parse_type(),))

    def print(self, printer: Printer) -> None:
        printer.print_string(" : ")
        printer.print_attribute(self.output.type)


@irdl_op_definition
class InitializerOp(AscendOp):
    """`%w = onnx.initializer "w" payload : type`: a constant of the graph and its name."""

    name = "onnx.initializer"

    sym_name = prop_def(StringAttr)
    value = prop_def()
    output = result_def()

    traits = traits_def(NoMemoryEffect())

    @classmethod
    def make(cls, name: str, value: Attribute, type: Attribute) -> Self:
        """Build an initializer from what a tensor may hold (`check_payload`) and its type."""
        properties: dict[str, Attribute] = {"sym_name": StringAttr(name), "value": value}
        return cls.create(result_types=(type,), properties=properties)

    @property
    def label(self) -> str:
        """The tensor's name in the model."""
        return self.sym_name.data

    def verify_(self) -> None:
        check_payload(self.value, self.output.type)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_str_literal()
        return cls.make(name, *parse_payload(parser))

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.label)
        printer.print_string(" ")
        print_payload(printer, self.value, self.output.type)


@irdl_op_definition
class OutputOp(AscendOp):
    """`onnx.output(%y "y" : type, …)`: the outputs of the graph and their names."""

    name = "onnx.output"

    names = prop_def(ArrayAttr[StringAttr])
    values = var_operand_def()

    traits = traits_def(IsTerminator())

    @classmethod
    def make(cls, outputs: Mapping[str, SSAValue]) -> Self:
        """Build the end of a graph from its outputs by name."""
        return cls.create(
            operands=tuple(outputs.values()), properties={"names": names_attr(tuple(outputs))}
        )

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the outputs, one for each operand."""
        return tuple(name.data for name in self.names.data)

    def verify_(self) -> None:
        if len(self.output_names) != len(self.operands):
            raise VerifyException(f"{len(self.operands)} outputs, {len(self.output_names)} names")
        if len(set(self.output_names)) != len(self.output_names):
            raise VerifyException("two outputs have one name")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        def entry() -> tuple[str, SSAValue]:
            value = parser.parse_unresolved_operand()
            name = parser.parse_str_literal()
            parser.parse_punctuation(":")
            return name, parser.resolve_operand(value, parser.parse_type())

        entries = parser.parse_comma_separated_list(parser.Delimiter.PAREN, entry)
        return cls.create(
            operands=[value for _, value in entries],
            properties={"names": names_attr(tuple(name for name, _ in entries))},
        )

    def print(self, printer: Printer) -> None:
        def entry(pair: tuple[str, SSAValue]) -> None:
            printer.print_ssa_value(pair[1])
            printer.print_string(" ")
            printer.print_string_literal(pair[0])
            printer.print_string(" : ")
            printer.print_attribute(pair[1].type)

        with printer.in_parens():
            printer.print_list(zip(self.output_names, self.operands, strict=True), entry)
