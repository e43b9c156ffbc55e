"""Types and attributes that GraphEngine has and MLIR's builtin dialect has not."""

from __future__ import annotations

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.weights import Weight, parse_shaped, print_shaped


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


@irdl_attr_definition
class RefreshableAttr(ParametrizedAttribute):
    """`#ge.refreshable<"onnx name", "node", #weights.file<…> as tensor<4xf32>>`.

    A weight that can be changed after compilation: the ONNX tensor that a user names, the Const
    node that it was, and what the variable begins with.
    """

    name = "ge.refreshable"

    onnx: StringAttr = param_def()
    const: StringAttr = param_def()
    value: Attribute = param_def()
    type: Attribute = param_def()

    def verify(self) -> None:
        if not isinstance(self.value, Weight):
            raise VerifyException(f"'{self.const.data}' begins with a weight, not {self.value}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            names: list[Attribute] = []
            for _ in range(2):
                names.append(StringAttr(parser.parse_str_literal()))
                parser.parse_punctuation(",")
            return [*names, *parse_shaped(parser)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            for name in (self.onnx, self.const):
                printer.print_string_literal(name.data)
                printer.print_string(", ")
            print_shaped(printer, self.value, self.type)
