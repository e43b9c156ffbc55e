"""What one simulated `acl` module remembers: devices, models, handles, errors, who is who."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar, cast

from compiler.soc import soc as find_soc
from runtime.device import DEFAULT_BYTES, Context, Device, Memory, Stream
from runtime.errors import AclError, Code, invalid
from runtime.model_registry import Models
from runtime.precision import Overflow
from runtime.settings import Engine

T = TypeVar("T")

_FIRST_HANDLE = 0x5AC1_0000_0000
_HANDLE_STEP = 0x40


class Handles:
    """Objects by the addresses that stand for them; an address of another kind is an error."""

    def __init__(self) -> None:
        self._objects: dict[int, object] = {}
        self._next = count(_FIRST_HANDLE, _HANDLE_STEP)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._objects)

    def add(self, thing: object) -> int:
        """A new handle."""
        with self._lock:
            handle = next(self._next)
            self._objects[handle] = thing
        return handle

    def get(self, handle: int, kind: type[T]) -> T:
        """The object of a handle; AclError 100000 when it is none, or not of that kind."""
        thing = self._objects.get(handle)
        if not isinstance(thing, kind):
            raise invalid(f"{handle:#x} is {self._what(handle)}, not a live {_words(kind)}")
        return thing

    def find(self, thing: object) -> int:
        """The handle of an object; 0 when it has none."""
        return next((handle for handle, held in self._objects.items() if held is thing), 0)

    def all(self, kind: type[T]) -> list[T]:
        """Every live object of a kind."""
        return [thing for thing in self._objects.values() if isinstance(thing, kind)]

    def remove(self, handle: int, kind: type[T]) -> T:
        """Forgets a handle."""
        thing = self.get(handle, kind)
        del self._objects[handle]
        return thing

    def clear(self) -> None:
        """Forgets every handle."""
        self._objects.clear()

    def _what(self, handle: int) -> str:
        if handle == 0:
            return "null"
        if handle in self._objects:
            return f"a {_words(type(self._objects[handle]))}"
        return "unknown or destroyed"


def _words(kind: type[Any]) -> str:
    return "".join(f" {c.lower()}" if c.isupper() else c for c in kind.__name__).strip()


class Reports:
    """Callbacks waiting for the threads that subscribed to them."""

    def __init__(self) -> None:
        self.queues: dict[int, queue.Queue[Callable[[], None]]] = {}
        self.subscribers: dict[Stream, int] = {}


class ThreadState(threading.local):
    """What each thread has of its own: the current context and the messages not read yet."""

    def __init__(self) -> None:
        self.context: Context | None = None
        self.messages: list[str] = []


class State:
    """The state behind one `acl` module.

    `soc` is the name of the chip it simulates; UserError when nothing is known of it. `engine`
    runs the AI-Core tasks, by default the one the environment names.
    """

    def __init__(self, soc: str, engine: Engine | None = None) -> None:
        self.soc = soc
        self.device = Device(0, find_soc(soc).hbm or DEFAULT_BYTES)
        self.host = Memory(kind="host")
        self.models = Models(self.device.memory, engine, soc=soc)
        self.models.mode.overflow = overflow_modes(soc)[0]
        self.handles = Handles()
        self.reports = Reports()
        self.thread = ThreadState()
        self.threads: dict[int, threading.Thread] = {}
        self.contexts: set[Context] = set()
        self.initialized = 0
        self.is_finalized = False
        self.first_config: str | None = None

    @property
    def context(self) -> Context:
        """The current context of the calling thread; AclError 107002 when it has none."""
        context = self.thread.context
        if context is None or context not in self.contexts:
            raise AclError(
                Code.RT_NO_CONTEXT, "no context is current in this thread; call acl.rt.set_device"
            )
        return context

    def stream(self, handle: int) -> Stream:
        """The stream of a handle; 0 is the default stream of the current context."""
        return self.handles.get(handle, Stream) if handle else self.context.default_stream

    def memory_of(self, address: int) -> Memory | None:
        """The ledger an address belongs to: the device's, that of pinned host memory, or none."""
        for memory in (self.device.memory, self.host):
            if memory.find(address) is not None:
                return memory
        return None

    def reset_device(self) -> None:
        """Unloads the models and frees the device's contexts, streams and memory."""
        self.models.clear()
        self.device.reset()
        self.models.memory = self.device.memory
        self.contexts.clear()

    def dispose(self) -> None:
        """Drops everything: device, host memory and handles."""
        self.reset_device()
        self.host = Memory(kind="host")
        self.handles.clear()
        self.reports = Reports()


def overflow_modes(soc: str) -> tuple[Overflow, ...]:
    """The overflow modes of a chip, its default first (CANN's aclrtFloatOverflowMode): both on
    A2 and A3, Inf/NaN after them, saturation before.
    """
    if re.match(r"Ascend(910B\d|910_93)", soc):
        return (Overflow.INFNAN, Overflow.SATURATION)
    return (Overflow.INFNAN if re.match("Ascend[39]50", soc) else Overflow.SATURATION,)


def integers(values: list[Any], what: str) -> tuple[int, ...]:
    """A list of integers from a program; TypeError for anything else in it."""
    if not all(isinstance(value, int) for value in values):
        raise TypeError(f"{what} must be a list of int, not {values!r}")
    return tuple(cast("list[int]", values))
