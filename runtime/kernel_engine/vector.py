"""What vector instructions and the DMA between UB and global memory do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from compiler.kernels.issue import Resolved
from dialects.davinci import (
    BinaryOp,
    BroadcastOp,
    CastOp,
    CompareOp,
    DuplicateOp,
    GatherOp,
    LoadOp,
    LoadRowsOp,
    ReduceOp,
    ScalarOp,
    SelectOp,
    StoreOp,
    TransposeOp,
    UnaryOp,
)
from dialects.davinci.instruction import InstructionOp
from dialects.davinci.types import ints
from runtime.kernel_engine.memory import Array, CoreMemory, KernelError, dtype_of
from runtime.precision import convert, is_float, saturated

_UNARY: dict[str, Callable[[Array], Any]] = {
    "abs": np.abs,
    "exp": np.exp,
    "ln": np.log,
    "rec": np.reciprocal,
    "relu": lambda x: np.maximum(x, x.dtype.type(0)),
    "rsqrt": lambda x: np.reciprocal(np.sqrt(x)),
    "sqrt": np.sqrt,
    "copy": np.copy,
    "not": np.invert,
}

_BINARY: dict[str, Callable[[Array, Array], Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
}

_SCALAR: dict[str, Callable[[Array, Any], Any]] = {
    "adds": np.add,
    "muls": np.multiply,
    "maxs": np.maximum,
    "mins": np.minimum,
    "lrelu": lambda x, slope: np.where(x >= 0, x, x * slope),
    "shl": np.left_shift,
    "shr": np.right_shift,
}

_REDUCE: dict[str, Callable[..., Any]] = {"sum": np.sum, "max": np.max, "min": np.min}

_COMPARE: dict[str, Callable[[Array, Any], Any]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}

_ROUND: dict[str, Callable[[Array], Any]] = {
    "rint": np.rint,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
}


def _put(memory: CoreMemory, target: Array, result: Array) -> None:
    """Rounds a result to the target's type, by the overflow mode."""
    target[...] = result
    if memory.saturates:
        target[...] = saturated(target)


def load(memory: CoreMemory, op: LoadOp, at: Resolved) -> None:
    """Global memory to a row-major local buffer, with padding on both sides of each row."""
    target, source = at.places
    data = memory.view(source, at.sizes)
    left, right = op.padding
    sizes = (*at.sizes[:-1], left + at.sizes[-1] + right)
    rows = memory.view(target, sizes, aligned=True)
    if op.pad_value is not None:
        rows[...] = op.pad_value.value.data
    rows[..., left : left + at.sizes[-1]] = data


def load_rows(memory: CoreMemory, op: LoadRowsOp, at: Resolved) -> None:
    """Rows by indices, which must lie in the tensor."""
    target, source, places = at.places
    rows, columns = at.sizes
    heights = np.array(ints(op.heights), np.int64)
    each = places._replace(strides=(places.strides[0], 1))
    index = memory.view(each, (rows, len(heights))).astype(np.int64)
    if np.any((index < -heights) | (index >= heights)):
        size = " × ".join(map(str, heights))
        raise KernelError(f"an index of {places.buffer.name_hint} is outside of {size} rows")
    row = np.ravel_multi_index(tuple((index % heights).T), tuple(heights))
    table = memory.view(source, (int(heights.prod()), columns))
    memory.view(target, at.sizes, aligned=True)[...] = table[row]


def store(memory: CoreMemory, op: StoreOp, at: Resolved) -> None:
    """UB to global memory."""
    target, source = at.places
    memory.view(target, at.sizes)[...] = memory.view(source, at.sizes, aligned=True)


def unary(memory: CoreMemory, op: UnaryOp, at: Resolved) -> None:
    """One source."""
    target, source = (memory.view(place, at.sizes, aligned=True) for place in at.places)
    _put(memory, target, _UNARY[op.mnemonic](source))


def binary(memory: CoreMemory, op: BinaryOp, at: Resolved) -> None:
    """Two sources."""
    target, left, right = (memory.view(place, at.sizes, aligned=True) for place in at.places)
    _put(memory, target, _BINARY[op.mnemonic](left, right))


def scalar(memory: CoreMemory, op: ScalarOp, at: Resolved) -> None:
    """A source and an immediate, which has the source's element type."""
    target, source = (memory.view(place, at.sizes, aligned=True) for place in at.places)
    value = source.dtype.type(_number(op))
    _put(memory, target, _SCALAR[op.mnemonic](source, value))


def cast(memory: CoreMemory, op: CastOp, at: Resolved) -> None:
    """Element type conversion."""
    target, source = (memory.view(place, at.sizes, aligned=True) for place in at.places)
    if not is_float(source.dtype):
        target[...] = source >> 32 if op.is_high else source
        return
    if is_float(target.dtype) and op.mode is None:
        _put(memory, target, source)
        return
    rounded = _ROUND[op.mode.data if op.mode else "rint"](source.astype(np.float32))
    target[...] = convert(rounded, target.dtype)


def compare(memory: CoreMemory, op: CompareOp, at: Resolved) -> None:
    """A bit for each element."""
    left, *right = (memory.view(place, at.sizes, aligned=True) for place in at.places[1:])
    other = right[0] if right else left.dtype.type(_number(op))
    found = np.packbits(_COMPARE[op.kind.data](left, other), axis=-1, bitorder="little")
    memory.mask(at.places[0], at.sizes)[...] = found


def select(memory: CoreMemory, op: SelectOp, at: Resolved) -> None:
    """One of two sources, by a mask."""
    target, *sources = (
        memory.view(place, at.sizes, aligned=True) for place in (at.places[0], *at.places[2:])
    )
    packed = memory.mask(at.places[1], at.sizes)
    mask = np.unpackbits(packed, axis=-1, count=at.sizes[-1], bitorder="little")
    other = sources[1] if len(sources) > 1 else target.dtype.type(_number(op))
    target[...] = np.where(mask, sources[0], other)


def _number(op: CompareOp | SelectOp | ScalarOp | DuplicateOp) -> int | float:
    """The immediate operand."""
    value = op.value
    assert value is not None
    return value.value.data


def duplicate(memory: CoreMemory, op: DuplicateOp, at: Resolved) -> None:
    """One value; a mask lets it begin inside a block."""
    memory.view(at.places[0], at.sizes)[...] = _number(op)


def gather(memory: CoreMemory, op: GatherOp | TransposeOp, at: Resolved) -> None:
    """A copy between any strides."""
    target, source = (memory.view(place, at.sizes) for place in at.places)
    target[...] = source


def broadcast(memory: CoreMemory, op: BroadcastOp, at: Resolved) -> None:
    """Each element to a block of 32 bytes."""
    target, source = at.places
    lanes = 32 // dtype_of(target.buffer).itemsize
    blocks = target._replace(strides=(*target.strides, 1))
    values = memory.view(source, at.sizes, aligned=True)
    memory.view(blocks, (*at.sizes, lanes), aligned=True)[...] = values[:, None]


def reduce(memory: CoreMemory, op: ReduceOp, at: Resolved) -> None:
    """Sum or maximum along the sizes at which the target does not advance."""
    target, source = at.places
    axes = tuple(i for i, stride in enumerate(target.strides) if stride == 0)
    kept = [i for i in range(len(at.sizes)) if i not in axes]
    result = memory.view(
        target._replace(strides=tuple(target.strides[i] for i in kept)),
        [at.sizes[i] for i in kept],
    )
    values = memory.view(source, at.sizes, aligned=True)
    _put(memory, result, _REDUCE[op.kind.data](values, axis=axes))


EXECUTORS: dict[type[InstructionOp], Callable[[CoreMemory, Any, Resolved], None]] = {
    LoadOp: load,
    LoadRowsOp: load_rows,
    StoreOp: store,
    UnaryOp: unary,
    BinaryOp: binary,
    CompareOp: compare,
    SelectOp: select,
    ScalarOp: scalar,
    CastOp: cast,
    DuplicateOp: duplicate,
    GatherOp: gather,
    TransposeOp: gather,
    BroadcastOp: broadcast,
    ReduceOp: reduce,
}
