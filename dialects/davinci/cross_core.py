"""Flags between cores: counters that one core raises and another waits for."""

from __future__ import annotations

from typing import ClassVar, Self

from xdsl.dialects.builtin import IntegerAttr, StringAttr, i64
from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.davinci.attributes import Pipe
from dialects.op import AscendOp

CROSS_FLAGS = 11
"""Flag ids are 0 to 10 (Ascend C, CrossCoreSetFlag on A2 and A3)."""

CROSS_COUNT = 15
"""How often a flag may be set ahead of its waits."""

MODES = (0, 1, 2)
"""Between all cores of a kind; between the vector cores of a group; between AIC and its AIVs."""


class CrossFlagOp(AscendOp):
    """A flag between cores, in the queue of one pipe.

    Every core has a counter for each flag id. In mode 2 a set on the AIC adds one to the counter
    of each of its AIVs, and the AIC's is one more when both AIVs have set. In modes 0 and 1 the
    counters of all cores meant are one more when each of them has set.

        davinci.cross_set FIX mode 2 flag 0
    """

    on = prop_def(StringAttr)
    mode = prop_def(IntegerAttr.constr(i64))
    flag = prop_def(IntegerAttr.constr(i64))

    SETS: ClassVar[bool]

    def __init__(self, pipe: Pipe, flag: int, mode: int = 2):
        super().__init__(
            properties={
                "on": StringAttr(pipe),
                "mode": IntegerAttr(mode, i64),
                "flag": IntegerAttr(flag, i64),
            }
        )

    @property
    def pipe(self) -> Pipe:
        """The pipe in whose queue the instruction is."""
        return Pipe(self.on.data)

    @property
    def flag_id(self) -> int:
        """The counter that is meant."""
        return self.flag.value.data

    @property
    def mode_id(self) -> int:
        """Which cores take part: one of MODES."""
        return self.mode.value.data

    def verify_(self) -> None:
        if self.on.data not in set(Pipe) or self.pipe is Pipe.S:
            raise VerifyException(f"flags between cores are in no queue of a pipe '{self.on.data}'")
        if self.mode_id not in MODES:
            raise VerifyException(f"modes are 0 to 2, not {self.mode_id}")
        if not 0 <= self.flag_id < CROSS_FLAGS:
            raise VerifyException(f"flag ids are 0 to {CROSS_FLAGS - 1}, not {self.flag_id}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        pipe = parser.parse_str_enum(Pipe)
        parser.parse_keyword("mode")
        mode = parser.parse_integer()
        parser.parse_keyword("flag")
        return cls(pipe, parser.parse_integer(), mode)

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.on.data} mode {self.mode_id} flag {self.flag_id}")


@irdl_op_definition
class CrossSetOp(CrossFlagOp):
    """Count a flag up, on the cores that its mode says, when all before it in the pipe is done."""

    name = "davinci.cross_set"
    SETS: ClassVar[bool] = True


@irdl_op_definition
class CrossWaitOp(CrossFlagOp):
    """Hold the pipe until this core's counter of the flag is not 0, then count it down."""

    name = "davinci.cross_wait"
    SETS: ClassVar[bool] = False
