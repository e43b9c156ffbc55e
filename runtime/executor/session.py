"""The variables that models share: tables of buffers, of which a run takes one when it begins."""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Protocol
from weakref import WeakValueDictionary

import numpy as np

from compiler.om.contract import VARIABLE_BASE
from runtime.device import Bytes, Memory
from runtime.errors import AclError, failure
from runtime.executor.contents import HOME, Buffer, Content, Place
from runtime.executor.memory import Region
from runtime.operator_engine import Array, TensorDesc

UNDEFINED = 0xFF
"""What faithful variable memory begins with: not a number in any float."""


@dataclass(slots=True, eq=False)
class Table:
    """What every variable that was ever written holds, by address. It never changes."""

    name: str
    contents: Mapping[int, Content]


class External(Protocol):
    """Weights of a model that lie in files."""

    def ready(self) -> None:
        """A run begins: their bytes must be there; AclError when they are known to be wrong."""
        ...

    def release(self) -> None:
        """Nobody needs them any more."""
        ...


class Session:
    """The variables of a bundle, or those of one model.

    A run sees the `current` table of its begin to its end. Whoever writes variables makes new
    contents and publishes them in a new table: all of them are seen by the next run, or none.
    `faithful` has one memory for all instead, in which variables are written where they are.

    `given` is memory of the caller's to keep variables in, `size` bytes; further versions lie
    elsewhere. AclError 207001 where the device has no memory for them.
    """

    def __init__(
        self,
        device: Memory,
        size: int,
        base: int = VARIABLE_BASE,
        *,
        given: Bytes | None = None,
        faithful: bool = False,
    ) -> None:
        self.base = base
        self.faithful = faithful
        self.external: list[External] = []
        self._inherited: list[tuple[External, WeakValueDictionary[int, Content]]] = []
        self.current = Table("", {})
        self._device = device
        own = size if given is None else 0
        self._allocation = device.allocate(own, "variables") if own else None
        made = self._allocation.memory if self._allocation else np.empty(0, np.uint8)
        self._home = made if given is None else given[:size]
        if faithful:
            self._home[:] = UNDEFINED
        self._sizes: dict[int, int] = {}
        self._order: list[int] = []
        self._places: dict[tuple[int, TensorDesc], Place] = {}
        self._spare: dict[int, deque[Buffer]] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._is_released = False

    @property
    def region(self) -> Region:
        """The memory that variables are in first, at their logical addresses."""
        return Region("variables", self.base, self._home)

    @property
    def written(self) -> Collection[int]:
        """The addresses of the variables that hold a value."""
        return self.current.contents.keys()

    def declare(self, variable: int, size: int, what: str) -> None:
        """A model has a variable of `size` bytes here; AclError 500002 where none can be."""
        if self._sizes.get(variable) == size:
            return
        offset = variable - self.base
        if offset < 0 or offset + size > len(self._home):
            raise self._outside(variable, size, what)
        with self._lock:
            self._check_free(variable, size, what)
            insort(self._order, variable)
            self._sizes[variable] = size
            self._spare[variable] = deque([Buffer(self._home[offset : offset + size])])
            if self.faithful:
                content = {variable: self.fresh(variable)}
                self.current = Table("", {**self.current.contents, **content})

    def _check_free(self, variable: int, size: int, what: str) -> None:
        after = bisect_right(self._order, variable)
        for other in self._order[max(0, after - 1) : after + 1]:
            if other < variable + size and variable < other + self._sizes[other]:
                raise failure(
                    f"{what}: {size} bytes at {variable:#x} overlap a variable of "
                    f"{self._sizes[other]} bytes at {other:#x}",
                )

    def is_variable(self, address: int) -> bool:
        """Whether a logical address lies in variable memory."""
        return 0 <= address - self.base < len(self._home)

    def place(self, address: int, desc: TensorDesc, what: str) -> Place:
        """The tensor at a logical address; AclError 500002 when it is not inside one variable."""
        known = self._places.get((address, desc))
        if known is not None:
            return known
        after = bisect_right(self._order, address)
        variable = self._order[after - 1] if after else address
        if address + desc.size > variable + self._sizes.get(variable, 0):
            raise self._outside(address, desc.size, what)
        return self._places.setdefault((address, desc), Place(variable, address - variable, desc))

    def fresh(self, variable: int) -> Content:
        """Memory for another value of a variable; what is in it is undefined."""
        try:
            buffer = self._spare[variable].pop()
        except IndexError:
            what = f"a version of the variable at {variable:#x}"
            made = self._device.allocate(self._sizes[variable], what)
            buffer = Buffer(made.memory, made.address)
        return Content(buffer, partial(self._recycle, variable, buffer))

    def _recycle(self, variable: int, buffer: Buffer) -> None:
        """Keeps the memory for the next version; of what was allocated, one piece a variable.

        A content may go while Python ends, so this asks for nothing but what is here.
        """
        spare = self._spare[variable]
        if buffer.address == HOME or not (spare or self._is_released):
            spare.append(buffer)
        else:
            self._device.free(buffer.address)

    def publish(self, contents: Mapping[int, Content], name: str | None = None) -> Table:
        """Makes new contents visible, all at once; variables left out keep theirs."""
        with self._lock:
            name = name or f"v{next(self._numbers)}"
            self.current = table = Table(name, {**self.current.contents, **contents})
        return table

    def rename(self, name: str) -> None:
        """Gives what the variables hold now another name."""
        with self._lock:
            self.current = Table(name, self.current.contents)

    def activate(self, table: Table) -> None:
        """Makes another table the one that runs begin with."""
        with self._lock:
            self.current = table

    def inherit(self, external: Collection[External], made: Mapping[int, Content]) -> None:
        """From now on files matter only to runs with some of the contents `made` of them."""
        for weights in external:
            self.external.remove(weights)
            self._inherited.append((weights, WeakValueDictionary(made)))

    def ready(self, table: Table) -> None:
        """A run with a table begins; AclError for files that are wrong, of any of the models."""
        for weights in self.external:
            weights.ready()
        for weights, made in self._inherited:
            if any(table.contents.get(variable) is content for variable, content in made.items()):
                weights.ready()

    def release(self) -> None:
        """Gives the memory back; what a run or a version still holds follows when they end."""
        self._is_released = True
        for weights in (*self.external, *(weights for weights, _ in self._inherited)):
            weights.release()
        self.external.clear()
        self._inherited.clear()
        self.current = Table("", {})
        for spare in self._spare.values():
            while spare:
                if (address := spare.pop().address) != HOME:
                    self._device.free(address)
        if self._allocation is not None:
            self._device.free(self._allocation.address)
            self._allocation = None

    def _outside(self, address: int, size: int, what: str) -> AclError:
        have = f"variables {self.base:#x}+{len(self._home)}"
        return failure(
            f"{what}: {size} bytes at {address:#x} are outside the model's memory ({have})",
        )


class Variables:
    """The variables as one run sees them: its table, and what it has written itself."""

    __slots__ = ("_own", "session", "table")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.table = session.current
        session.ready(self.table)
        self._own: dict[int, Content] = {}

    def holds(self, place: Place) -> bool:
        """Whether anything was ever written to the variable."""
        return place.variable in self._own or place.variable in self.table.contents

    def read(self, place: Place) -> Array:
        """A tensor to read; AclError 500002 while nothing has been written to its variable."""
        variable = place.variable
        content = self._own.get(variable) or self.table.contents.get(variable)
        if content is None:
            message = f"the variable at {variable:#x} was never written"
            raise failure(message)
        return content.view(place)

    def write(self, place: Place, *, keep: bool) -> Array:
        """A tensor to write, undefined as yet, or with `keep` as it is; the others do not see it
        before `publish`.
        """
        old = self.table.contents.get(place.variable)
        content = self._own.get(place.variable)
        if content is None and self.session.faithful and old is not None:
            content = old
        elif content is None:
            content = self._own[place.variable] = self.session.fresh(place.variable)
            if keep and old is not None:
                np.copyto(content.memory, old.memory)
        return content.writable(place)

    def publish(self) -> None:
        """The run has ended well: the next ones see what it has written."""
        if self._own:
            self.session.publish(self._own)
