"""Building a kernel: loops, index arithmetic, buffers and instructions in reading order."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from xdsl.dialects.affine import ApplyOp, ForOp, MinOp, YieldOp
from xdsl.dialects.builtin import (
    AffineMapAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    f32,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from compiler.conversion.ge_to_davinci.index import Index, affine_map, bound_map
from compiler.conversion.ge_to_davinci.operator import Operator
from compiler.soc import Soc
from dialects.davinci import (
    AllocOp,
    BlockIdxOp,
    CrossSetOp,
    CrossWaitOp,
    FunctionOp,
    InstructionOp,
    KernelOp,
    SubBlockIdxOp,
)
from dialects.davinci.attributes import Layout, Pipe, Space
from dialects.davinci.functions import VECTOR
from dialects.davinci.instruction import Access, Mixed
from dialects.davinci.types import buffer_type

Number: TypeAlias = "Index | int"


class KernelBuilder:
    """A kernel under construction; new operations go to the end of the innermost open loop.

    Of a `mixed` kernel it is the function for one core type.
    """

    def __init__(self, operator: Operator, core_type: str, soc: Soc, mixed: KernelOp | None = None):
        self.soc = soc
        self.kernel = mixed or new_kernel(operator, core_type, soc)
        self.arguments: Sequence[SSAValue] = self.kernel.body.block.args
        self._blocks = [self.kernel.body.block]
        if mixed is not None:
            function = FunctionOp(core_type)
            self.add(function)
            self._blocks = [function.body.block]
        self._repeats = False
        self._known: list[dict[object, SSAValue]] = [{}]
        self._block_idx: SSAValue | None = None

    @property
    def cores(self) -> int:
        """The cores, or groups of them, that the kernel may run on."""
        vector = self.kernel.core_type.data == VECTOR
        return self.soc.vector_cores if vector else self.soc.cube_cores

    def add(self, op: Operation) -> None:
        """Append an operation."""
        self._blocks[-1].add_op(op)

    def value(self, number: Number) -> Mixed:
        """A number as an instruction takes it: static, or an SSA value."""
        index = Index.of(number)
        if index.constant is not None:
            return index.constant
        if index.single is not None:
            return index.single
        return self._unique(ApplyOp, index)

    def minimum(self, *numbers: Number) -> Number:
        """The least of several numbers."""
        indices = [Index.of(number) for number in numbers]
        constants = [index.constant for index in indices if index.constant is not None]
        if len(constants) == len(indices):
            return min(constants)
        return Index.of(self._unique(MinOp, *indices))

    def maximum(self, left: Number, right: Number) -> Number:
        """The greater of two numbers."""
        return Index.of(left) + right - self.minimum(left, right)

    def _unique(self, kind: type[ApplyOp | MinOp], *indices: Index) -> SSAValue:
        """The result of an equal operation that is visible here, else of a new one."""
        map, values = affine_map(*indices)
        key = (kind, map, values)
        for known in self._known:
            if key in known:
                return known[key]
        op = kind(values, AffineMapAttr(map))
        self.add(op)
        self._known[-1][key] = op.result
        return op.result

    @contextmanager
    def loop(
        self,
        start: Number,
        end: Number,
        step: int = 1,
        *,
        name: str = "i",
        keep: bool = False,
        once: bool = False,
    ) -> Generator[Index]:
        """A loop; none where it has one iteration for certain, unless it is to `keep`.

        `once` says that it has at most one where the numbers do not.
        """
        first, last = Index.of(start), Index.of(end)
        trip = (last - first).constant
        once = once or (trip is not None and trip <= step)
        if trip is not None and once and not keep:
            yield first
            return
        lower, lower_values = bound_map(first)
        upper, upper_values = bound_map(last)
        block = Block(arg_types=[IndexType()])
        block.args[0].name_hint = name
        loop = ForOp.from_region(
            lower_values,
            upper_values,
            [],
            [],
            AffineMapAttr(lower),
            AffineMapAttr(upper),
            Region(block),
            step,
        )
        self.add(loop)
        self._blocks.append(block)
        self._known.append({})
        repeats, self._repeats = self._repeats, self._repeats or not once
        yield Index.of(block.args[0])
        self._repeats = repeats
        block.add_op(YieldOp.get())
        self._blocks.pop()
        self._known.pop()

    @contextmanager
    def tiles(self, count: int, cores: int | None = None) -> Generator[Index]:
        """The numbers of `count` pieces of work, dealt to the cores round-robin.

        A kernel that deals out work more than once gives the same number of cores each time:
        then each time is a loop, so that their flags, side by side, share event ids.
        """
        used = cores or min(self.cores, count)
        again = cores is not None
        if used == 1:
            with self.loop(0, count, name="tile", keep=again) as tile:
                yield tile
            return
        self.kernel.properties["block_dim"] = IntegerAttr(used, i64)
        if used == count and not again:
            yield self.block_idx
            return
        with self.loop(self.block_idx, count, used, name="tile", once=count <= used) as tile:
            yield tile

    @property
    def block_idx(self) -> Index:
        """The index of the core."""
        if self._block_idx is None:
            op = BlockIdxOp()
            op.index.name_hint = "block"
            self.add(op)
            self._block_idx = op.index
        return Index.of(self._block_idx)

    @property
    def sub_block_idx(self) -> Index:
        """Which of its group's vector cores this is, in a mixed kernel."""
        op = SubBlockIdxOp()
        op.index.name_hint = "sub_block"
        self.add(op)
        return Index.of(op.index)

    def cross_set(self, pipe: Pipe, flag: int) -> None:
        """Tell the other kind of cores of a group what is done."""
        self.add(CrossSetOp(pipe, flag))

    def cross_wait(self, pipe: Pipe, flag: int) -> None:
        """Wait for what the other kind of cores of a group has done."""
        self.add(CrossWaitOp(pipe, flag))

    def alloc(
        self,
        shape: Sequence[int],
        element: Attribute,
        space: Space,
        layout: Layout | None = None,
        *,
        buffers: int = 1,
        name: str,
    ) -> SSAValue:
        """A local buffer; `davinci-multi-buffer` decides where more than one slot is good."""
        slots = buffers if self._repeats else 1
        op = AllocOp(buffer_type(tuple(shape), element, space, layout), slots)
        op.buffer.name_hint = name
        self.add(op)
        return op.buffer

    def access(
        self, buffer: SSAValue, offsets: Sequence[Number] = (0,), strides: Sequence[int] = ()
    ) -> Access:
        """Elements of a buffer, from index expressions."""
        return Access(buffer, tuple(self.value(offset) for offset in offsets), tuple(strides))

    def emit(
        self,
        operation: type[InstructionOp],
        accesses: Sequence[Access],
        sizes: Sequence[Number],
        params: Sequence[Number] = (),
        **properties: Attribute,
    ) -> None:
        """Append an instruction."""
        numbers = [self.value(size) for size in sizes]
        more = [self.value(param) for param in params]
        self.add(operation.make(accesses, numbers, more, **properties))


def new_kernel(operator: Operator, core_type: str, soc: Soc) -> KernelOp:
    """A kernel without instructions, for one core of a type; its arguments have names."""
    kernel = KernelOp.make(
        operator.kernel_name(soc.name),
        [tensor.buffer for tensor in operator.tensors],
        op_type=operator.type,
        core_type=core_type,
        block_dim=1,
        soc=soc.name,
    )
    arguments = kernel.body.block.args
    for argument, (port, _) in zip(arguments, operator.inputs, strict=False):
        argument.name_hint = port
    arguments[len(operator.inputs)].name_hint = "y"
    return kernel


def scalar(value: float, element: Attribute = f32) -> FloatAttr | IntegerAttr:
    """The immediate operand of a vector instruction on elements of a type."""
    if isinstance(element, IntegerType):
        return IntegerAttr(int(value), i64)
    return FloatAttr(value, f32)
