"""ONNX graphs: of a model, and inside the nodes of its control flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Self, cast

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    DictionaryAttr,
    IntegerAttr,
    StringAttr,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.onnx.node import GRAPH, NodeOp, location_of
from dialects.onnx.terminals import InitializerOp, OutputOp
from dialects.op import AscendOp, describe, names_attr
from dialects.types import RankedTensor


@irdl_op_definition
class GraphOp(AscendOp):
    """A graph: inputs as block arguments, nodes in execution order, `onnx.output` at the end.

    The graph of a model names its opsets; one inside a node has none and may use the values
    around it. `["batch", …]` names the unknown dimensions of an input, in order.

        onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<?x3xf32> "x" ["batch"], …) { … }
    """

    name = GRAPH

    sym_name = prop_def(StringAttr)
    opset = opt_prop_def(DictionaryAttr)
    input_names = prop_def(ArrayAttr[StringAttr])
    dim_params = opt_prop_def(ArrayAttr[ArrayAttr[StringAttr]])
    body = region_def("single_block")

    @classmethod
    def make(
        cls,
        name: str,
        block: Block,
        input_names: Sequence[str],
        opset: Mapping[str, int] | None = None,
        dim_params: Sequence[Sequence[str]] = (),
    ) -> Self:
        """Build a graph around a block; `dim_params` as in the text, for each input or for none."""
        properties: dict[str, Attribute] = {
            "sym_name": StringAttr(name),
            "input_names": names_attr(tuple(input_names)),
        }
        if opset is not None:
            versions = {domain: IntegerAttr(version, i64) for domain, version in opset.items()}
            properties["opset"] = DictionaryAttr(versions)
        if any(dim_params):
            properties["dim_params"] = ArrayAttr([names_attr(tuple(dims)) for dims in dim_params])
        op = cls.create(properties=properties, regions=[Region(block)])
        op.location = location_of(name)
        return op

    @property
    def label(self) -> str:
        """The graph's name."""
        return self.sym_name.data

    @property
    def opsets(self) -> dict[str, int]:
        """The opset versions by domain (`ai.onnx` is the default one); empty inside a node."""
        if self.opset is None:
            return {}
        return {d: v.value.data for d, v in self.opset.data.items() if isinstance(v, IntegerAttr)}

    @property
    def inputs(self) -> dict[str, SSAValue]:
        """The inputs by name."""
        names = (name.data for name in self.input_names.data)
        return dict(zip(names, self.body.block.args, strict=True))

    @property
    def input_dim_params(self) -> tuple[tuple[str, ...], ...]:
        """For each input the names of its unknown dimensions in order; "" for a nameless one."""
        if self.dim_params is None:
            return ((),) * len(self.input_names)
        return tuple(tuple(name.data for name in dims.data) for dims in self.dim_params.data)

    @property
    def initializers(self) -> dict[str, InitializerOp]:
        """The constants of this graph by name."""
        ops = (op for op in self.body.block.ops if isinstance(op, InitializerOp))
        return {op.label: op for op in ops}

    @property
    def nodes(self) -> Iterator[NodeOp]:
        """The nodes in execution order, those of graphs inside them not included."""
        return (op for op in self.body.block.ops if isinstance(op, NodeOp))

    @property
    def output(self) -> OutputOp:
        """The end of the graph."""
        last = self.body.block.last_op
        assert isinstance(last, OutputOp)
        return last

    @property
    def outputs(self) -> dict[str, SSAValue]:
        """The outputs by name."""
        return dict(zip(self.output.output_names, self.output.operands, strict=True))

    def verify_(self) -> None:
        if not isinstance(self.body.block.last_op, OutputOp):
            raise VerifyException("must end with onnx.output")
        self._check_names()
        if self.opset is not None:
            check_order(self, set())
        elif not isinstance(self.parent_op(), NodeOp):
            raise VerifyException("the graph of a model names its opset: opset {ai.onnx = 17}")

    def _check_names(self) -> None:
        args = self.body.block.args
        if len(self.input_names) != len(args):
            raise VerifyException(f"{len(args)} inputs, {len(self.input_names)} names")
        names = [name.data for name in self.input_names.data]
        names += [op.label for op in self.body.block.ops if isinstance(op, InitializerOp)]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise VerifyException(f"two values are called '{twice}'")
        for arg, dims in zip(args, self.input_dim_params, strict=True):
            shape = cast(RankedTensor, arg.type).get_shape() if dims else ()
            if dims and len(dims) != shape.count(DYNAMIC_INDEX):
                raise VerifyException(f"{len(dims)} names for the unknown dimensions of {arg.type}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_str_literal()
        opset: dict[str, int] | None = None
        if parser.parse_optional_keyword("opset"):
            entries = parser.parse_comma_separated_list(
                parser.Delimiter.BRACES, lambda: _parse_opset(parser)
            )
            opset = dict(entries)
        arguments = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, lambda: _parse_input(parser)
        )
        region = parser.parse_region([argument for argument, _, _ in arguments])
        return cls.make(
            name,
            region.detach_block(0) if region.blocks else Block(),
            [input_name for _, input_name, _ in arguments],
            opset,
            [dims for _, _, dims in arguments],
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.label)
        if self.opset is not None:
            printer.print_string(" opset ")
            with printer.in_braces():
                printer.print_list(self.opsets.items(), lambda e: _print_opset(printer, *e))
        printer.print_string(" ")
        inputs = zip(self.inputs.items(), self.input_dim_params, strict=True)
        with printer.in_parens():
            printer.print_list(inputs, lambda entry: _print_input(printer, *entry[0], entry[1]))
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)


def check_order(graph: GraphOp, visible: set[SSAValue]) -> None:
    """Raise VerifyException where an operation uses a value that is not defined before it."""
    visible |= set(graph.body.block.args)
    for op in graph.body.block.ops:
        for value in op.operands:
            if value not in visible:
                raise VerifyException(f"{describe(op)} uses a value before its definition")
        for inner in _graphs_in(op):
            check_order(inner, set(visible))
        visible.update(op.results)


def _graphs_in(op: Operation) -> Iterator[GraphOp]:
    for region in op.regions:
        yield from (inner for inner in region.block.ops if isinstance(inner, GraphOp))


def _parse_opset(parser: Parser) -> tuple[str, int]:
    domain = parser.parse_optional_str_literal() or parser.parse_identifier()
    parser.parse_punctuation("=")
    return domain, parser.parse_integer(allow_boolean=False, allow_negative=False)


def _print_opset(printer: Printer, domain: str, version: int) -> None:
    printer.print_identifier_or_string_literal(domain)
    printer.print_string(f" = {version}")


def _parse_input(parser: Parser) -> tuple[Parser.Argument, str, list[str]]:
    argument = parser.parse_argument()
    name = parser.parse_str_literal()
    dims = parser.parse_optional_comma_separated_list(
        parser.Delimiter.SQUARE, parser.parse_str_literal
    )
    return argument, name, dims or []


def _print_input(printer: Printer, name: str, value: SSAValue, dims: Sequence[str]) -> None:
    printer.print_ssa_value(value)
    printer.print_string(" : ")
    printer.print_attribute(value.type)
    printer.print_string(" ")
    printer.print_string_literal(name)
    if dims:
        printer.print_string(" ")
        with printer.in_square_brackets():
            printer.print_list(dims, printer.print_string_literal)
