"""The memories one core sees: its own buffers at their planned addresses, and global memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Attribute, SSAValue

from compiler.kernels.issue import Place
from compiler.soc import Soc
from compiler.weights import numpy_dtype
from dialects.davinci import AllocOp
from dialects.davinci.attributes import Space
from dialects.davinci.types import BLOCK_BYTES, buffer_of, byte_size, space_of
from dialects.types import element_name

Array: TypeAlias = NDArray[Any]

_GARBAGE = 0x7F
"""Fresh local memory: every float read from it is a NaN."""


class KernelError(Exception):
    """A kernel does what the hardware does not allow."""


class CoreMemory:
    """The local memories of one core as bytes, the kernel's arguments, and the overflow mode."""

    def __init__(
        self, target: Soc, arguments: Mapping[SSAValue, Array], *, saturates: bool = False
    ):
        self.saturates = saturates
        sizes = {
            Space.L1: target.l1,
            Space.L0A: target.l0a,
            Space.L0B: target.l0b,
            Space.L0C: target.l0c,
            Space.UB: target.ub,
            Space.BT: target.bt,
        }
        self._local = {s: np.full(n, _GARBAGE, np.uint8) for s, n in sizes.items()}
        # As bytes: not every type of ml_dtypes has a buffer.
        self._global = {key: x.reshape(-1).view(np.uint8) for key, x in arguments.items()}
        self._bytes: dict[tuple[SSAValue, int], Array] = {}

    def bytes_of(self, buffer: SSAValue, slot: int) -> Array:
        """The bytes of a slot of a local buffer."""
        key = buffer, slot
        if key not in self._bytes:
            alloc, type = buffer.owner, buffer_of(buffer)
            assert isinstance(alloc, AllocOp)
            if not alloc.slot_addresses:
                raise KernelError(f"buffer {buffer.name_hint} has no address: plan memory first")
            start = alloc.slot_addresses[slot]
            self._bytes[key] = self._local[space_of(type)][start : start + byte_size(type)]
        return self._bytes[key]

    def matrix(self, place: Place) -> Array:
        """A local buffer as an array of its type's shape."""
        type = buffer_of(place.buffer)
        data = self.bytes_of(place.buffer, place.slot).view(dtype_of(place.buffer))
        return data.reshape(type.get_shape())

    def view(self, place: Place, sizes: Sequence[int], *, aligned: bool = False) -> Array:
        """Strided elements of a buffer; KernelError outside of it, or where alignment lacks."""
        dtype = dtype_of(place.buffer)
        strides = [stride * dtype.itemsize for stride in place.strides]
        offset = place.offsets[0] * dtype.itemsize
        if aligned:
            _check_alignment(place, offset, strides, sizes)
        if prod(sizes) == 0:
            return np.empty(tuple(sizes), dtype)
        data = self._global.get(place.buffer)
        data = self.bytes_of(place.buffer, place.slot) if data is None else data
        try:
            return np.ndarray(tuple(sizes), dtype, data.data, offset, strides)
        except ValueError:
            name = place.buffer.name_hint
            raise KernelError(f"sizes {list(sizes)} from {place.offsets[0]} leave {name}") from None

    def mask(self, place: Place, sizes: Sequence[int]) -> Array:
        """The bytes that hold the bits of a mask, row by row."""
        rows = [stride // 8 for stride in place.strides[:-1]]
        if any(bits % (8 * BLOCK_BYTES) for bits in (place.offsets[0], *place.strides[:-1])):
            raise KernelError(f"a mask in {place.buffer.name_hint} is not aligned")
        data = self.bytes_of(place.buffer, place.slot)
        shape = (*sizes[:-1], -(-sizes[-1] // 8))
        try:
            return np.ndarray(shape, np.uint8, data.data, place.offsets[0] // 8, (*rows, 1))
        except ValueError:
            raise KernelError(f"a mask of {list(sizes)} leaves {place.buffer.name_hint}") from None


def dtype_of(buffer: SSAValue) -> np.dtype[Any]:
    """The NumPy type of a buffer's elements."""
    return _dtype(buffer_of(buffer).element_type)


@cache
def _dtype(element: Attribute) -> np.dtype[Any]:
    name = element_name(element)
    assert name is not None
    return numpy_dtype(name)


def _check_alignment(
    place: Place, offset: int, strides: Sequence[int], sizes: Sequence[int]
) -> None:
    """Rows of contiguous elements begin at blocks of 32 bytes."""
    rows = [s for s, size in zip(strides[:-1], sizes[:-1], strict=True) if size > 1]
    if any(value % BLOCK_BYTES for value in (offset, *rows)):
        name = place.buffer.name_hint
        raise KernelError(f"an access to {name} is not aligned to {BLOCK_BYTES} bytes")
