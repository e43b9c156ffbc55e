"""`acl.rt`: devices, contexts and streams."""

from __future__ import annotations

from runtime.acl.state import State, overflow_modes
from runtime.device import Context, Stream
from runtime.errors import AclError, Code
from runtime.precision import Overflow

_HOST = 1
"""Run mode of a program on the host of a PCIe card."""


def _check_device(state: State, number: int) -> None:
    if number != state.device.number:
        message = f"there is no device {number}; the only one is {state.device.number}"
        raise AclError(Code.RT_INVALID_DEVICE, message)


def set_device(state: State, number: int) -> None:
    """Uses a device in this thread; each call wants a reset."""
    _check_device(state, number)
    state.device.uses += 1
    state.contexts.add(state.device.default_context)
    state.thread.context = state.device.default_context


def reset_device(state: State, number: int) -> None:
    """Undoes one set_device; the last one frees all that is on the device."""
    _check_device(state, number)
    if state.device.uses == 0:
        raise AclError(Code.RT_NO_CONTEXT, f"device {number} is not in use; call set_device")
    state.device.uses -= 1
    if state.device.uses == 0:
        state.reset_device()


def reset_device_force(state: State, number: int) -> None:
    """Frees all that is on the device, however often it was set."""
    _check_device(state, number)
    state.reset_device()


def get_device(state: State) -> int:
    """The device of the current context."""
    return state.context.device.number


def get_device_count(state: State) -> int:
    """How many devices there are."""
    return 1


def get_run_mode(state: State) -> int:
    """Where the program runs: on the host."""
    return _HOST


def set_device_sat_mode(state: State, mode: int) -> None:
    """Chooses whether float16 results of the vector unit saturate (0) or become Inf (1)."""
    if mode not in set(Overflow):
        raise AclError(Code.RT_PARAM_INVALID, f"overflow mode {mode}; it must be 0 or 1")
    if mode not in overflow_modes(state.soc):
        message = f"{state.soc} does not have overflow mode {mode}"
        raise AclError(Code.RT_FEATURE_NOT_SUPPORTED, message)
    state.models.mode.overflow = Overflow(mode)


def get_device_sat_mode(state: State) -> int:
    """The overflow mode: 0 saturation, 1 Inf/NaN."""
    return state.models.mode.overflow


def create_context(state: State, number: int) -> int:
    """A new context, current in this thread."""
    _check_device(state, number)
    context = Context(state.device, Stream())
    state.contexts.add(context)
    state.thread.context = context
    return state.handles.add(context)


def destroy_context(state: State, handle: int) -> None:
    """Ends a context; a thread it is current in has none then."""
    state.contexts.discard(state.handles.remove(handle, Context))


def set_context(state: State, handle: int) -> None:
    """Makes a context current in this thread."""
    state.thread.context = state.handles.get(handle, Context)


def get_context(state: State) -> int:
    """The current context; the default one gets a handle when it is first asked for."""
    context = state.context
    return state.handles.find(context) or state.handles.add(context)


def create_stream(state: State) -> int:
    """A new stream."""
    return state.handles.add(Stream())


def create_stream_with_config(state: State, priority: int, flag: int) -> int:
    """A new stream; streams have no priorities here."""
    return create_stream(state)


def destroy_stream(state: State, handle: int) -> None:
    """Ends a stream once its tasks have run."""
    state.handles.get(handle, Stream).synchronize()
    state.handles.remove(handle, Stream)


def destroy_stream_force(state: State, handle: int) -> None:
    """Ends a stream; tasks that have not begun never will."""
    state.handles.remove(handle, Stream).cancel()


def synchronize_stream(state: State, handle: int) -> None:
    """Waits for the tasks of a stream and returns the error of the first that failed."""
    state.stream(handle).synchronize()


def synchronize_stream_with_timeout(state: State, handle: int, milliseconds: int) -> None:
    """Likewise, but for so long at most; -1 waits for ever."""
    state.stream(handle).synchronize(milliseconds)


def synchronize_device(state: State) -> None:
    """Waits for the tasks of every stream."""
    for context in list(state.contexts):
        context.default_stream.synchronize()
    for stream in state.handles.all(Stream):
        stream.synchronize()


def get_soc_name(state: State) -> str:
    """The name of the simulated chip."""
    return state.soc
