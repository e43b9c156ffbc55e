"""What the two kinds of cores of a mixed kernel run, and a vector core's index in its group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import IndexType, StringAttr
from xdsl.ir import Block, Operation, Region
from xdsl.irdl import irdl_op_definition, prop_def, region_def, result_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator, Pure
from xdsl.utils.exceptions import VerifyException

from dialects.op import AscendOp

CUBE, VECTOR, MIX = "AIC", "AIV", "MIX"
"""Core types: cube cores, vector cores, and groups of a cube core with its vector cores."""


@irdl_op_definition
class FunctionOp(AscendOp):
    """The program of one kind of core of a mixed kernel; it uses the kernel's arguments.

    The AIC function runs once in each of the kernel's `block_dim` groups, the AIV function on
    every vector core of each, which `davinci.sub_block_idx` tells apart.

        davinci.function AIC {…}
    """

    name = "davinci.function"

    core_type = prop_def(StringAttr)
    body = region_def("single_block")

    traits = traits_def(NoTerminator())

    def __init__(self, core_type: str, ops: Sequence[Operation] = ()):
        super().__init__(
            properties={"core_type": StringAttr(core_type)}, regions=[Region(Block(ops))]
        )

    def verify_(self) -> None:
        if self.core_type.data not in (CUBE, VECTOR):
            raise VerifyException(f"a function is for AIC or AIV, not '{self.core_type.data}'")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        core_type = StringAttr(parser.parse_identifier())
        region = parser.parse_region()
        if not region.blocks:
            region.add_block(Block())
        return cls.create(properties={"core_type": core_type}, regions=[region])

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.core_type.data} ")
        printer.print_region(self.body, print_empty_block=False)


@irdl_op_definition
class SubBlockIdxOp(AscendOp):
    """Which of its group's vector cores this is, from 0 on."""

    name = "davinci.sub_block_idx"

    index = result_def(IndexType())
    traits = traits_def(Pure())
    assembly_format = "attr-dict"

    def __init__(self):
        super().__init__(result_types=[IndexType()])
