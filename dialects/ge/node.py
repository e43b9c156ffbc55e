"""What every node of a GraphEngine graph shares: a name, named ports, control edges, syntax."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Self, overload

from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, IntegerAttr, StringAttr
from xdsl.ir import Attribute, Region, SSAValue
from xdsl.irdl import (
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
    var_region_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator
from xdsl.utils.exceptions import VerifyException

from dialects.op import AscendOp, names_attr
from dialects.weights import print_weight


class NodeOp(AscendOp):
    """A node: `name`, inputs by port name, control edges by node name, GraphEngine's attributes.

    The discardable attributes of the operation are the node's GraphEngine attributes.

        %y = ge.<kind> "name"(port = %x, …) after ["a", …] {attribute = …} : (types) -> types
    """

    node_name = prop_def(StringAttr)
    ports = opt_prop_def(ArrayAttr[StringAttr])
    after = opt_prop_def(ArrayAttr[StringAttr])

    inputs = var_operand_def()
    outputs = var_result_def()
    subgraphs = var_region_def()

    traits = traits_def(NoTerminator())

    CALLS: ClassVar[bool] = True
    """Whether the node runs the graphs it owns: they have a place in the model then."""

    BEFORE_NAME: ClassVar[tuple[str, ...]] = ()
    AFTER_NAME: ClassVar[tuple[str, ...]] = ()
    """Further properties, and where they stand in the text."""

    @classmethod
    def make(
        cls,
        name: str,
        inputs: Mapping[str, SSAValue] | None = None,
        results: Sequence[Attribute] = (),
        attributes: Mapping[str, Attribute] | None = None,
        *,
        after: Sequence[str] = (),
        subgraphs: Sequence[Region] = (),
        **payload: Attribute,
    ) -> Self:
        """Build a node: `inputs` by port name in port order, `attributes` GraphEngine's."""
        inputs = inputs or {}
        properties: dict[str, Attribute] = {**payload, "node_name": StringAttr(name)}
        if inputs:
            properties["ports"] = names_attr(tuple(inputs))
        if after:
            properties["after"] = names_attr(tuple(after))
        return cls.create(
            operands=tuple(inputs.values()),
            result_types=results,
            properties=properties,
            attributes=dict(attributes or {}),
            regions=subgraphs,
        )

    @property
    def label(self) -> str:
        """The node's name, unique in its graph."""
        return self.node_name.data

    @property
    def port_names(self) -> tuple[str, ...]:
        """The names of the connected input ports, one for each operand."""
        ports = self.ports
        return tuple([port.data for port in ports.data]) if ports else ()

    @property
    def control_inputs(self) -> tuple[str, ...]:
        """The names of the nodes that must have run before this one, data edges aside."""
        after = self.after
        return tuple([name.data for name in after.data]) if after else ()

    @property
    def named_inputs(self) -> dict[str, SSAValue]:
        """The connected inputs by port name, in port order."""
        return dict(zip(self.port_names, self.operands, strict=True))

    def input(self, port: str) -> SSAValue | None:
        """The value at an input port, None when nothing is connected to it."""
        return self.named_inputs.get(port)

    @overload
    def integer(self, name: str) -> int | None: ...
    @overload
    def integer(self, name: str, default: int) -> int: ...
    def integer(self, name: str, default: int | None = None) -> int | None:
        """An Int or Bool attribute; the default where the node has none."""
        value = self.attributes.get(name)
        return value.value.data if isinstance(value, IntegerAttr) else default

    def flag(self, name: str) -> bool:
        """A Bool attribute that is false by default."""
        return bool(self.integer(name, 0))

    def integers(self, name: str) -> list[int]:
        """A ListInt attribute, empty where there is none."""
        value = self.attributes.get(name)
        if not isinstance(value, DenseArrayBase):
            return []
        return [int(item) for item in value.get_values()]

    @classmethod
    def implied_type(cls, properties: Mapping[str, Attribute]) -> Attribute | None:
        """The result type where a property says it already, so that the text need not repeat it."""
        return None

    def verify_(self) -> None:
        names = self.port_names
        if len(names) != len(self.operands):
            raise VerifyException(f"{len(self.operands)} inputs but {len(names)} port names")
        if len(set(names)) != len(names):
            raise VerifyException("an input port is connected twice")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        properties = {field: parser.parse_attribute() for field in cls.BEFORE_NAME}
        properties["node_name"] = StringAttr(parser.parse_str_literal())
        properties |= {field: parser.parse_attribute() for field in cls.AFTER_NAME}
        entries = parser.parse_optional_comma_separated_list(
            parser.Delimiter.PAREN, lambda: _parse_port(parser)
        )
        if entries:
            properties["ports"] = names_attr(tuple(port for port, _ in entries))
        if parser.parse_optional_keyword("after"):
            properties["after"] = parser.parse_attribute()
        attributes = parser.parse_optional_attr_dict()
        operand_types, result_types = _parse_signature(parser, bool(entries))
        if (implied := cls.implied_type(properties)) is not None:
            result_types = (implied,)
        operands = parser.resolve_operands(
            [value for _, value in entries or ()], operand_types, parser.pos
        )
        regions: list[Region] = []
        while (region := parser.parse_optional_region()) is not None:
            regions.append(region)
        return cls.create(
            operands=operands,
            result_types=result_types,
            properties=properties,
            attributes=attributes,
            regions=regions,
        )

    def print(self, printer: Printer) -> None:
        for field in (*self.BEFORE_NAME, "node_name", *self.AFTER_NAME):
            printer.print_string(" ")
            print_weight(printer, self.properties[field])
        if self.operands:
            with printer.in_parens():
                printer.print_list(
                    zip(self.port_names, self.operands, strict=True),
                    lambda entry: _print_port(printer, *entry),
                )
        if self.after:
            printer.print_string(" after ")
            printer.print_attribute(self.after)
        printer.print_op_attributes(self.attributes)
        if self.implied_type(self.properties) is None:
            _print_signature(printer, [value.type for value in self.operands], self.result_types)
        for region in self.regions:
            printer.print_string(" ")
            printer.print_region(region, print_empty_block=False)


def _parse_port(parser: Parser):
    port = parser.parse_identifier()
    parser.parse_punctuation("=")
    return port, parser.parse_unresolved_operand()


def _print_port(printer: Printer, port: str, value: SSAValue) -> None:
    printer.print_string(f"{port} = ")
    printer.print_ssa_value(value)


def _parse_signature(
    parser: Parser, has_inputs: bool
) -> tuple[Sequence[Attribute], Sequence[Attribute]]:
    """`: (types) -> types` with inputs, `: types` without, nothing when there are no types."""
    if parser.parse_optional_punctuation(":") is None:
        return (), ()
    if not has_inputs:
        return (), parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
    operands = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
    if parser.parse_optional_punctuation("->") is None:
        return operands, ()
    return operands, parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)


def _print_signature(
    printer: Printer, operands: Iterable[Attribute], results: Sequence[Attribute]
) -> None:
    operands = tuple(operands)
    if not operands and not results:
        return
    printer.print_string(" : ")
    if operands:
        with printer.in_parens():
            printer.print_list(operands, printer.print_attribute)
        if results:
            printer.print_string(" -> ")
    printer.print_list(results, printer.print_attribute)
