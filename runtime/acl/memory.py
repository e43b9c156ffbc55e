"""`acl.rt`: memory of the device and pinned memory of the host, copies and fills."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from runtime.acl.state import State
from runtime.device import check_not_null
from runtime.errors import AclError, Code, invalid

_PADDING = 32
_TO_DEVICE = (1, 3, 5)  # H2D, D2D, H2BUF2D
_FROM_DEVICE = (2, 3)  # D2H, D2D
_KINDS = range(6)
_MEMORY_ATTRIBUTES = range(18)


def _align(size: int) -> int:
    return -(-size // 32) * 32


def _check_size(size: int) -> None:
    if size <= 0:
        raise invalid(f"cannot allocate {size} bytes")


def malloc(state: State, size: int, policy: int) -> int:
    """Device memory, aligned to 32 bytes and padded by 32."""
    _check_size(size)
    return state.device.memory.allocate(size, capacity=_align(size) + _PADDING).address


def malloc_align32(state: State, size: int, policy: int) -> int:
    """Device memory, aligned to 32 bytes and not padded."""
    _check_size(size)
    return state.device.memory.allocate(size, capacity=_align(size)).address


def malloc_cached(state: State, size: int, policy: int) -> int:
    """Device memory behind a cache; here the cache is always coherent."""
    return malloc(state, size, policy)


def free(state: State, address: int) -> None:
    """Gives device memory back."""
    check_not_null(address, "the pointer to free")
    state.device.memory.free(address)


def malloc_host(state: State, size: int) -> int:
    """Pinned memory of the host."""
    _check_size(size)
    return state.host.allocate(size).address


def free_host(state: State, address: int) -> None:
    """Gives pinned memory back."""
    check_not_null(address, "the pointer to free")
    state.host.free(address)


def _fill(state: State, address: int, limit: int, value: int, count: int) -> Callable[[], None]:
    check_not_null(address, "the destination")
    if count > limit:
        raise AclError(Code.RT_PARAM_INVALID, f"{count} bytes to set, {limit} allowed")
    memory = state.memory_of(address) or state.device.memory
    memory.view(address, count, "memset destination")
    return lambda: _set(address, value, count)


def _set(address: int, value: int, count: int) -> None:
    ctypes.memset(address, value & 0xFF, count)


def memset(state: State, address: int, limit: int, value: int, count: int) -> None:
    """Sets bytes of device or pinned memory."""
    if count:
        _fill(state, address, limit, value, count)()


def memset_async(  # noqa: PLR0917 -- the arguments are pyACL's
    state: State, address: int, limit: int, value: int, count: int, stream: int
) -> None:
    """Sets bytes in the order of a stream."""
    if count:
        state.stream(stream).submit(_fill(state, address, limit, value, count))


def _copy(
    state: State, target: tuple[int, int], source: int, count: int, kind: int
) -> Callable[[], None]:
    """A copy that has been checked; `target` is an address and how much fits there."""
    address, limit = target
    check_not_null(address, "the destination")
    check_not_null(source, "the source")
    if kind not in _KINDS:
        raise invalid(f"copy kind {kind}; there are 0 to 5")
    if count > limit:
        raise AclError(Code.RT_PARAM_INVALID, f"{count} bytes to copy, {limit} fit")
    _check_side(state, address, count, "destination", kind in _TO_DEVICE)
    _check_side(state, source, count, "source", kind in _FROM_DEVICE)
    return lambda: _move(address, source, count)


def _check_side(state: State, address: int, count: int, side: str, on_device: bool) -> None:
    """Memory of ours must be live and large enough; the program's own cannot be checked."""
    memory = state.memory_of(address) or (state.device.memory if on_device else None)
    if memory is not None:
        memory.view(address, count, f"copy {side}")


def _move(target: int, source: int, count: int) -> None:
    ctypes.memmove(target, source, count)


def memcpy(  # noqa: PLR0917 -- the arguments are pyACL's
    state: State, target: int, limit: int, source: int, count: int, kind: int
) -> None:
    """Copies between host and device in either direction."""
    if count:
        _copy(state, (target, limit), source, count, kind)()


def memcpy_async(  # noqa: PLR0917 -- the arguments are pyACL's
    state: State, target: int, limit: int, source: int, count: int, kind: int, stream: int
) -> None:
    """Copies in the order of a stream; both sides must stay alive until then."""
    if count:
        state.stream(stream).submit(_copy(state, (target, limit), source, count, kind))


def mem_flush(state: State, address: int, size: int) -> None:
    """Writes cached device memory back."""
    check_not_null(address, "the address")
    state.device.memory.view(address, size, "flushed memory")


def mem_invalidate(state: State, address: int, size: int) -> None:
    """Drops what is cached of device memory."""
    check_not_null(address, "the address")
    state.device.memory.view(address, size, "invalidated memory")


def get_mem_info(state: State, attribute: int) -> tuple[int, int]:
    """Free and total bytes of device memory."""
    if attribute not in _MEMORY_ATTRIBUTES:
        raise invalid(f"memory attribute {attribute}; there are 0 to 17")
    memory = state.device.memory
    return memory.total - memory.used, memory.total
