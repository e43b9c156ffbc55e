"""Kernels, the block index that tells their cores apart, and their local buffers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

from xdsl.dialects.builtin import (
    DenseArrayBase,
    IndexType,
    IntegerAttr,
    MemRefType,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute, Block, Region
from xdsl.irdl import (
    ParsePropInAttrDict,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    IsolatedFromAbove,
    MemoryAllocEffect,
    NoTerminator,
    Pure,
    SymbolOpInterface,
)
from xdsl.utils.exceptions import VerifyException

from dialects.davinci.attributes import Space
from dialects.davinci.functions import CUBE, MIX, VECTOR, FunctionOp
from dialects.davinci.tile import ReturnOp
from dialects.davinci.types import Buffer, buffer_of, space_of
from dialects.op import AscendOp


class Function(NamedTuple):
    """The program of one kind of core: `AIC` or `AIV`."""

    core_type: str
    block: Block


@irdl_op_definition
class KernelOp(AscendOp):
    """A kernel: one program for `block_dim` cores that differ in their block index.

    Its arguments are buffers in global memory: inputs, outputs, and `workspaces` that nobody
    reads after it. At the tile level they are tensors, inputs and the outputs' destinations, and
    how many cores will run the kernel is open. A mixed kernel (`MIX`) is for groups of a cube core
    and its vector cores, and holds a `davinci.function` for each of the two.
    """

    name = "davinci.kernel"

    sym_name = prop_def(StringAttr)
    block_dim = opt_prop_def(IntegerAttr.constr(i64))
    core_type = prop_def(StringAttr)
    op_type = prop_def(StringAttr)
    soc = prop_def(StringAttr)
    workspaces = opt_prop_def(IntegerAttr.constr(i64))
    body = region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), NoTerminator(), SymbolOpInterface())

    @property
    def label(self) -> str:
        """The kernel's symbol."""
        return self.sym_name.data

    @property
    def blocks(self) -> int:
        """The number of cores, or of groups of them, that run the kernel."""
        return 1 if self.block_dim is None else self.block_dim.value.data

    @property
    def is_tiled(self) -> bool:
        """Whether the kernel is at the tile level, on tensors."""
        last = self.body.block.last_op
        last = last.body.block.last_op if isinstance(last, FunctionOp) else last
        return isinstance(last, ReturnOp)

    @property
    def arguments(self) -> tuple[Buffer, ...]:
        """The types of the buffers in global memory, in order."""
        return tuple(buffer_of(argument) for argument in self.body.block.args)

    @property
    def workspace_types(self) -> tuple[Buffer, ...]:
        """The types of the last arguments, which are the kernel's own."""
        count = 0 if self.workspaces is None else self.workspaces.value.data
        return self.arguments[len(self.arguments) - count :]

    @property
    def functions(self) -> tuple[Function, ...]:
        """What its cores run: one program, or those of a mixed kernel's two kinds of cores."""
        if self.core_type.data != MIX:
            return (Function(self.core_type.data, self.body.block),)
        ops = [op for op in self.body.block.ops if isinstance(op, FunctionOp)]
        return tuple(Function(op.core_type.data, op.body.block) for op in ops)

    def verify_(self) -> None:
        if self.core_type.data not in (CUBE, VECTOR, MIX):
            raise VerifyException(f"core_type is AIC, AIV or MIX, not '{self.core_type.data}'")
        if self.is_tiled:
            self._verify_tensors()
        else:
            self._verify_buffers()

    def _verify_tensors(self) -> None:
        types: list[Attribute] = [argument.type for argument in self.body.block.args]
        if not all(isinstance(type, TensorType) for type in types):
            raise VerifyException("arguments of a kernel at the tile level are tensors")

    def _verify_buffers(self) -> None:
        if self.core_type.data == MIX:
            self._verify_functions()
        count = 0 if self.workspaces is None else self.workspaces.value.data
        if not 0 <= count <= len(self.body.block.args):
            raise VerifyException("has more workspaces than arguments")
        if self.block_dim is None or self.blocks < 1:
            raise VerifyException("block_dim must be positive")
        for argument in self.body.block.args:
            if space_of(buffer_of(argument)) is not Space.GM:
                raise VerifyException("arguments are buffers in global memory")

    def _verify_functions(self) -> None:
        kinds = [op.core_type.data for op in self.body.block.ops if isinstance(op, FunctionOp)]
        if kinds != [CUBE, VECTOR] or len(kinds) != len(self.body.block.ops):
            raise VerifyException("a mixed kernel holds a function for AIC and one for AIV")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_symbol_name()
        properties = parser.parse_optional_attr_dict()
        arguments = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_argument)
        region = parser.parse_region(arguments)
        if not region.blocks:
            region.add_block(Block())
        return cls.create(properties={"sym_name": name, **properties}, regions=[region])

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.label)
        rest = {key: value for key, value in self.properties.items() if key != "sym_name"}
        printer.print_op_attributes(rest)
        with printer.in_parens():
            printer.print_list(self.body.block.args, printer.print_block_argument)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False, print_empty_block=False)

    @classmethod
    def make(
        cls,
        name: str,
        arguments: Sequence[Attribute],
        *,
        op_type: str,
        core_type: str,
        block_dim: int | None = None,
        soc: str,
    ) -> Self:
        """An empty kernel with arguments of those types; `block_dim` below the tile level."""
        cores: dict[str, Attribute] = {}
        if block_dim is not None:
            cores["block_dim"] = IntegerAttr(block_dim, i64)
        properties: dict[str, Attribute] = {
            "sym_name": StringAttr(name),
            **cores,
            "core_type": StringAttr(core_type),
            "op_type": StringAttr(op_type),
            "soc": StringAttr(soc),
        }
        return cls.create(properties=properties, regions=[Region(Block(arg_types=list(arguments)))])


@irdl_op_definition
class BlockIdxOp(AscendOp):
    """The index of the core, from 0 to the kernel's `block_dim` exclusive."""

    name = "davinci.block_idx"

    index = result_def(IndexType())
    traits = traits_def(Pure())
    assembly_format = "attr-dict"

    def __init__(self):
        super().__init__(result_types=[IndexType()])


@irdl_op_definition
class AllocOp(AscendOp):
    """A local buffer. Each execution takes the next of its `buffers` slots in turn.

    After memory planning `addresses` holds the first byte of each slot in the buffer's memory.
    """

    name = "davinci.alloc"

    buffers = prop_def(IntegerAttr.constr(i64))
    addresses = opt_prop_def(DenseArrayBase.constr(i64))
    buffer = result_def(MemRefType)

    traits = traits_def(MemoryAllocEffect())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict `:` type($buffer)"

    def __init__(self, type: Buffer, buffers: int = 1):
        super().__init__(properties={"buffers": IntegerAttr(buffers, i64)}, result_types=[type])

    @property
    def slots(self) -> int:
        """The number of slots."""
        return self.buffers.value.data

    @property
    def slot_addresses(self) -> tuple[int, ...]:
        """The planned address of each slot, empty before planning."""
        return tuple(self.addresses.get_values()) if self.addresses else ()

    def verify_(self) -> None:
        if space_of(buffer_of(self.buffer)) is Space.GM:
            raise VerifyException("a local buffer cannot be in global memory")
        if self.slots < 1:
            raise VerifyException("needs at least one slot")
        if self.addresses and len(self.slot_addresses) != self.slots:
            raise VerifyException(f"{len(self.slot_addresses)} addresses for {self.slots} slots")
