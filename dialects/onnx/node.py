"""What every ONNX node shares: inputs and attributes by schema name, graphs inside, syntax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    IntegerAttr,
    NameLoc,
    NoneAttr,
    NoneType,
    StringAttr,
)
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.irdl import (
    opt_prop_def,
    traits_def,
    var_operand_def,
    var_region_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator
from xdsl.utils.exceptions import VerifyException

from dialects.onnx.check import check_node
from dialects.onnx.schema import (
    Parameter,
    Schema,
    schema,
    since_versions,
    split_operator,
)
from dialects.onnx.values import (
    default_attribute,
    integer_of,
    integers_of,
    names_attr,
    number_of,
    numbers_of,
    text_of,
    texts_of,
)
from dialects.op import AscendOp

GRAPH = "onnx.graph"


def location_of(name: str) -> NameLoc:
    """The location of what an ONNX node of that name becomes."""
    return NameLoc(StringAttr(name), NoneAttr())


def opsets_of(op: Operation) -> Mapping[str, Attribute] | None:
    """The opset imports of the model around an operation, by domain; None outside a model."""
    parent = op.parent_op()
    while parent is not None:
        opset = parent.properties.get("opset")
        if opset.__class__ is DictionaryAttr and parent.name == GRAPH:
            return cast(DictionaryAttr, opset).data
        parent = parent.parent_op()
    return None


class NodeOp(AscendOp):
    """A node: its name, inputs in schema order, ONNX's attributes, graphs by attribute name.

    An input that is left out is an `onnx.none` value in the middle and not there at the end.

        %y = onnx.<operator> "name"(%x, …) {attribute = …} : (types) -> types with graph {…}, …
    """

    node_name = opt_prop_def(StringAttr)
    graph_names = opt_prop_def(ArrayAttr[StringAttr])

    inputs = var_operand_def()
    outputs = var_result_def()
    graphs = var_region_def()

    traits = traits_def(NoTerminator())

    OPERATOR: ClassVar[str] = ""
    """The operator as the schema table spells it, e.g. `Conv` or `ai.onnx.ml.Normalizer`."""

    BEFORE_NAME: ClassVar[tuple[str, ...]] = ()
    """Further string properties that stand before the name in the text."""

    @classmethod
    def make(
        cls,
        name: str,
        inputs: Sequence[SSAValue] = (),
        results: Sequence[Attribute] = (),
        attributes: Mapping[str, Attribute] | None = None,
        graphs: Mapping[str, Region] | None = None,
        **properties: Attribute,
    ) -> Self:
        """Build a node; an empty name is none. `graphs` are regions with one graph each."""
        if name:
            properties["node_name"] = StringAttr(name)
        if graphs:
            properties["graph_names"] = names_attr(tuple(graphs))
        op = cls.create(
            operands=inputs,
            result_types=results,
            attributes=dict(attributes or {}),
            properties=properties,
            regions=tuple(graphs.values()) if graphs else (),
        )
        if name:
            op.location = location_of(name)
        return op

    @property
    def label(self) -> str:
        """The node's name in the model; empty when it has none."""
        return self.node_name.data if self.node_name else ""

    @property
    def domain(self) -> str:
        """The operator's domain, `ai.onnx` for the default one."""
        return split_operator(self.OPERATOR)[0]

    @property
    def op_type(self) -> str:
        """The operator's name within its domain, e.g. `Conv`."""
        return split_operator(self.OPERATOR)[1]

    @property
    def opset(self) -> int | None:
        """The version of the operator's domain that the model imports; None outside a model."""
        opsets = opsets_of(self)
        if opsets is None:
            return None
        version = opsets.get(self.domain)
        if not isinstance(version, IntegerAttr):
            known = ", ".join(f"'{domain}'" for domain in opsets)
            raise VerifyException(f"the model imports no opset of '{self.domain}', only {known}")
        return version.value.data

    @property
    def schema(self) -> Schema | None:
        """The schema in the model's opset, the newest outside a model; None for a custom one.

        VerifyException where the model's opset is too old to have the operator.
        """
        opset = self.opset
        found = schema(self.OPERATOR, opset)
        if found is None:
            first = since_versions(self.OPERATOR)[0]
            raise VerifyException(f"is new in opset {first}, the model imports {opset}")
        return found

    def _place(self, name: str, parameters: Sequence[Parameter]) -> int:
        for index, parameter in enumerate(parameters):
            if parameter.name == name:
                return index
        known = ", ".join(parameter.name for parameter in parameters)
        raise KeyError(f"{self.name} has no '{name}' in its opset, only {known or 'nothing'}")

    def _known(self) -> Schema:
        if (known := self.schema) is None:
            raise KeyError(f"{self.name} has no schema")
        return known

    def input(self, name: str) -> SSAValue | None:
        """The value at an input of the schema, None when it is left out.

        KeyError for a name that the operator does not have in the model's opset.
        """
        index = self._place(name, self._known().inputs)
        if index >= len(self.operands) or isinstance(self.operands[index].type, NoneType):
            return None
        return self.operands[index]

    def variadic(self, name: str) -> Sequence[SSAValue]:
        """The values at the variadic input of the schema."""
        return self.operands[self._place(name, self._known().inputs) :]

    def output(self, name: str) -> SSAValue | None:
        """The value at an output of the schema, None when it is left out."""
        index = self._place(name, self._known().outputs)
        if index >= len(self.results) or isinstance(self.results[index].type, NoneType):
            return None
        return self.results[index]

    @property
    def graph_labels(self) -> tuple[str, ...]:
        """The names of the graph attributes, one for each region."""
        return tuple(name.data for name in self.graph_names.data) if self.graph_names else ()

    def graph(self, name: str) -> Region | None:
        """The region of a graph attribute."""
        names = self.graph_labels
        return self.regions[names.index(name)] if name in names else None

    def attribute(self, name: str) -> Attribute | None:
        """An attribute, its default where the node does not give it, None where there is none.

        KeyError for a name that the operator does not have in the model's opset.
        """
        if (given := self.attributes.get(name)) is not None:
            return given
        known = self._known().attributes
        if name not in known:
            raise KeyError(f"{self.name} has no attribute '{name}' in its opset")
        default = known[name].default
        return None if default is None else default_attribute(known[name].kind, default)

    def integer(self, name: str) -> int | None:
        """An attribute of kind INT."""
        return integer_of(self.attribute(name))

    def number(self, name: str) -> float | None:
        """An attribute of kind FLOAT."""
        return number_of(self.attribute(name))

    def text(self, name: str) -> str | None:
        """An attribute of kind STRING."""
        return text_of(self.attribute(name))

    def integers(self, name: str) -> tuple[int, ...] | None:
        """An attribute of kind INTS."""
        return integers_of(self.attribute(name))

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """An attribute of kind FLOATS."""
        return numbers_of(self.attribute(name))

    def texts(self, name: str) -> tuple[str, ...] | None:
        """An attribute of kind STRINGS."""
        return texts_of(self.attribute(name))

    def verify_(self) -> None:
        names = self.graph_labels
        if len(names) != len(self.regions) or len(set(names)) != len(names):
            raise VerifyException("each graph needs a name of its own")
        for name, region in zip(names, self.regions, strict=True):
            if len(region.blocks) != 1 or [op.name for op in region.block.ops] != [GRAPH]:
                raise VerifyException(f"'{name}' must hold one {GRAPH}")
        if (known := self.schema) is not None:
            operands = [value.type for value in self._operands]
            check_node(known, operands, self.result_types, self.attributes, names)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        properties: dict[str, Attribute] = {
            field: StringAttr(parser.parse_str_literal()) for field in cls.BEFORE_NAME
        }
        name = parser.parse_optional_str_literal()
        operands = parser.parse_optional_comma_separated_list(
            parser.Delimiter.PAREN, parser.parse_unresolved_operand
        )
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        types = parser.parse_function_type()
        graphs = _parse_graphs(parser)
        return cls.make(
            name or "",
            parser.resolve_operands(operands or (), types.inputs.data, parser.pos),
            types.outputs.data,
            attributes,
            graphs,
            **properties,
        )

    def print(self, printer: Printer) -> None:
        for field in (*self.BEFORE_NAME, "node_name"):
            if (value := self.properties.get(field)) is not None:
                printer.print_string(" ")
                printer.print_attribute(value)
        printer.print_operands(self.operands)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_function_type([value.type for value in self.operands], self.result_types)
        for index, (name, region) in enumerate(zip(self.graph_labels, self.regions, strict=True)):
            printer.print_string(", " if index else " with ")
            printer.print_identifier_or_string_literal(name)
            printer.print_string(" ")
            printer.print_region(region)


def _parse_graphs(parser: Parser) -> dict[str, Region]:
    if parser.parse_optional_keyword("with") is None:
        return {}

    def entry() -> tuple[str, Region]:
        name = parser.parse_optional_str_literal() or parser.parse_identifier()
        return name, parser.parse_region()

    return dict(parser.parse_comma_separated_list(parser.Delimiter.NONE, entry))
