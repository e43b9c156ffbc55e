"""What one run of a static model works in: feature memory, and every task bound to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from runtime.errors import AclError, failure
from runtime.executor.contents import Place
from runtime.executor.launch import Launch
from runtime.executor.memory import AddressSpace
from runtime.executor.session import Session, Variables
from runtime.operator_engine import Array, Node, TensorDesc
from runtime.packing import packed, unpacked

_UNBOUND: Array = np.empty(0, np.uint8)


@dataclass(frozen=True, slots=True)
class Located:
    """A tensor by its logical address; `port` is the input of a node that reads it there."""

    address: int
    desc: TensorDesc
    port: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One task of the model: a node, where its tensors are, and what computes it.

    Behind the node's outputs are what its kernel needs for itself, as bytes.
    """

    node: Node
    inputs: tuple[Located, ...]
    outputs: tuple[Located, ...]
    launch: Launch

    @property
    def what(self) -> str:
        """The node, for messages."""
        return f"node '{self.node.name}' ({self.node.type})"


@dataclass(frozen=True, slots=True)
class Write:
    """An output in variable memory; `ports` are the inputs that stand for the same variable."""

    output: int
    place: Place
    ports: tuple[str, ...]
    keep: bool
    """Whether what the variable held before counts."""


@dataclass(slots=True)
class Step:
    """A task bound to the memory of a workspace; each run binds it to its variables."""

    node: Node
    inputs: dict[str, Array]
    outputs: list[Array]
    launch: Launch
    reads: tuple[tuple[str, Place], ...]
    writes: tuple[Write, ...]

    @property
    def is_bound(self) -> bool:
        """Whether variables are among its tensors."""
        return bool(self.reads or self.writes)

    def bind(self, variables: Variables) -> None:
        """Let the task read and write the variables of a run."""
        for port, place in self.reads:
            self.inputs[port] = variables.read(place)
        for write in self.writes:
            target = variables.write(write.place, keep=write.keep)
            self.outputs[write.output] = target
            self.inputs.update(dict.fromkeys(write.ports, target))

    def unbind(self) -> None:
        """Keep nothing of a run, so that its versions of variables can go."""
        for port, _ in self.reads:
            self.inputs[port] = _UNBOUND
        for write in self.writes:
            self.outputs[write.output] = _UNBOUND
            self.inputs.update(dict.fromkeys(write.ports, _UNBOUND))


@dataclass(frozen=True, slots=True)
class Slot:
    """An input or output of the model: its tensor in memory, or the bytes of packed elements."""

    desc: TensorDesc
    memory: Array | Place

    def read(self, variables: Variables) -> Array:
        """The tensor, which is a view of memory unless its elements are packed."""
        memory = self.memory
        found = variables.read(memory) if isinstance(memory, Place) else memory
        if not self.desc.is_packed:
            return found
        return unpacked(found, self.desc.dtype, self.desc.shape)

    def write(self, value: Array) -> None:
        """Put a tensor in its place, which is not in a variable."""
        if self.desc.is_packed:
            value = packed(value.astype(self.desc.dtype, copy=False))
        assert not isinstance(self.memory, Place)
        np.copyto(self.memory, value)


class Workspace:
    """Serves one run at a time."""

    def __init__(
        self,
        space: AddressSpace,
        session: Session,
        calls: Sequence[Call],
        inputs: Sequence[tuple[Located, str]],
        outputs: Sequence[tuple[Located, str]],
    ) -> None:
        self._space, self._session = space, session
        self.steps = [self._step(call) for call in calls]
        self.inputs = [
            Slot(located.desc, space.tensor(located.address, located.desc, what))
            for located, what in inputs
        ]
        self.outputs = [self._slot(*located) for located in outputs]
        self._bound = [step for step in self.steps if step.is_bound]

    def unbind(self) -> None:
        """Let go of the variables of the last run."""
        for step in self._bound:
            step.unbind()

    def _slot(self, located: Located, what: str) -> Slot:
        if self._session.is_variable(located.address):
            place = self._session.place(located.address, located.desc, what)
            return Slot(located.desc, place)
        return Slot(located.desc, self._space.tensor(located.address, located.desc, what))

    def _step(self, call: Call) -> Step:
        outputs = [self._slot(output, call.what).memory for output in call.outputs]
        inputs = {given.port: self._slot(given, call.what).memory for given in call.inputs}
        writes = tuple(
            _write(call, index, place, inputs)
            for index, place in enumerate(outputs)
            if isinstance(place, Place)
        )
        written = {port for write in writes for port in write.ports}
        reads = {port: place for port, place in inputs.items() if isinstance(place, Place)}
        if not all(isinstance(y, Place) or y.flags.writeable for y in outputs):
            raise failure(f"{call.what} would write into the weights")
        return Step(
            call.node,
            {port: _UNBOUND if isinstance(x, Place) else x for port, x in inputs.items()},
            [_UNBOUND if isinstance(y, Place) else y for y in outputs],
            call.launch,
            tuple((port, place) for port, place in reads.items() if port not in written),
            writes,
        )


def _write(call: Call, index: int, place: Place, inputs: dict[str, Array | Place]) -> Write:
    ports = tuple(
        port
        for port, given in inputs.items()
        if isinstance(given, Place) and given.variable == place.variable
    )
    whole = call.node.type == "Assign" and place.offset == 0
    return Write(index, place, ports, keep=not whole)


class Workspaces:
    """As many as there are runs at a time: another is made when none is idle.

    Where there is no memory for another, or `most` are made, a run waits for its turn.
    """

    def __init__(self, make: Callable[[], Workspace], most: int | None = None) -> None:
        self._make = make
        self._most = most
        self._idle = [make()]
        self._count = 1
        self._changed = threading.Condition()

    @contextmanager
    def one(self) -> Generator[Workspace]:
        """A workspace that nobody else uses meanwhile."""
        workspace = self._take()
        try:
            yield workspace
        finally:
            workspace.unbind()
            with self._changed:
                self._idle.append(workspace)
                self._changed.notify()

    def _take(self) -> Workspace:
        with self._changed:
            while not self._idle:
                if self._most is None or self._count < self._most:
                    self._count += 1
                    break
                self._changed.wait()
            else:
                return self._idle.pop()
        try:
            return self._make()
        except AclError:
            with self._changed:
                self._count -= 1
                self._most = max(1, self._count)
            return self._take()
