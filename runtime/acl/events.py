"""`acl.rt`: events between streams, and callbacks from streams to threads of the program."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from runtime.acl.state import State
from runtime.device import Event, elapsed_ms
from runtime.errors import AclError, Code, invalid

_BLOCK = 1


def create_event(state: State) -> int:
    """A new event."""
    return state.handles.add(Event())


def create_event_with_flag(state: State, flag: int) -> int:
    """A new event; every event keeps its time here."""
    return create_event(state)


def destroy_event(state: State, event: int) -> None:
    """Ends an event."""
    state.handles.remove(event, Event)


def record_event(state: State, event: int, stream: int) -> None:
    """Puts an event behind the tasks of a stream."""
    state.handles.get(event, Event).record(state.stream(stream))


def reset_event(state: State, event: int, stream: int) -> None:
    """Takes a record back once the stream gets there."""
    state.stream(stream).submit(state.handles.get(event, Event).reset)


def synchronize_event(state: State, event: int) -> None:
    """Waits until an event that was recorded is complete."""
    waited = state.handles.get(event, Event)
    if waited.is_recorded:
        waited.wait()


def stream_wait_event(state: State, stream: int, event: int) -> None:
    """Holds the following tasks of a stream back until an event is complete."""
    state.stream(stream).submit(state.handles.get(event, Event).wait)


def query_event(state: State, event: int) -> int:
    """0 when the event is complete, 1 when not."""
    return int(not state.handles.get(event, Event).is_complete)


def query_event_status(state: State, event: int) -> int:
    """1 when the event is complete, 0 when not."""
    return int(state.handles.get(event, Event).is_complete)


def event_elapsed_time(state: State, start: int, end: int) -> float:
    """Milliseconds between two complete events."""
    return elapsed_ms(state.handles.get(start, Event), state.handles.get(end, Event))


def subscribe_report(state: State, thread: int, stream: int) -> None:
    """Makes a thread the one that runs the callbacks of a stream."""
    state.reports.queues.setdefault(thread, queue.Queue())
    state.reports.subscribers[state.stream(stream)] = thread


def unsubscribe_report(state: State, thread: int, stream: int) -> None:
    """Ends that."""
    subscribed = state.stream(stream)
    if state.reports.subscribers.get(subscribed) != thread:
        message = f"thread {thread} did not subscribe to this stream"
        raise AclError(Code.RT_THREAD_NOT_SUBSCRIBED, message)
    del state.reports.subscribers[subscribed]


def launch_callback(
    state: State, function: Callable[[Any], Any], arguments: list[Any], block: int, stream: int
) -> None:
    """Has the subscribed thread call `function(arguments)` once the stream gets there.

    A blocking one holds the following tasks of the stream back until the call has returned.
    """
    target = state.stream(stream)
    thread = state.reports.subscribers.get(target)
    if thread is None:
        message = "no thread subscribed to this stream; call acl.rt.subscribe_report"
        raise AclError(Code.RT_NO_CALLBACK_REGISTERED, message)
    reports = state.reports.queues[thread]
    target.submit(partial(_report, reports, partial(function, arguments), block == _BLOCK))


def _report(
    reports: queue.Queue[Callable[[], None]], callback: Callable[[], Any], blocks: bool
) -> None:
    called = threading.Event()

    def run() -> None:
        try:
            callback()
        finally:
            called.set()

    reports.put(run)
    if blocks:
        called.wait()


def process_report(state: State, timeout_ms: int) -> None:
    """Runs one callback in the calling thread; 507012 when none comes in time."""
    if timeout_ms == 0 or timeout_ms < -1:
        raise invalid(f"timeout {timeout_ms}; it must be -1 or a number of milliseconds")
    reports = state.reports.queues.get(threading.get_ident())
    if reports is None:
        message = "this thread did not subscribe to a stream"
        raise AclError(Code.RT_THREAD_NOT_SUBSCRIBED, message)
    try:
        callback = reports.get(timeout=None if timeout_ms < 0 else timeout_ms / 1000)
    except queue.Empty:
        message = f"no callback within {timeout_ms} ms"
        raise AclError(Code.RT_REPORT_TIMEOUT, message) from None
    callback()
