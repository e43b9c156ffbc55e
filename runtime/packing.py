"""Tensors of 2- and 4-bit elements: several to a byte in memory, the first in the lowest bits."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]

BITS: dict[np.dtype[Any], int] = {
    np.dtype(ml_dtypes.int2): 2,
    np.dtype(ml_dtypes.uint2): 2,
    np.dtype(ml_dtypes.int4): 4,
    np.dtype(ml_dtypes.uint4): 4,
    np.dtype(ml_dtypes.float4_e2m1fn): 4,
}
"""The width of the element types that NumPy keeps in a byte each, and memory does not."""


def packed_bytes(dtype: np.dtype[Any], count: int) -> int:
    """The bytes of `count` elements in memory."""
    bits = BITS.get(dtype)
    return count * dtype.itemsize if bits is None else -(-count * bits // 8)


def unpacked(memory: Bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """The elements in packed memory, a byte each."""
    bits = BITS[dtype]
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    codes = (memory[:, None] >> shifts & (1 << bits) - 1).reshape(-1)[: int(np.prod(shape))]
    return codes.view(dtype).reshape(shape)


def packed(array: Array) -> Bytes:
    """The bytes that elements take in memory; the last byte is filled with zeros."""
    bits = BITS[array.dtype]
    codes = np.ascontiguousarray(array).reshape(-1).view(np.uint8) & (1 << bits) - 1
    codes = np.append(codes, np.zeros(-len(codes) % (8 // bits), np.uint8))
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    grouped = codes.reshape(-1, 8 // bits) << shifts
    return np.bitwise_or.reduce(grouped, axis=1, dtype=np.uint8)


def load(memory: Bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """The tensor that bytes hold: a view of them, or a copy where they are packed."""
    if dtype in BITS:
        return unpacked(memory, dtype, shape)
    return memory.view(dtype).reshape(shape)


def store(memory: Bytes, array: Array) -> None:
    """Write a tensor into as many bytes as it takes."""
    data = packed(array) if array.dtype in BITS else np.ascontiguousarray(array).reshape(-1)
    np.copyto(memory, data.view(np.uint8))
