"""What the cube and the moves around it do, in the real layouts of L1 and L0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from compiler.kernels.issue import Place, Resolved
from dialects.davinci import (
    BroadcastL0COp,
    Dn2NzOp,
    FixpipeOp,
    LoadBTOp,
    LoadL0Img2ColOp,
    LoadL0Op,
    MmadOp,
    Nd2NzOp,
)
from dialects.davinci.attributes import Layout, Space
from dialects.davinci.instruction import InstructionOp
from dialects.davinci.types import FRACTAL_ROWS, buffer_of, c0_of, ints, layout_of, space_of
from runtime import precision
from runtime.kernel_engine.memory import Array, CoreMemory, KernelError


def fractals(memory: CoreMemory, place: Place) -> Array:
    """A matrix buffer as a view indexed [row block, row, column block, column].

    Stored are, for NZ, (column block, row, C0); for ZZ, (row block, column block, 16, C0); for
    ZN, which holds the transposed right operand, (column block, row block, 16, C0).
    """
    type = buffer_of(place.buffer)
    rows, columns = type.get_shape()
    c0 = FRACTAL_ROWS if space_of(type) is Space.L0C else c0_of(type.element_type)
    down, across = rows // FRACTAL_ROWS, columns // c0
    data = memory.matrix(place).reshape(-1)
    if layout_of(type) is Layout.ZZ:
        return data.reshape(down, across, FRACTAL_ROWS, c0).transpose(0, 2, 1, 3)
    return data.reshape(across, down, FRACTAL_ROWS, c0).transpose(1, 2, 0, 3)


def _blocks(count: int, unit: int) -> int:
    return -(-count // unit)


def _window(memory: CoreMemory, place: Place, rows: int, columns: int) -> Array:
    """The whole fractals that hold `rows` × `columns` from the place's row and column on."""
    view = fractals(memory, place)
    row, column = place.offsets
    c0 = view.shape[3]
    if row % FRACTAL_ROWS or column % c0:
        raise KernelError(f"row {row}, column {column} is inside a fractal")
    down, across = _blocks(rows, FRACTAL_ROWS), _blocks(columns, c0)
    first, left = row // FRACTAL_ROWS, column // c0
    found = view[first : first + down, :, left : left + across]
    if found.shape[0] < down or found.shape[2] < across:
        raise KernelError(f"{rows} × {columns} from {row}, {column} leave {place.buffer.name_hint}")
    return found


def _matrix(memory: CoreMemory, place: Place, rows: int, columns: int) -> Array:
    """A copy of those fractals as a matrix."""
    found = _window(memory, place, rows, columns)
    return found.reshape(found.shape[0] * FRACTAL_ROWS, -1)


def to_nz(memory: CoreMemory, op: Nd2NzOp | Dn2NzOp, at: Resolved) -> None:
    """Global memory to an NZ matrix or feature map, the last fractal filled with zeros."""
    target, source = at.places
    type = buffer_of(target.buffer)
    c0, rows = c0_of(type.element_type), at.sizes[0]
    columns = _blocks(at.sizes[-1], c0) * c0
    padded = np.zeros((*at.sizes[:-1], columns), memory.matrix(target).dtype)
    padded[..., : at.sizes[-1]] = memory.view(source, at.sizes)
    blocks = padded.reshape(rows, -1, c0).transpose(1, 0, 2)
    shape = type.get_shape()
    across = shape[1] // c0 if layout_of(type) is Layout.NZ else shape[0]
    room = memory.matrix(target).reshape(across, -1, c0)
    row, left = target.offsets[0], target.offsets[1] // c0
    found = room[left : left + len(blocks), row : row + rows]
    if found.shape != blocks.shape:
        raise KernelError(f"{list(at.sizes)} at {target.offsets} leave {target.buffer.name_hint}")
    found[...] = blocks


def load_l0(memory: CoreMemory, op: LoadL0Op, at: Resolved) -> None:
    """Whole fractals from L1 to L0."""
    target, source = at.places
    _window(memory, target, *at.sizes)[...] = _window(memory, source, *at.sizes)


def load_img2col(memory: CoreMemory, op: LoadL0Img2ColOp, at: Resolved) -> None:
    """Rows of the img2col matrix: zeros where the kernel reaches into the padding."""
    target, source = at.places
    (height, top), (m, k) = at.params, at.sizes
    _, rows, width, c0 = buffer_of(source.buffer).get_shape()
    kernel_h, kernel_w = ints(op.kernel)
    stride_h, stride_w = ints(op.stride)
    dilation_h, dilation_w = ints(op.dilation)
    left, right = ints(op.padding)
    columns = (width + left + right - dilation_w * (kernel_w - 1) - 1) // stride_w + 1
    point = source.offsets[0] + np.arange(_blocks(m, FRACTAL_ROWS) * FRACTAL_ROWS)[:, None]
    tap = source.offsets[1] // c0 + np.arange(_blocks(k, c0))[None, :]
    channel, rest = np.divmod(tap, kernel_h * kernel_w)
    row = point // columns * stride_h + rest // kernel_w * dilation_h - top
    column = point % columns * stride_w + rest % kernel_w * dilation_w - left
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    place = np.where(inside, (channel * rows + row) * width + column, 0)
    values = memory.matrix(source).reshape(-1, c0)[place]
    values[~inside] = 0
    window = _window(memory, target, m, k)
    window[...] = values.reshape(window.shape)


def load_bt(memory: CoreMemory, op: LoadBTOp, at: Resolved) -> None:
    """A bias to the bias table."""
    target, source = (memory.view(place, at.sizes) for place in at.places)
    target[...] = source


def broadcast_l0c(memory: CoreMemory, op: BroadcastL0COp, at: Resolved) -> None:
    """A bias to every row, zeros to the free columns of the last fractal."""
    target, source = at.places
    m, n = at.sizes
    room = _window(memory, target, m, n)
    values = np.zeros(room.shape[2] * room.shape[3], room.dtype)
    values[:n] = memory.view(source._replace(strides=source.strides[1:]), (n,), aligned=True)
    room[...] = values.reshape(room.shape[2:])


def mmad(memory: CoreMemory, op: MmadOp, at: Resolved) -> None:
    """Products of floats, accumulated in f32, or of 8-bit integers, accumulated in i32."""
    m, k, n = at.sizes
    target, left, right, *bias = at.places
    operands = _matrix(memory, left, m, k), _matrix(memory, right, n, k)
    a, b = (precision.cube_operand(operand) for operand in operands)
    room = _window(memory, target, m, n)
    product = (a @ b.T).astype(room.dtype).reshape(room.shape)
    if at.params[0]:
        room += product
        return
    room[...] = product
    if bias:
        columns = room.shape[2] * room.shape[3]
        values = np.zeros(columns, room.dtype)
        values[:n] = memory.view(bias[0]._replace(strides=(1,)), (n,))
        room += values.reshape(room.shape[2:])


def fixpipe(memory: CoreMemory, op: FixpipeOp, at: Resolved) -> None:
    """L0C to global memory."""
    target, source = at.places
    m, n = at.sizes
    result = _matrix(memory, source, m, n)[:m, :n]
    if op.relu is not None:
        result = np.maximum(result, 0)
    out = memory.view(target, at.sizes)
    out[...] = precision.fixpipe(result, out.dtype)


EXECUTORS: dict[type[InstructionOp], Callable[[CoreMemory, Any, Resolved], None]] = {
    Nd2NzOp: to_nz,
    Dn2NzOp: to_nz,
    LoadL0Op: load_l0,
    LoadL0Img2ColOp: load_img2col,
    LoadBTOp: load_bt,
    BroadcastL0COp: broadcast_l0c,
    MmadOp: mmad,
    FixpipeOp: fixpipe,
}
