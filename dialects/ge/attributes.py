"""Types and attributes that GraphEngine has and MLIR's builtin dialect has not."""

from __future__ import annotations

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer


def _parse_string(parser: AttrParser) -> list[Attribute]:
    with parser.in_angle_brackets():
        return [StringAttr(parser.parse_str_literal())]


@irdl_attr_definition
class DTypeType(ParametrizedAttribute, TypeAttribute):
    """`!ge.dtype<"STRING">`: an element type by the name GraphEngine gives it, without `DT_`."""

    name = "ge.dtype"

    dtype: StringAttr = param_def()

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        return _parse_string(parser)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.dtype.data)


@irdl_attr_definition
class AttrDefAttr(ParametrizedAttribute):
    """`#ge.attr_def<"hex">`: an attribute of a kind that has no MLIR form, as its AttrDef bytes."""

    name = "ge.attr_def"

    payload: StringAttr = param_def()

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        return _parse_string(parser)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.payload.data)
