"""From a kernel to what the simulator sees of it: each core's instructions as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import NamedTuple

from xdsl.ir import BlockArgument

from compiler.kernels.banks import bank_ways
from compiler.kernels.core_moves import CoreMoves
from compiler.kernels.cores import Cores
from compiler.kernels.issue import Listing, Place, Record, Resolved
from compiler.kernels.nest import Nest
from compiler.planning.placement import align
from compiler.simulator.instruction import CrossFlag, Flag, Instruction, Pipe, Transfer
from compiler.simulator.moves import CountedPrograms
from compiler.soc import soc
from dialects.davinci import (
    BroadcastL0COp,
    BroadcastOp,
    CrossSetOp,
    CrossWaitOp,
    Dn2NzOp,
    FixpipeOp,
    GatherOp,
    InstructionOp,
    KernelOp,
    LoadBTOp,
    LoadL0Img2ColOp,
    LoadL0Op,
    LoadOp,
    LoadRowsOp,
    MmadOp,
    Nd2NzOp,
    PipeBarrierOp,
    StoreOp,
    TransposeOp,
)
from dialects.davinci.functions import VECTOR
from dialects.davinci.types import (
    BITS,
    BLOCK_BYTES,
    FRACTAL_ROWS,
    buffer_of,
    element_bytes,
    space_of,
)

REPEAT_BYTES = 256
"""What a vector instruction works on in one repeat."""


def programs(kernel: KernelOp) -> CountedPrograms:
    """What the cores of a kernel run, by block index; in a mixed kernel each block has the program
    of its cube core, then those of its vector cores."""
    target = soc(kernel.soc.data)
    functions: list[tuple[Nest, Cores, int]] = []
    for function in kernel.functions:
        nest = Nest(kernel, function)
        cores = Cores(nest, partial(describe, Listing(nest.ops)))
        vector = len(kernel.functions) > 1 and function.core_type == VECTOR
        functions.append((nest, cores, target.vector_cores // target.cube_cores if vector else 1))
    found = [
        (ran := cores.core(block, sub), CoreMoves(ran, nest.functions, (block, sub)))
        for block in range(kernel.blocks)
        for nest, cores, count in functions
        for sub in range(count)
    ]
    return CountedPrograms([ran.program for ran, _ in found], [moves for _, moves in found])


def describe(listing: Listing, record: Record) -> Instruction:
    """An issued instruction as plain data."""
    op = listing.ops[record[0]]
    pipe = Pipe(op.pipe)
    if isinstance(op, InstructionOp):
        return _DESCRIBE.get(type(op), _vector)(op, listing.resolve(record))
    name = op.name.partition(".")[2]
    if isinstance(op, PipeBarrierOp):
        return Instruction(pipe, name)
    if isinstance(op, CrossSetOp | CrossWaitOp):
        return Instruction(pipe, name, cross=CrossFlag(op.mode_id, op.flag_id, op.SETS))
    source, destination = Pipe(op.source_pipe), Pipe(op.destination_pipe)
    return Instruction(pipe, name, flag=Flag(source, destination, listing.event(record)))


def _size(place: Place) -> int:
    return element_bytes(buffer_of(place.buffer).element_type)


def _is_mask(place: Place) -> bool:
    return buffer_of(place.buffer).element_type == BITS


def _detail(at: Resolved) -> str:
    return "x".join(map(str, at.sizes))


class _Runs(NamedTuple):
    """Contiguous elements, how many times, and how far apart."""

    length: int
    repeats: int
    pitch: int


def contiguous_runs(sizes: Sequence[int], strides: Sequence[int]) -> _Runs:
    """The runs of a strided access: its dimensions merged from the innermost outwards."""
    dims = sorted(
        (stride, size) for size, stride in zip(sizes, strides, strict=True) if size > 1 and stride
    )
    length, outer = 1, list(dims)
    while outer and outer[0][0] == length:
        length *= outer.pop(0)[1]
    return _Runs(length, prod(size for _, size in outer), outer[0][0] if outer else 0)


def _transfer(place: Place, sizes: Sequence[int], *, write: bool) -> Transfer:
    assert isinstance(place.buffer, BlockArgument)
    runs, size = contiguous_runs(sizes, place.strides), _size(place)
    return Transfer(
        place.buffer.index,
        place.offsets[0] * size,
        runs.repeats,
        runs.length * size,
        runs.pitch * size,
        write,
    )


def _load(op: InstructionOp, at: Resolved) -> Instruction:
    target, source = at.places[:2]
    row = align(at.sizes[-1] * _size(target), BLOCK_BYTES)
    return Instruction(
        Pipe.MTE2,
        op.mnemonic,
        bytes=prod(at.sizes[:-1]) * row,
        element_bytes=_size(source),
        transfer=_transfer(source, at.sizes, write=False),
        detail=_detail(at),
    )


def _store(op: InstructionOp, at: Resolved) -> Instruction:
    target, source = at.places
    return Instruction(
        Pipe.MTE3,
        op.mnemonic,
        bytes=prod(at.sizes) * _size(source),
        element_bytes=_size(source),
        transfer=_transfer(target, at.sizes, write=True),
        detail=_detail(at),
    )


def _load_l0(op: InstructionOp, at: Resolved) -> Instruction:
    target = at.places[0]
    rows, k = at.sizes
    bytes = align(rows, FRACTAL_ROWS) * align(k * _size(target), BLOCK_BYTES)
    name = f"load_{space_of(buffer_of(target.buffer))}"
    return Instruction(
        Pipe.MTE1, name, bytes=bytes, element_bytes=_size(target), detail=_detail(at)
    )


def _load_bt(op: InstructionOp, at: Resolved) -> Instruction:
    bytes = at.sizes[0] * _size(at.places[0])
    return Instruction(Pipe.MTE1, op.mnemonic, bytes=bytes, element_bytes=4, detail=_detail(at))


def _broadcast_l0c(op: InstructionOp, at: Resolved) -> Instruction:
    """Repeats write whole fractals of the results."""
    rows, columns = (align(size, FRACTAL_ROWS) for size in at.sizes)
    size = _size(at.places[0])
    repeats = rows * columns * size // REPEAT_BYTES
    detail = _detail(at)
    return Instruction(Pipe.V, op.mnemonic, repeats=repeats, element_bytes=size, detail=detail)


def _mmad(op: InstructionOp, at: Resolved) -> Instruction:
    m, k, n = at.sizes
    size = _size(at.places[1])
    fractals = -(-m // FRACTAL_ROWS) * -(-(k * size) // BLOCK_BYTES) * -(-n // FRACTAL_ROWS)
    return Instruction(
        Pipe.M, op.mnemonic, fractals=fractals, element_bytes=size, detail=_detail(at)
    )


def _fixpipe(op: InstructionOp, at: Resolved) -> Instruction:
    target = at.places[0]
    return Instruction(
        Pipe.FIX,
        op.mnemonic,
        bytes=prod(at.sizes) * _size(target),
        element_bytes=_size(target),
        transfer=_transfer(target, at.sizes, write=True),
        detail=_detail(at),
    )


def _vector(op: InstructionOp, at: Resolved) -> Instruction:
    size = max(_size(place) for place in at.places if not _is_mask(place))
    return Instruction(
        Pipe.V,
        op.mnemonic,
        repeats=_repeats(op, at, size),
        element_bytes=size,
        bank_ways=bank_ways(at.places[1:]),
        detail=_detail(at),
    )


def _repeats(op: InstructionOp, at: Resolved, size: int) -> int:
    """Repeats: row by row, or over everything at once where all operands lie without gaps."""
    lanes = REPEAT_BYTES // size
    total = prod(at.sizes)
    match op:
        case TransposeOp():
            blocks = -(-at.sizes[0] // FRACTAL_ROWS) * -(-at.sizes[1] // FRACTAL_ROWS)
            return blocks * size // 2
        case BroadcastOp():
            return -(-total // (REPEAT_BYTES // BLOCK_BYTES))
        case GatherOp():
            return -(-total // lanes)
        case _:
            pass
    if all(contiguous_runs(at.sizes, place.strides).length == total for place in at.places):
        return -(-total // lanes)
    return prod(at.sizes[:-1]) * -(-at.sizes[-1] // lanes)


_DESCRIBE: Mapping[type[InstructionOp], Callable[[InstructionOp, Resolved], Instruction]] = {
    LoadOp: _load,
    LoadRowsOp: _load,
    Nd2NzOp: _load,
    Dn2NzOp: _load,
    StoreOp: _store,
    LoadL0Op: _load_l0,
    LoadL0Img2ColOp: _load_l0,
    LoadBTOp: _load_bt,
    BroadcastL0COp: _broadcast_l0c,
    MmadOp: _mmad,
    FixpipeOp: _fixpipe,
}
"""All others are vector instructions."""
