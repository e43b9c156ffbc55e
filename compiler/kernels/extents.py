"""What each instruction touches of its buffers: the first and the last index along each dimension.

Row-major buffers have one dimension, their elements; fractal ones are matrices of rows and columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from xdsl.ir import SSAValue

from compiler.kernels.indices import Indices
from compiler.planning.bounds import Linear
from dialects.davinci import (
    BroadcastL0COp,
    BroadcastOp,
    Dn2NzOp,
    FixpipeOp,
    InstructionOp,
    LoadL0Img2ColOp,
    LoadL0Op,
    LoadOp,
    LoadRowsOp,
    MmadOp,
    Nd2NzOp,
)
from dialects.davinci.attributes import Layout
from dialects.davinci.instruction import Access
from dialects.davinci.types import buffer_of, c0_of, ints, layout_of


@dataclass(frozen=True, slots=True)
class Extent:
    """Along one dimension of a buffer, `size` long: what an instruction needs of it."""

    buffer: SSAValue
    first: Linear
    last: Linear
    size: int


@dataclass(frozen=True, slots=True)
class _Numbers:
    """An instruction's accesses with their offsets, its sizes and further numbers."""

    accesses: Sequence[Access]
    offsets: Sequence[Sequence[Linear]]
    sizes: Sequence[Linear]
    params: Sequence[Linear]


def extents(op: InstructionOp, indices: Indices) -> Iterator[Extent]:
    """The extents of all accesses of an instruction, that of the buffer written first."""
    accesses, sizes, params = op.resolved()
    at = _Numbers(
        accesses,
        [[indices.of(offset) for offset in access.offsets] for access in accesses],
        [indices.of(size) for size in sizes],
        [indices.of(param) for param in params],
    )
    for number, access in enumerate(accesses):
        if layout_of(access.type) is None:
            yield _elements(op, at, number)
        else:
            yield from _matrix(op, at, number)


def _elements(op: InstructionOp, at: _Numbers, number: int) -> Extent:
    access, first = at.accesses[number], at.offsets[number][0]
    last, sizes = first, at.sizes
    if isinstance(op, LoadRowsOp) and number == 1:  # any row, whichever the indices choose
        sizes = [Linear.of(prod(ints(op.heights))), at.sizes[1]]
    if isinstance(op, LoadRowsOp) and number == 2:
        last = last + (len(op.heights) - 1)
    for stride, size in zip(access.strides, sizes, strict=True):
        last = last + (size - 1) * stride
    if isinstance(op, LoadOp) and number == 0:
        last = last + sum(op.padding)
    if isinstance(op, BroadcastOp) and number == 0:
        last = last + (c0_of(access.type.element_type) - 1)
    return Extent(access.buffer, first, last, prod(access.type.get_shape()))


def _matrix(op: InstructionOp, at: _Numbers, number: int) -> Iterator[Extent]:
    """The rows, then the columns of a fractal access."""
    buffer = at.accesses[number].buffer
    sizes = _MATRICES[type(op)](op, at, number)
    for first, size, room in zip(at.offsets[number], sizes, _shape(op, buffer), strict=True):
        yield Extent(buffer, first, first + size - 1, room)
    if isinstance(op, LoadL0Img2ColOp) and number == 1:
        rows = buffer_of(buffer).get_shape()[1]
        yield Extent(buffer, Linear.of(0), at.params[0] - 1, rows)


def _shape(op: InstructionOp, buffer: SSAValue) -> tuple[int, int]:
    """Rows and columns; img2col sees points, of which any number can be made, and C1·kh·kw·C0."""
    type = buffer_of(buffer)
    shape = type.get_shape()
    if layout_of(type) is not Layout.NC1HWC0:
        return shape[0], shape[1]
    groups, rows, width, c0 = shape
    if isinstance(op, LoadL0Img2ColOp):
        return 1 << 62, groups * c0 * prod(ints(op.kernel))
    return rows * width, groups * c0


def _to_nz(op: InstructionOp, at: _Numbers, number: int) -> tuple[Linear, Linear]:
    """Each group of columns fills whole fractals."""
    rows, *groups, columns = at.sizes
    if not groups:
        return rows, columns
    c0 = c0_of(at.accesses[number].type.element_type)
    if columns.upper > c0:
        raise ValueError("a group of columns is longer than a fractal")
    return rows, groups[0] * (c0 * prod(int(group.upper) for group in groups[1:]))


def _window(op: InstructionOp, at: _Numbers, number: int) -> tuple[Linear, Linear]:
    rows, columns = at.sizes
    return rows, columns


def _product(op: InstructionOp, at: _Numbers, number: int) -> tuple[Linear, Linear]:
    """L0C[m, n] of L0A[m, k] and L0B[n, k]."""
    m, k, n = at.sizes
    return ((m, n), (m, k), (n, k))[number]


_MATRICES: Mapping[
    type[InstructionOp], Callable[[InstructionOp, _Numbers, int], tuple[Linear, Linear]]
] = {
    Nd2NzOp: _to_nz,
    Dn2NzOp: _to_nz,
    LoadL0Op: _window,
    LoadL0Img2ColOp: _window,
    BroadcastL0COp: _window,
    FixpipeOp: _window,
    MmadOp: _product,
}
