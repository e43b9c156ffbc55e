"""The tile level: operators on tensors, which a kernel computes tile by tile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DictionaryAttr,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    TensorType,
    f64,
    i32,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from dialects.davinci.types import ints
from dialects.op import AscendOp, names_attr


@irdl_op_definition
class TileOp(AscendOp):
    """A GraphEngine operator in destination-passing style: `ins` by port name, results in `outs`.

    Its attributes are the operator's. `constants` are the integers of inputs that are known,
    `numbers` inputs of one known element, `tiles` the sizes in which the operator is cut, by the
    names that its planner has for them.

        %r = davinci.tile "MatMulV2" ins(x1 = %a, x2 = %b) outs(%y) tiles {m = 128} : (…) -> …
    """

    name = "davinci.tile"

    op_type = prop_def(StringAttr)
    ports = prop_def(ArrayAttr[StringAttr])
    constants = opt_prop_def(DictionaryAttr)
    numbers = opt_prop_def(DictionaryAttr)
    tiles = opt_prop_def(DictionaryAttr)
    ins = var_operand_def(TensorType)
    outs = var_operand_def(TensorType)
    computed = var_result_def(TensorType)

    traits = traits_def(Pure())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    @classmethod
    def of(
        cls,
        op_type: str,
        ins: Mapping[str, SSAValue],
        outs: Sequence[SSAValue],
        attributes: Mapping[str, Attribute] | None = None,
        *,
        constants: Mapping[str, Sequence[int]] | None = None,
        numbers: Mapping[str, float] | None = None,
    ) -> Self:
        """An operator that computes into `outs`; no tiles are chosen."""
        segments = DenseArrayBase.from_list(i32, [len(ins), len(outs)])
        properties: dict[str, Attribute] = {
            "op_type": StringAttr(op_type),
            "ports": names_attr(tuple(ins)),
            "operandSegmentSizes": segments,
        }
        if constants:
            known = {port: DenseArrayBase.from_list(i64, v) for port, v in constants.items()}
            properties["constants"] = DictionaryAttr(known)
        if numbers:
            values = {port: FloatAttr(number, f64) for port, number in numbers.items()}
            properties["numbers"] = DictionaryAttr(values)
        return cls.create(
            operands=[*ins.values(), *outs],
            result_types=[value.type for value in outs],
            properties=properties,
            attributes=dict(attributes or {}),
        )

    @property
    def named_ins(self) -> dict[str, SSAValue]:
        """The inputs by port name, in port order."""
        return dict(zip((port.data for port in self.ports.data), self.ins, strict=True))

    @property
    def known(self) -> dict[str, tuple[int, ...]]:
        """The integers of constant inputs by port name."""
        if self.constants is None:
            return {}
        return {port: ints(value) for port, value in self.constants.data.items()}

    @property
    def known_numbers(self) -> dict[str, float]:
        """The one element of constant inputs by port name."""
        found = self.numbers.data.items() if self.numbers else ()
        return {port: value.value.data for port, value in found if isinstance(value, FloatAttr)}

    @property
    def sizes(self) -> dict[str, int]:
        """The tile sizes by name; empty where none are chosen."""
        return dict(_sizes(self.tiles)) if self.tiles else {}

    def choose(self, sizes: Mapping[str, int]) -> None:
        """Set the tile sizes."""
        self.properties["tiles"] = sizes_attr(sizes)

    def verify_(self) -> None:
        if len(self.ports) != len(self.ins):
            raise VerifyException(f"{len(self.ins)} inputs but {len(self.ports)} port names")
        if [value.type for value in self.outs] != list(self.result_types):
            raise VerifyException("the results have other types than their destinations")
        if self.tiles and any(size < 1 for _, size in _sizes(self.tiles)):
            raise VerifyException("tile sizes are positive integers")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        op_type = parser.parse_str_literal()
        parser.parse_keyword("ins")
        ins = parser.parse_comma_separated_list(parser.Delimiter.PAREN, lambda: _parse_in(parser))
        parser.parse_keyword("outs")
        outs = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, parser.parse_unresolved_operand
        )
        attributes = parser.parse_optional_attr_dict()
        more = [_parse_dictionary(parser, name) for name in _DICTIONARIES]
        parser.parse_punctuation(":")
        in_types = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
        parser.parse_punctuation("->")
        out_types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        values = parser.resolve_operands([value for _, value in ins], in_types, parser.pos)
        targets = parser.resolve_operands(outs, out_types, parser.pos)
        ports = (port for port, _ in ins)
        made = cls.of(op_type, dict(zip(ports, values, strict=True)), targets, attributes)
        for found in more:
            made.properties |= found
        return made

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_attribute(self.op_type)
        printer.print_string(" ins")
        with printer.in_parens():
            printer.print_list(self.named_ins.items(), lambda entry: _print_in(printer, *entry))
        printer.print_string(" outs")
        with printer.in_parens():
            printer.print_list(self.outs, printer.print_ssa_value)
        printer.print_op_attributes(self.attributes)
        for name in _DICTIONARIES:
            if (value := self.properties.get(name)) is not None:
                printer.print_string(f" {name} ")
                printer.print_attribute(value)
        printer.print_string(" : ")
        with printer.in_parens():
            printer.print_list(self.ins.types, printer.print_attribute)
        printer.print_string(" -> ")
        printer.print_list(self.outs.types, printer.print_attribute)


_DICTIONARIES = ("constants", "numbers", "tiles")


def sizes_attr(sizes: Mapping[str, int]) -> DictionaryAttr:
    """Tile sizes as an attribute."""
    return DictionaryAttr({name: IntegerAttr(size, i64) for name, size in sizes.items()})


def _sizes(tiles: DictionaryAttr) -> Iterator[tuple[str, int]]:
    for name, value in tiles.data.items():
        yield name, value.value.data if isinstance(value, IntegerAttr) else 0


def _parse_in(parser: Parser) -> tuple[str, UnresolvedOperand]:
    port = parser.parse_identifier()
    parser.parse_punctuation("=")
    return port, parser.parse_unresolved_operand()


def _print_in(printer: Printer, port: str, value: SSAValue) -> None:
    printer.print_string(f"{port} = ")
    printer.print_ssa_value(value)


def _parse_dictionary(parser: Parser, keyword: str) -> dict[str, Attribute]:
    if parser.parse_optional_keyword(keyword) is None:
        return {}
    return {keyword: DictionaryAttr(parser.parse_optional_dictionary_attr_dict())}


@irdl_op_definition
class EmptyOp(AscendOp):
    """A tensor without values: where an operator of a kernel leaves them for the next one."""

    name = "davinci.empty"

    tensor = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "attr-dict `:` type($tensor)"

    def __init__(self, type: Attribute):
        super().__init__(result_types=[type])


@irdl_op_definition
class ReturnOp(AscendOp):
    """What a kernel at the tile level computes: a tensor for each of its outputs."""

    name = "davinci.return"

    tensors = var_operand_def(TensorType)
    assembly_format = "attr-dict $tensors `:` type($tensors)"

    def __init__(self, tensors: Sequence[SSAValue]):
        super().__init__(operands=[tensors])
