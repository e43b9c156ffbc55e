"""What every instruction on data shares: strided accesses to buffers, sizes, a pipe, its text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple, Self, TypeAlias

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    DenseArrayBase,
    IndexType,
    MemRefType,
    StringAttr,
    i32,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    opt_prop_def,
    prop_def,
    var_operand_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.davinci.attributes import Pipe, Space
from dialects.davinci.types import Buffer, Ints, buffer_of, ints, layout_of, space_of
from dialects.op import AscendOp

Mixed: TypeAlias = "int | SSAValue"
Spaces: TypeAlias = "tuple[tuple[Space, ...], ...]"
_Parsed: TypeAlias = "int | UnresolvedOperand"


class Access(NamedTuple):
    """Elements of a buffer: from `offsets`, at `strides` (in elements), one for each size.

    A buffer with a fractal layout is accessed as the matrix it holds: the offsets are a row and
    a column, and there are no strides.
    """

    buffer: SSAValue
    offsets: tuple[Mixed, ...] = (0,)
    strides: tuple[int, ...] = ()

    @property
    def type(self) -> Buffer:
        """The type of the buffer."""
        return buffer_of(self.buffer)


def _static(values: Sequence[Mixed]) -> Ints:
    numbers = [value if isinstance(value, int) else DYNAMIC_INDEX for value in values]
    return DenseArrayBase.from_list(i64, numbers)


def _mixed(array: Ints, dynamic: Iterator[SSAValue]) -> tuple[Mixed, ...]:
    return tuple(next(dynamic) if n == DYNAMIC_INDEX else n for n in ints(array))


class InstructionOp(AscendOp):
    """An instruction on data: the buffer it writes, those it reads, and how many elements.

    davinci.<name> [kind] %dst[offset : strides], %src[…] sizes [m, n] name = value {…} : types
    """

    memory = var_operand_def(MemRefType)
    indices = var_operand_def(IndexType())
    offsets = prop_def(ArrayAttr[Ints])
    strides = prop_def(ArrayAttr[Ints])
    sizes = prop_def(DenseArrayBase.constr(i64))
    params = opt_prop_def(DenseArrayBase.constr(i64))

    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    PIPE: ClassVar[Pipe]
    SPACES: ClassVar[Spaces]
    """The memories allowed for each operand, the one written first."""
    OPTIONAL: ClassVar[int] = 0
    """How many of the last operands may be absent."""
    RANK: ClassVar[tuple[int, int]] = (1, 4)
    """The least and the greatest number of sizes."""
    PARAMS: ClassVar[tuple[str, ...]] = ()
    """Further numbers, each static or given by an operand."""
    KINDS: ClassVar[tuple[str, ...]] = ()
    """The values of the property `kind`, for instructions that have one."""

    @classmethod
    def make(
        cls,
        accesses: Sequence[Access],
        sizes: Sequence[Mixed],
        params: Sequence[Mixed] = (),
        **properties: Attribute,
    ) -> Self:
        """Build an instruction; `accesses` begins with the buffer that is written."""
        every = [value for access in accesses for value in access.offsets] + [*sizes, *params]
        dynamic = [value for value in every if not isinstance(value, int)]
        properties["offsets"] = ArrayAttr([_static(access.offsets) for access in accesses])
        properties["strides"] = ArrayAttr([_static(access.strides) for access in accesses])
        properties["sizes"] = _static(sizes)
        if params:
            properties["params"] = _static(params)
        memory = [access.buffer for access in accesses]
        properties["operandSegmentSizes"] = _segments(len(memory), len(dynamic))
        return cls.create(operands=[*memory, *dynamic], properties=properties)

    @property
    def pipe(self) -> Pipe:
        """The pipe that executes the instruction."""
        return self.PIPE

    @property
    def writes(self) -> SSAValue:
        """The buffer that is written."""
        return self.operands[0]

    @property
    def reads(self) -> Sequence[SSAValue]:
        """The buffers that are read."""
        return self.memory[1:]

    @property
    def mnemonic(self) -> str:
        """The instruction's name in Ascend C's spirit: the key of its cost."""
        return self._kind or self.name.partition(".")[2]

    @property
    def _kind(self) -> str:
        kind = self.properties.get("kind")
        return kind.data if isinstance(kind, StringAttr) else ""

    def resolved(self) -> tuple[tuple[Access, ...], tuple[Mixed, ...], tuple[Mixed, ...]]:
        """The accesses, sizes and params, each number static or an index value."""
        dynamic = iter(self.indices)
        accesses = tuple(
            Access(buffer, _mixed(offset, dynamic), ints(stride))
            for buffer, offset, stride in zip(
                self.memory, self.offsets.data, self.strides.data, strict=True
            )
        )
        sizes = _mixed(self.sizes, dynamic)
        return accesses, sizes, _mixed(self.params, dynamic) if self.params else ()

    def verify_(self) -> None:
        self._verify_spaces()
        rank = len(self.sizes)
        if not self.RANK[0] <= rank <= self.RANK[1]:
            raise VerifyException(f"has {rank} sizes, {self.RANK[0]} to {self.RANK[1]} are allowed")
        for value, offsets, strides in zip(
            self.memory, self.offsets.data, self.strides.data, strict=True
        ):
            _verify_access(buffer_of(value), len(offsets), len(strides), rank)
        if (len(self.params) if self.params else 0) != len(self.PARAMS):
            raise VerifyException(f"needs the numbers {', '.join(self.PARAMS)}")
        if self.KINDS and self._kind not in self.KINDS:
            known = ", ".join(self.KINDS)
            raise VerifyException(f"there is no {self._kind} (there are {known})")

    def _verify_spaces(self) -> None:
        count = len(self.memory)
        if not len(self.SPACES) - self.OPTIONAL <= count <= len(self.SPACES):
            raise VerifyException(f"has {count} buffers, not {len(self.SPACES)}")
        for value, allowed in zip(self.memory, self.SPACES, strict=False):
            if (space := space_of(buffer_of(value))) not in allowed:
                names = " or ".join(allowed)
                raise VerifyException(f"a buffer is in {space} where {names} is needed")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        properties: dict[str, Attribute] = {}
        if cls.KINDS:
            properties["kind"] = StringAttr(parser.parse_identifier())
        accesses = parser.parse_comma_separated_list(
            parser.Delimiter.NONE, lambda: _parse_access(parser)
        )
        parser.parse_keyword("sizes")
        sizes = parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: _parse_mixed(parser)
        )
        params = [_parse_param(parser, name) for name in cls.PARAMS]
        properties |= parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        buffers = parser.resolve_operands([value for value, _, _ in accesses], types, parser.pos)
        resolved = [
            Access(buffer, tuple(_resolve(parser, offsets)), tuple(strides))
            for buffer, (_, offsets, strides) in zip(buffers, accesses, strict=True)
        ]
        return cls.make(resolved, _resolve(parser, sizes), _resolve(parser, params), **properties)

    def print(self, printer: Printer) -> None:
        accesses, sizes, params = self.resolved()
        if self.KINDS:
            printer.print_string(f" {self._kind}")
        printer.print_string(" ")
        printer.print_list(accesses, lambda access: _print_access(printer, access))
        printer.print_string(" sizes ")
        with printer.in_square_brackets():
            printer.print_list(sizes, lambda value: _print_mixed(printer, value))
        for name, value in zip(self.PARAMS, params, strict=True):
            printer.print_string(f" {name} = ")
            _print_mixed(printer, value)
        printer.print_op_attributes(_own(self.properties))
        printer.print_string(" : ")
        printer.print_list(accesses, lambda access: printer.print_attribute(access.buffer.type))


_STRUCTURE = frozenset(("offsets", "strides", "sizes", "params", "kind", "operandSegmentSizes"))


def _own(properties: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {name: value for name, value in properties.items() if name not in _STRUCTURE}


def _segments(memory: int, indices: int) -> Ints:
    return DenseArrayBase.from_list(i32, [memory, indices])


def _verify_access(buffer: Buffer, offsets: int, strides: int, rank: int) -> None:
    if layout_of(buffer) is None:
        if offsets != 1 or strides != rank:
            raise VerifyException("a row-major access has one offset and a stride for each size")
    elif strides or offsets != 2:
        raise VerifyException("a fractal access has a row and a column, and no strides")


def _parse_mixed(parser: Parser) -> _Parsed:
    operand = parser.parse_optional_unresolved_operand()
    return parser.parse_integer(allow_boolean=False) if operand is None else operand


def _parse_param(parser: Parser, name: str) -> _Parsed:
    parser.parse_keyword(name)
    parser.parse_punctuation("=")
    return _parse_mixed(parser)


def _parse_access(parser: Parser) -> tuple[UnresolvedOperand, list[_Parsed], list[int]]:
    buffer = parser.parse_unresolved_operand()
    parser.parse_punctuation("[")
    offsets = parser.parse_comma_separated_list(parser.Delimiter.NONE, lambda: _parse_mixed(parser))
    strides: list[int] = []
    if parser.parse_optional_punctuation(":"):
        strides = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_integer)
    parser.parse_punctuation("]")
    return buffer, offsets, strides


def _resolve(parser: Parser, values: Sequence[_Parsed]) -> list[Mixed]:
    return [
        value if isinstance(value, int) else parser.resolve_operand(value, IndexType())
        for value in values
    ]


def _print_mixed(printer: Printer, value: Mixed) -> None:
    if isinstance(value, int):
        printer.print_string(str(value))
    else:
        printer.print_ssa_value(value)


def _print_access(printer: Printer, access: Access) -> None:
    printer.print_ssa_value(access.buffer)
    with printer.in_square_brackets():
        printer.print_list(access.offsets, lambda value: _print_mixed(printer, value))
        if access.strides:
            printer.print_string(" : " + ", ".join(map(str, access.strides)))
