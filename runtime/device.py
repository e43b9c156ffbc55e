"""Device memory at real process addresses, and the streams and events that order work on it."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from runtime.errors import AclError, Code, invalid

Bytes = npt.NDArray[np.uint8]

ALIGNMENT = 512
DEFAULT_BYTES = 32 << 30


@dataclass(frozen=True, slots=True)
class Allocation:
    """A piece of memory: `size` bytes were asked for, `capacity` may be touched."""

    address: int
    size: int
    capacity: int
    memory: Bytes
    what: str

    @property
    def end(self) -> int:
        """The address behind the last byte."""
        return self.address + self.capacity


class Memory:
    """A ledger of live allocations; interior pointers find the allocation they point into."""

    def __init__(self, total: int = DEFAULT_BYTES, kind: str = "device") -> None:
        self.total = total
        self.used = 0
        self.kind = kind
        self._live: dict[int, Allocation] = {}
        self._addresses: list[int] = []
        # What is dropped frees itself, at times in a thread that allocates.
        self._lock = threading.RLock()

    @property
    def live(self) -> list[Allocation]:
        """Everything not freed yet, in the order of its allocation."""
        return list(self._live.values())

    def allocate(self, size: int, what: str = "", capacity: int | None = None) -> Allocation:
        """New memory; its contents are undefined. AclError 207001 when there is none left."""
        capacity = capacity or size
        with self._lock:
            if size < 0 or self.used + capacity > self.total:
                raise self._exhausted(size)
            try:
                raw = np.empty(capacity + ALIGNMENT, np.uint8)
            except MemoryError:
                raise self._exhausted(size) from None
            skip = -raw.ctypes.data % ALIGNMENT
            memory = raw[skip : skip + capacity]
            made = Allocation(raw.ctypes.data + skip, size, capacity, memory, what)
            self._live[made.address] = made
            insort(self._addresses, made.address)
            self.used += capacity
        return made

    def free(self, address: int) -> None:
        """Gives back what `allocate` returned; AclError 107017 for any other pointer."""
        with self._lock:
            gone = self._live.pop(address, None)
            if gone is not None:
                del self._addresses[bisect_right(self._addresses, address) - 1]
                self.used -= gone.capacity
                return
        inside = self.find(address)
        why = (
            f"it points into the allocation at {inside.address:#x}" if inside else "never or freed"
        )
        raise AclError(
            Code.RT_POINTER_INVALID,
            f"{address:#x} is no live allocation of {self.kind} memory ({why})",
        )

    def find(self, address: int) -> Allocation | None:
        """The allocation an address lies in."""
        with self._lock:
            place = bisect_right(self._addresses, address)
            found = self._live.get(self._addresses[place - 1]) if place else None
        return found if found and address < found.end else None

    def view(self, address: int, size: int, what: str) -> Bytes:
        """`size` bytes at an address; AclError 107000 when they are not all in one allocation."""
        found = self.find(address)
        if found is None:
            where = f"{what}: {address:#x} is not live {self.kind} memory"
            raise AclError(Code.RT_PARAM_INVALID, where)
        if address + size > found.end:
            have = f"{found.end - address} bytes are left at {address:#x}"
            raise AclError(Code.RT_PARAM_INVALID, f"{what}: {size} bytes wanted, {have}")
        offset = address - found.address
        return found.memory[offset : offset + size]

    def _exhausted(self, size: int) -> AclError:
        free = f"{self.total - self.used} of {self.total} bytes of {self.kind} memory are free"
        return AclError(Code.RT_MEMORY_ALLOCATION, f"cannot allocate {size} bytes: {free}")


Task = Callable[[], None]


class Stream:
    """Tasks that run one after the other, apart from the thread that submits them."""

    def __init__(self) -> None:
        self._tasks: deque[tuple[Task, bool]] = deque()
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None
        self._error: AclError | None = None

    def submit(self, task: Task, *, after_errors: bool = False) -> None:
        """Appends a task. An error in it skips the following ones until it has been reported,
        but for those that shall run `after_errors` too.
        """
        with self._changed:
            self._tasks.append((task, after_errors))
            if self._worker is None:
                self._worker = threading.Thread(target=self._run, daemon=True)
                self._worker.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._tasks:
                    self._worker = None
                    self._changed.notify_all()
                    return
                task, after_errors = self._tasks.popleft()
            if self._error is None or after_errors:
                self._attempt(task)

    def _attempt(self, task: Task) -> None:
        try:
            task()
        except AclError as error:
            self._error = self._error or error
        except Exception as error:
            # Whatever it is: were the thread to end here, nobody would learn of it.
            message = f"a task of the stream failed: {type(error).__name__}: {error}"
            self._error = self._error or AclError(Code.RT_INTERNAL, message)

    def synchronize(self, timeout_ms: int = -1) -> None:
        """Waits for every task; raises the first error among them, or AclError 507046 in time."""
        timeout = None if timeout_ms < 0 else timeout_ms / 1000
        with self._changed:
            if not self._changed.wait_for(lambda: self._worker is None, timeout):
                raise AclError(
                    Code.RT_STREAM_SYNC_TIMEOUT, f"the stream is busy after {timeout_ms} ms"
                )
            error, self._error = self._error, None
        if error is not None:
            raise error

    def cancel(self) -> None:
        """Forgets the tasks that have not begun."""
        with self._changed:
            self._tasks.clear()


class Event:
    """A point in a stream that other streams and the host can wait for."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self.is_recorded = False
        self.time: float | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the stream has reached it; true before it is recorded anywhere."""
        return self._reached.is_set() or not self.is_recorded

    def record(self, stream: Stream) -> None:
        """Puts the event behind the tasks of a stream."""
        self.is_recorded = True
        self._reached.clear()
        # Whoever waits for the event waits for the stream to get there, well or not.
        stream.submit(self._complete, after_errors=True)

    def _complete(self) -> None:
        self.time = time.perf_counter()
        self._reached.set()

    def wait(self) -> None:
        """Blocks the caller until the stream has reached the event."""
        self._reached.wait()

    def reset(self) -> None:
        """Makes the event as it was before it was recorded."""
        self._reached.clear()
        self.is_recorded = False


@dataclass(eq=False)
class Context:
    """What a thread works in: a device and its default stream."""

    device: Device
    default_stream: Stream


class Device:
    """One simulated device: its memory, and how many times it has been set."""

    def __init__(self, number: int, total: int = DEFAULT_BYTES) -> None:
        self.number = number
        self.memory = Memory(total)
        self.uses = 0
        self.default_context = Context(self, Stream())

    def reset(self) -> None:
        """Frees everything on the device."""
        self.uses = 0
        self.memory = Memory(self.memory.total)
        self.default_context = Context(self, Stream())


def elapsed_ms(start: Event, end: Event) -> float:
    """Milliseconds between two completed events."""
    if start.time is None or end.time is None:
        raise AclError(Code.RT_EVENT_TIMESTAMP, "both events must be recorded and complete")
    return (end.time - start.time) * 1000


def check_not_null(address: int, what: str) -> None:
    """Raises AclError 100000 for a null pointer."""
    if address == 0:
        raise invalid(f"{what} is a null pointer")
