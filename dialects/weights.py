"""The weights dialect: attributes that say where a tensor's bytes are, or how to make them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    BytesAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntAttr,
    IntegerAttr,
    IntegerType,
    StringAttr,
    i64,
)
from xdsl.ir import Attribute, Dialect, ParametrizedAttribute, TypedAttribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.types import ELEMENT_TYPES, SUB_BYTE, RankedTensor, element_name, is_static


@irdl_attr_definition
class FileAttr(ParametrizedAttribute):
    """`#weights.file<"path", offset + length>`: bytes of a file, little-endian, row-major.

    A relative path is relative to the working directory of the process.
    """

    name = "weights.file"

    path: StringAttr = param_def()
    offset: IntAttr = param_def()
    length: IntAttr = param_def()

    def verify(self) -> None:
        if self.offset.data < 0 or self.length.data < 0:
            raise VerifyException("offset and length of a file reference must not be negative")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            path = parser.parse_str_literal()
            parser.parse_punctuation(",")
            offset = parser.parse_integer(allow_boolean=False)
            parser.parse_punctuation("+")
            length = parser.parse_integer(allow_boolean=False)
        return [StringAttr(path), IntAttr(offset), IntAttr(length)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.path.data)
            printer.print_string(f", {self.offset.data} + {self.length.data}")


@irdl_attr_definition
class SplatAttr(ParametrizedAttribute):
    """`#weights.splat<value, count>`: one element repeated `count` times."""

    name = "weights.splat"

    value: Attribute = param_def()
    count: IntAttr = param_def()

    def verify(self) -> None:
        element = _element_of(self.value)
        if not isinstance(self.value, IntegerAttr | FloatAttr):
            raise VerifyException("a splat repeats an integer or a float")
        if element in SUB_BYTE:
            raise VerifyException(f"a splat repeats whole bytes, {element} elements share one")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            value = parser.parse_attribute()
            parser.parse_punctuation(",")
            count = parser.parse_integer(allow_boolean=False, allow_negative=False)
        return [value, IntAttr(count)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_attribute(self.value)
            printer.print_string(f", {self.count.data}")


def _element_of(value: Attribute) -> str | None:
    return element_name(value.get_type()) if isinstance(value, TypedAttribute) else None


CONVERTIBLE = frozenset(
    name
    for name in ELEMENT_TYPES
    if name not in SUB_BYTE and not name.startswith(("complex", "f6E"))
)
"""The element types that have a whole number of bytes and one number each."""


@irdl_attr_definition
class CastAttr(ParametrizedAttribute):
    """`#weights.cast<source, f32 to f16>`: another weight, each element converted.

    Nothing is computed until somebody reads the bytes, and then in bounded chunks.
    """

    name = "weights.cast"

    source: Attribute = param_def()
    from_type: Attribute = param_def()
    to_type: Attribute = param_def()

    def verify(self) -> None:
        if not isinstance(self.source, Weight):
            raise VerifyException(f"a cast needs a weight to convert, not {self.source}")
        for element in (self.from_type, self.to_type):
            if element_name(element) not in CONVERTIBLE:
                raise VerifyException(f"no cast from or to {element}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            source = parser.parse_attribute()
            parser.parse_punctuation(",")
            from_type = parser.parse_type()
            parser.parse_characters("to")
            to_type = parser.parse_type()
        return [source, from_type, to_type]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_weight(printer, self.source)
            printer.print_string(", ")
            printer.print_attribute(self.from_type)
            printer.print_string(" to ")
            printer.print_attribute(self.to_type)


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
class ComputeAttr(ParametrizedAttribute):
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


@irdl_attr_definition
class TransposeAttr(ParametrizedAttribute):
    """`#weights.transpose<source as tensor<8x3xf32>, [1, 0]>`: axis i is the source's perm[i]."""

    name = "weights.transpose"

    source: Attribute = param_def()
    type: Attribute = param_def()
    perm: DenseArrayBase[IntegerType] = param_def()

    def verify(self) -> None:
        if not isinstance(self.source, Weight):
            raise VerifyException(f"a transpose needs a weight, not {self.source}")
        shape = static_tensor(self.type).get_shape()
        if sorted(self.perm.get_values()) != list(range(len(shape))):
            raise VerifyException(f"{self.perm} does not permute the axes of {self.type}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            source, type = parse_shaped(parser)
            parser.parse_punctuation(",")
            perm = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
        return [source, type, DenseArrayBase.from_list(i64, perm)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_shaped(printer, self.source, self.type)
            printer.print_string(f", {list(self.perm.get_values())}")


def parse_shaped(parser: AttrParser) -> tuple[Attribute, Attribute]:
    """`weight as type`: a weight, and what it is the bytes of."""
    source = parser.parse_attribute()
    parser.parse_characters("as")
    return source, parser.parse_type()


def print_shaped(printer: Printer, source: Attribute, type: Attribute) -> None:
    """Print what `parse_shaped` reads."""
    print_weight(printer, source)
    printer.print_string(" as ")
    printer.print_attribute(type)


def static_tensor(type: Attribute) -> RankedTensor:
    """A type as that of a tensor whose bytes can be read; VerifyException when it is none."""
    if not is_static(type):
        raise VerifyException(f"a weight has a static tensor type, not {type}")
    ranked = cast(RankedTensor, type)
    if element_name(ranked.element_type) not in CONVERTIBLE:
        raise VerifyException(f"no derived weight of {ranked.element_type}")
    return ranked


def _float_element(type: Attribute) -> str | None:
    name = element_name(static_tensor(type).element_type)
    if name not in FLOATS:
        raise VerifyException(f"computes with floats, not with {name}")
    return name


@irdl_attr_definition
class StringsAttr(ParametrizedAttribute):
    """`#weights.strings<["a", "b"]>`: the elements of a tensor of strings, row-major."""

    name = "weights.strings"

    elements: ArrayAttr[StringAttr | BytesAttr] = param_def()

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return [parser.parse_attribute()]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_attribute(self.elements)


@irdl_attr_definition
class ScatterAttr(ParametrizedAttribute):
    """`#weights.scatter<values, indices, count>`: `count` elements, zeros but for some values.

    `indices` holds the place of each value in the flat tensor, as i64; the last of two wins.
    """

    name = "weights.scatter"

    values: Attribute = param_def()
    indices: Attribute = param_def()
    count: IntAttr = param_def()

    def verify(self) -> None:
        if not all(isinstance(part, Weight) for part in (self.values, self.indices)):
            raise VerifyException("a scatter needs weights to take values and indices from")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            values = parser.parse_attribute()
            parser.parse_punctuation(",")
            indices = parser.parse_attribute()
            parser.parse_punctuation(",")
            count = parser.parse_integer(allow_boolean=False, allow_negative=False)
        return [values, indices, IntAttr(count)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_weight(printer, self.values)
            printer.print_string(", ")
            print_weight(printer, self.indices)
            printer.print_string(f", {self.count.data}")


@irdl_attr_definition
class NamedAttr(ParametrizedAttribute):
    """`#weights.named<"conv1.weight", source as tensor<8x3xf32>>`: an ONNX tensor by its name.

    The bytes of its source now, and others after a refresh: no pass may look at them.
    """

    name = "weights.named"

    onnx: StringAttr = param_def()
    source: Attribute = param_def()
    type: Attribute = param_def()

    def verify(self) -> None:
        if isinstance(self.source, NamedAttr) or not isinstance(self.source, Weight):
            raise VerifyException(f"'{self.onnx.data}' names a weight, not {self.source}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            onnx = StringAttr(parser.parse_str_literal())
            parser.parse_punctuation(",")
            return [onnx, *parse_shaped(parser)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.onnx.data)
            printer.print_string(", ")
            print_shaped(printer, self.source, self.type)


def named_in(value: Attribute) -> Iterator[NamedAttr]:
    """The named tensors that a weight is made of, in order, perhaps several times."""
    match value:
        case NamedAttr():
            yield value
        case CastAttr() | TransposeAttr():
            yield from named_in(value.source)
        case ComputeAttr():
            for operand in value.operands:
                yield from named_in(operand)
        case _:
            return


def without_names(value: Attribute) -> Attribute:
    """The same weight of tensors that nobody will change."""
    match value:
        case NamedAttr():
            return value.source
        case CastAttr():
            return CastAttr(without_names(value.source), value.from_type, value.to_type)
        case TransposeAttr():
            return TransposeAttr(without_names(value.source), value.type, value.perm)
        case ComputeAttr():
            operands = ArrayAttr([without_names(operand) for operand in value.operands])
            return ComputeAttr(value.kind, operands, value.types, value.result)
        case _:
            return value


Weight: TypeAlias = (
    FileAttr
    | SplatAttr
    | CastAttr
    | ComputeAttr
    | TransposeAttr
    | StringsAttr
    | ScatterAttr
    | NamedAttr
    | DenseIntOrFPElementsAttr
)
"""What a constant may hold: a reference, a derived weight, or (when small) its values."""


def is_printable(dense: Attribute) -> bool:
    """Whether xDSL's parser reads what its printer writes for dense values (or no such)."""
    if not isinstance(dense, DenseIntOrFPElementsAttr):
        return True
    for value in cast("DenseIntOrFPElementsAttr", dense).iter_values():
        parts = value if isinstance(value, tuple) else (value,)
        if any(isinstance(part, float) and not is_printable_number(part) for part in parts):
            return False
    return True


def is_printable_number(value: float) -> bool:
    """Whether xDSL (0.74) writes a number in an array as decimals.

    What it writes in hexadecimal its parser takes for an integer: infinities, NaN, and whole
    numbers of more than six digits.
    """
    return math.isfinite(value) and (abs(value) < 1e6 or not value.is_integer())


def print_weight(printer: Printer, weight: Attribute) -> None:
    """Print a weight so that xDSL's parser reads back what was printed."""
    if is_printable(weight):
        printer.print_attribute(weight)
        return
    dense = cast("DenseIntOrFPElementsAttr", weight)
    printer.print_string(f'dense<"0x{dense.data.data.hex().upper()}"> : ')
    printer.print_attribute(cast("TypedAttribute", weight).get_type())


WEIGHTS = Dialect(
    "weights",
    [],
    [
        FileAttr,
        SplatAttr,
        CastAttr,
        ComputeAttr,
        TransposeAttr,
        StringsAttr,
        ScatterAttr,
        NamedAttr,
    ],
)
