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
    DuplicateOp,
    GatherOp,
    LoadOp,
    ReduceOp,
    ScalarOp,
    StoreOp,
    TransposeOp,
    UnaryOp,
)
from dialects.davinci.instruction import InstructionOp
from runtime.kernel_engine.memory import Array, CoreMemory, dtype_of
from runtime.precision import saturated

_UNARY: dict[str, Callable[[Array], Any]] = {
    "abs": np.abs,
    "exp": np.exp,
    "ln": np.log,
    "rec": np.reciprocal,
    "relu": lambda x: np.maximum(x, x.dtype.type(0)),
    "rsqrt": lambda x: np.reciprocal(np.sqrt(x)),
    "sqrt": np.sqrt,
    "copy": np.positive,
}

_BINARY: dict[str, Callable[[Array, Array], Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "max": np.maximum,
    "min": np.minimum,
}

_SCALAR: dict[str, Callable[[Array, Any], Any]] = {
    "adds": np.add,
    "muls": np.multiply,
    "maxs": np.maximum,
    "mins": np.minimum,
    "lrelu": lambda x, slope: np.where(x >= 0, x, x * slope),
}

_REDUCE: dict[str, Callable[..., Any]] = {"sum": np.sum, "max": np.max}


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
    value = source.dtype.type(op.value.value.data)
    _put(memory, target, _SCALAR[op.mnemonic](source, value))


def cast(memory: CoreMemory, op: CastOp, at: Resolved) -> None:
    """Element type conversion."""
    target, source = (memory.view(place, at.sizes, aligned=True) for place in at.places)
    _put(memory, target, source)


def duplicate(memory: CoreMemory, op: DuplicateOp, at: Resolved) -> None:
    """One value; a mask lets it begin inside a block."""
    memory.view(at.places[0], at.sizes)[...] = op.value.value.data


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
    StoreOp: store,
    UnaryOp: unary,
    BinaryOp: binary,
    ScalarOp: scalar,
    CastOp: cast,
    DuplicateOp: duplicate,
    GatherOp: gather,
    TransposeOp: gather,
    BroadcastOp: broadcast,
    ReduceOp: reduce,
}
