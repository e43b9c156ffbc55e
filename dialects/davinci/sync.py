"""Flags between pipes, and the barrier within one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import DenseArrayBase, MemRefType, StringAttr, i64
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, opt_operand_def, prop_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.davinci.attributes import Pipe
from dialects.davinci.kernel import AllocOp
from dialects.op import AscendOp

EVENTS = 8
"""Event ids of each pair of pipes."""


def _pipe(text: str) -> Pipe:
    try:
        return Pipe(text)
    except ValueError:
        raise VerifyException(f"no pipe is called '{text}'") from None


class FlagOp(AscendOp):
    """A flag from a source to a destination pipe.

    With a buffer, `events` has one id for each of its slots, and the slot in use picks one.

        davinci.set_flag MTE2 -> V [0, 1] of %buffer : memref<…>
    """

    source = prop_def(StringAttr)
    destination = prop_def(StringAttr)
    events = prop_def(DenseArrayBase.constr(i64))
    buffer = opt_operand_def(MemRefType)

    SETS: ClassVar[bool]

    @classmethod
    def between(
        cls, source: Pipe, destination: Pipe, events: Sequence[int], buffer: SSAValue | None = None
    ) -> Self:
        """A flag by its pipes and event ids."""
        return cls.create(
            operands=[buffer] if buffer else [],
            properties={
                "source": StringAttr(source),
                "destination": StringAttr(destination),
                "events": DenseArrayBase.from_list(i64, list(events)),
            },
        )

    @property
    def source_pipe(self) -> Pipe:
        """The pipe that raises the flag."""
        return _pipe(self.source.data)

    @property
    def destination_pipe(self) -> Pipe:
        """The pipe that waits for the flag and clears it."""
        return _pipe(self.destination.data)

    @property
    def pipe(self) -> Pipe:
        """The pipe in whose queue the instruction is."""
        return self.source_pipe if self.SETS else self.destination_pipe

    @property
    def ids(self) -> tuple[int, ...]:
        """The event ids, one for each slot of the buffer."""
        return tuple(self.events.get_values())

    def verify_(self) -> None:
        if self.source_pipe == self.destination_pipe:
            raise VerifyException("a flag is between two different pipes")
        if any(not 0 <= event < EVENTS for event in self.ids):
            raise VerifyException(f"event ids are 0 to {EVENTS - 1}, not {list(self.ids)}")
        owner = self.buffer.owner if self.buffer else None
        slots = owner.slots if isinstance(owner, AllocOp) else 1
        if len(self.ids) != slots:
            raise VerifyException(f"{len(self.ids)} event ids for {slots} slots")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        source = parser.parse_str_enum(Pipe)
        parser.parse_punctuation("->")
        destination = parser.parse_str_enum(Pipe)
        events = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
        buffer = None
        if parser.parse_optional_keyword("of"):
            unresolved = parser.parse_unresolved_operand()
            parser.parse_punctuation(":")
            buffer = parser.resolve_operand(unresolved, parser.parse_type())
        return cls.between(source, destination, events, buffer)

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.source.data} -> {self.destination.data} {list(self.ids)}")
        if self.buffer:
            printer.print_string(" of ")
            printer.print_ssa_value(self.buffer)
            printer.print_string(" : ")
            printer.print_attribute(self.buffer.type)


@irdl_op_definition
class SetFlagOp(FlagOp):
    """Raise a flag when everything before it in the source pipe is done."""

    name = "davinci.set_flag"
    SETS: ClassVar[bool] = True


@irdl_op_definition
class WaitFlagOp(FlagOp):
    """Hold the destination pipe until the flag is raised, then clear it."""

    name = "davinci.wait_flag"
    SETS: ClassVar[bool] = False


@irdl_op_definition
class PipeBarrierOp(AscendOp):
    """Drain a pipe before its next instruction; between pipes only flags give an order."""

    name = "davinci.pipe_barrier"

    on = prop_def(StringAttr)

    def __init__(self, pipe: Pipe):
        super().__init__(properties={"on": StringAttr(pipe)})

    @property
    def pipe(self) -> Pipe:
        """The pipe that is drained."""
        return _pipe(self.on.data)

    def verify_(self) -> None:
        if self.pipe is Pipe.S:
            raise VerifyException("the scalar pipe waits for each instruction: nothing to drain")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        return cls.create(properties={"on": StringAttr(parser.parse_str_enum(Pipe))})

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.on.data}")
