"""Where a node of an offline model runs and where its tensors lie."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from xdsl.dialects.builtin import ArrayAttr, IntAttr, StringAttr
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer


@lru_cache(maxsize=4096)
def ints(values: tuple[int, ...]) -> ArrayAttr[IntAttr]:
    """A list of integers: one shared attribute for each."""
    return ArrayAttr([IntAttr(value) for value in values])


_LISTS = ("inputs", "outputs", "workspaces", "workspace_bytes")


@irdl_attr_definition
class PlacementAttr(ParametrizedAttribute):
    """`#om.placement<3 on 0 inputs [0, 512] outputs [1024]>`: node 3, on stream 0, …

    Offsets are in bytes: in feature memory for ordinary tensors, in the weight partition for what
    a Const holds, and absolute logical addresses for variables and file constants.
    """

    name = "om.placement"

    id: IntAttr = param_def()
    stream: IntAttr = param_def()
    inputs: ArrayAttr[IntAttr] = param_def()
    outputs: ArrayAttr[IntAttr] = param_def()
    workspaces: ArrayAttr[IntAttr] = param_def()
    workspace_bytes: ArrayAttr[IntAttr] = param_def()

    @staticmethod
    def of(
        id: int,
        stream: int,
        inputs: Sequence[int] = (),
        outputs: Sequence[int] = (),
        workspaces: Sequence[int] = (),
        *,
        workspace_bytes: Sequence[int] = (),
    ) -> PlacementAttr:
        """A placement from plain integers."""
        lists = (inputs, outputs, workspaces, workspace_bytes)
        return PlacementAttr(IntAttr(id), IntAttr(stream), *(ints(tuple(x)) for x in lists))

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            node = parser.parse_integer(allow_boolean=False)
            parser.parse_keyword("on")
            stream = parser.parse_integer(allow_boolean=False)
            lists = [_parse_list(parser, name) for name in _LISTS]
        return [IntAttr(node), IntAttr(stream), *lists]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(f"{self.id.data} on {self.stream.data}")
            for name in _LISTS:
                values: ArrayAttr[IntAttr] = getattr(self, name)
                if values.data:
                    text = ", ".join(str(value.data) for value in values.data)
                    printer.print_string(f" {name} [{text}]")


def _parse_list(parser: AttrParser, keyword: str) -> ArrayAttr[IntAttr]:
    if parser.parse_optional_keyword(keyword) is None:
        return ints(())

    def number() -> int:
        return parser.parse_integer(allow_boolean=False)

    return ints(tuple(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, number)))


def values_of(attribute: ArrayAttr[IntAttr]) -> tuple[int, ...]:
    """The integers of a list attribute."""
    return tuple(value.data for value in attribute.data)


@irdl_attr_definition
class FieldsAttr(ParametrizedAttribute):
    """`#om.fields<["input_desc/0"], "input_desc { … }">`: fields that the IR has no words for.

    The paths name the fields of a message (`field`, `map/key`, `repeated/index`) of which the file
    says something else than the rest of the IR; the text is what it says, in protobuf's text
    format, or where that would not say all of it in hexadecimal.
    """

    name = "om.fields"

    paths: ArrayAttr[StringAttr] = param_def()
    payload: StringAttr = param_def()

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            paths = parser.parse_attribute()
            parser.parse_punctuation(",")
            return [paths, StringAttr(parser.parse_str_literal())]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_attribute(self.paths)
            printer.print_string(", ")
            printer.print_string_literal(self.payload.data)


FIELDS_NAME = "om.fields"
"""Of a node or graph: what of its message the rest of the IR does not say."""
VALUE_FIELDS_NAME = "om.value_fields"
"""Of a Const: the same of the descriptor in its value."""
INLINE_NAME = "om.inline"
"""Of a Const whose bytes are in the graph, not in the weight partition."""
DATA_OFFSET_NAME = "om.data_offset"
"""Of a Const whose place in the weight partition its placement does not say."""
ORDER_NAME = "om.order"
"""Of a graph: the place in the file of each node, where that is another order."""

RESERVED = frozenset(
    {
        "placement",
        FIELDS_NAME,
        VALUE_FIELDS_NAME,
        INLINE_NAME,
        DATA_OFFSET_NAME,
        ORDER_NAME,
    }
)
"""Attributes of nodes and graphs that are not GraphEngine's."""
