"""What one variable holds: memory, the tensors in it, and how long it is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from runtime.device import Bytes
from runtime.operator_engine import Array, TensorDesc
from runtime.packing import load

HOME = 0
"""In place of an address: the memory is part of the session's, and is given back with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A tensor inside a variable, which has its logical address for a name."""

    variable: int
    offset: int
    desc: TensorDesc


class Buffer:
    """Memory for one variable, and the tensors that have been seen in it."""

    __slots__ = ("_tensors", "address", "memory")

    def __init__(self, memory: Bytes, address: int = HOME) -> None:
        self.memory = memory
        self.address = address
        self._tensors: dict[Place, tuple[Array, Array]] = {}

    def tensors(self, place: Place) -> tuple[Array, Array]:
        """A tensor to read only and to write, or its bytes where its elements are packed."""
        found = self._tensors.get(place)
        if found is None:
            desc = place.desc
            part = self.memory[place.offset : place.offset + desc.size]
            found = self._tensors[place] = _both(
                part if desc.is_packed else load(part, desc.dtype, desc.shape)
            )
        return found


class Lent:
    """A tensor of somebody else's in place of memory of the device's; it is contiguous, by rows."""

    __slots__ = ("_array", "_buffer", "_place", "_tensors")

    def __init__(self, array: Array, place: Place) -> None:
        self._array, self._place = array, place
        self._tensors: tuple[Array, Array] | None = None
        self._buffer: Buffer | None = None

    @property
    def memory(self) -> Bytes:
        """The bytes."""
        return self._as_buffer().memory

    def tensors(self, place: Place) -> tuple[Array, Array]:
        """As a buffer has them."""
        if place is not self._place:
            return self._as_buffer().tensors(place)
        if self._tensors is None:
            self._tensors = _both(self._array)
        return self._tensors

    def _as_buffer(self) -> Buffer:
        if self._buffer is None:
            self._buffer = Buffer(self._array.reshape(-1).view(np.uint8))
        return self._buffer


def _both(array: Array) -> tuple[Array, Array]:
    read = array.view()
    read.flags.writeable = False
    return read, array


class Content:
    """The bytes of one variable. Once a table has them they never change.

    When no table and no run has them any more, `recycle` gets the memory back; without it they
    are somebody else's. `digest` is for who has worked out their SHA-256.
    """

    __slots__ = ("__weakref__", "_buffer", "_recycle", "digest")

    def __init__(self, buffer: Buffer | Lent, recycle: Callable[[], None] | None = None) -> None:
        self._buffer = buffer
        self._recycle = recycle
        self.digest: str | None = None

    @property
    def memory(self) -> Bytes:
        """The bytes."""
        return self._buffer.memory

    def view(self, place: Place) -> Array:
        """The tensor, or its bytes where its elements are packed: to read only."""
        return self._buffer.tensors(place)[0]

    def writable(self, place: Place) -> Array:
        """The same, for whoever makes the bytes."""
        return self._buffer.tensors(place)[1]

    def __del__(self) -> None:
        if self._recycle is not None:
            self._recycle()
