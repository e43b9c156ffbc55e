"""`acl.util`: addresses of Python objects and back, and threads."""

from __future__ import annotations

import ctypes
import threading
import warnings
from collections.abc import Callable
from math import prod
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from runtime.acl.state import State
from runtime.errors import invalid

# NumPy's own type numbers.
_DTYPES: dict[int, type[Any]] = {
    0: np.bool_,
    1: np.int8,
    2: np.uint8,
    3: np.int16,
    4: np.uint16,
    5: np.int32,
    6: np.uint32,
    7: np.int64,
    8: np.uint64,
    9: np.int64,
    10: np.uint64,
    11: np.float32,
    12: np.float64,
    23: np.float16,
}


def bytes_to_ptr(state: State, data: object) -> int:
    """The address of the bytes themselves: valid while the object lives, nothing is copied."""
    if not isinstance(data, bytes):
        raise ValueError(f"bytes are needed, not {type(data).__name__}")
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


def ptr_to_bytes(state: State, address: int, size: int) -> bytes:
    """A copy of memory."""
    _check_readable(state, address, size)
    return ctypes.string_at(address, size)


def _check_readable(state: State, address: int, size: int) -> None:
    if address == 0 or size < 0:
        raise ValueError(f"{size} bytes at {address:#x} cannot be read")
    memory = state.memory_of(address)
    if memory is not None:
        memory.view(address, size, "memory to read")


def numpy_to_ptr(state: State, array: object) -> int:
    """The address of an array's data."""
    if not isinstance(array, np.ndarray):
        raise ValueError(f"a numpy.ndarray is needed, not {type(array).__name__}")
    values = cast("npt.NDArray[Any]", array)
    warnings.warn("numpy_to_ptr is deprecated; use bytes_to_ptr", DeprecationWarning, stacklevel=3)
    if not values.flags.c_contiguous:
        warnings.warn("the array is not contiguous", UserWarning, stacklevel=3)
    return values.ctypes.data


def numpy_contiguous_to_ptr(state: State, array: object) -> tuple[int, npt.NDArray[Any]]:
    """The address of a contiguous array's data, and that array, which must be kept."""
    if not isinstance(array, np.ndarray):
        raise ValueError(f"a numpy.ndarray is needed, not {type(array).__name__}")
    kept = np.ascontiguousarray(cast("npt.NDArray[Any]", array))
    return kept.ctypes.data, kept


def ptr_to_numpy(
    state: State, address: int, shape: tuple[int, ...], type_number: int
) -> npt.NDArray[Any]:
    """A writeable array that is the memory itself."""
    if type_number not in _DTYPES:
        raise ValueError(f"NumPy type number {type_number} is not supported")
    dtype = np.dtype(_DTYPES[type_number])
    size = prod(shape) * dtype.itemsize
    _check_readable(state, address, size)
    memory = (ctypes.c_ubyte * size).from_address(address)
    return np.frombuffer(memoryview(memory), dtype).reshape(shape)


def start_thread(state: State, function: Callable[[Any], Any], arguments: list[Any]) -> int:
    """Starts a thread that calls `function(arguments)`; its id."""
    thread = threading.Thread(target=function, args=(arguments,), daemon=True)
    thread.start()
    number = thread.ident or 0
    state.threads[number] = thread
    return number


def stop_thread(state: State, number: int) -> None:
    """Waits for a thread to end."""
    thread = state.threads.pop(number, None)
    if thread is None:
        raise invalid(f"{number} is no thread of acl.util.start_thread")
    thread.join()
