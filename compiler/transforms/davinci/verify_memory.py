"""Pass davinci-verify-memory: the proof that buffers lie in their memory, accesses in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from compiler.kernels.extents import Extent, extents
from compiler.kernels.indices import Indices
from compiler.kernels.local_memory import capacities
from compiler.planning.bounds import reaches
from compiler.planning.local_memory import ALIGNMENT
from compiler.soc import soc
from dialects.davinci import AllocOp, InstructionOp, KernelOp
from dialects.davinci.attributes import Layout, Space
from dialects.davinci.types import (
    FRACTAL_ROWS,
    Buffer,
    buffer_of,
    byte_size,
    c0_of,
    layout_of,
    space_of,
)


@dataclass(frozen=True)
class DavinciVerifyMemoryPass(ModulePass):
    """Prove every kernel; nothing is changed.

    Each slot of a buffer is aligned and within the memory of the kernel's SoC; each access, on
    every core and in every iteration, is within its buffer, local or global.
    """

    name = "davinci-verify-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for kernel in op.body.block.ops:
            if isinstance(kernel, KernelOp):
                verify_memory(kernel)


def verify_memory(kernel: KernelOp) -> None:
    """Prove one kernel; PassFailedException names what is wrong."""
    indices, capacity = Indices(kernel), capacities(soc(kernel.soc.data))
    for op in kernel.body.walk():
        for fault in _faults(op, indices, capacity):
            raise PassFailedException(f"kernel {kernel.label}: {fault}")


def _faults(op: Operation, indices: Indices, capacity: Mapping[str, int]) -> Iterator[str]:
    match op:
        case AllocOp():
            yield from _misplaced(op, capacity)
        case InstructionOp():
            for extent in extents(op, indices):
                if (range := _outside(extent)) is not None:
                    name = extent.buffer.name_hint
                    yield f"{op.name} reaches {range} of {name}, which has {extent.size}"
        case _:
            pass


def _misplaced(op: AllocOp, capacity: Mapping[str, int]) -> Iterator[str]:
    space, size = space_of(buffer_of(op.buffer)), byte_size(buffer_of(op.buffer))
    name = op.buffer.name_hint
    if not _whole_fractals(buffer_of(op.buffer)):
        yield f"buffer {name} does not hold whole fractals"
    if not op.slot_addresses:
        yield f"buffer {name} has no address: plan memory first"
    for address in op.slot_addresses:
        if address % ALIGNMENT[space]:
            yield f"buffer {name} at {address} is not aligned to {ALIGNMENT[space]}"
        if not 0 <= address <= capacity[space] - size:
            yield f"buffer {name} at {address} is outside of {space}"


def _whole_fractals(type: Buffer) -> bool:
    """Whether the rows and columns of a matrix, or the channels of a map, are whole ones."""
    layout, shape = layout_of(type), type.get_shape()
    if layout is None:
        return True
    c0 = FRACTAL_ROWS if space_of(type) is Space.L0C else c0_of(type.element_type)
    if layout is Layout.NC1HWC0:
        return shape[-1] == c0
    return shape[0] % FRACTAL_ROWS == 0 and shape[1] % c0 == 0


def _outside(extent: Extent) -> str | None:
    """The range an access may reach, where that is not within the buffer."""
    low, high = reaches(extent.first, extent.last, extent.size)
    return None if low >= 0 and high < extent.size else f"{low} to {high}"
