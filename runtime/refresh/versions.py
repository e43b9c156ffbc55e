"""The versions of a bundle's weights that are kept, and the order in which they were active."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeGuard
from weakref import ref

from compiler.threads import in_threads
from runtime.errors import invalid
from runtime.executor.contents import Content
from runtime.executor.session import Session, Table
from runtime.refresh.digests import Digest, sha256_of
from runtime.refresh.weights import Weight

PAST = 100
"""So many changes back one can roll."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class Version:
    """One state of all weights. `made`: the digests, by name, of tensors that are not in it as they
    are, but in what was computed from them.
    """

    table: Table
    is_named: bool
    made: Mapping[str, Digest] = field(default_factory=dict[str, Digest])

    def digests(self, weights: Mapping[str, Weight]) -> dict[str, str]:
        """The SHA-256 of every weight that holds a value, in hexadecimal."""
        held = contents_of(weights, self.table)
        found = dict(zip(held, in_threads(_digest, held.values()), strict=True))
        return found | {name: digest.result() for name, digest in self.made.items()}


def contents_of(weights: Mapping[str, Weight], table: Table) -> dict[str, Content]:
    """What holds each weight that has been written, of those that variables hold as they are."""
    contents = table.contents
    places = {name: weight.place for name, weight in weights.items()}
    return {
        name: contents[place.variable]
        for name, place in places.items()
        if place is not None and place.variable in contents
    }


def _digest(content: Content) -> str:
    """It is computed when somebody asks first: what is in a version never changes."""
    if content.digest is None:
        content.digest = sha256_of(content.memory)
    return content.digest


class Versions:
    """Named versions, which stay until they are forgotten, and of the others those that were active
    last.

    `spare` is how many versions without a name of their own are kept to roll back to; `made` are
    the digests of what the first version, which the session holds now, was computed from.
    """

    def __init__(self, session: Session, spare: int, made: Mapping[str, Digest]) -> None:
        self._session = session
        self._spare = spare
        self._numbers = count(1)
        self._past: list[ref[Version]] = []
        self._unnamed: dict[str, None] = {}
        """Those that are not active, the one that was active last at the end."""
        self.active = first = Version(session.current, True, made)
        is_one = bool(first.table.name) and not session.faithful
        self._kept = {first.table.name: first} if is_one else {}

    @property
    def names(self) -> tuple[str, ...]:
        """Those that can be activated, the oldest first."""
        return tuple(self._kept)

    def check_new(self, name: str | None) -> None:
        """AclError 100000 for a name that a version has already."""
        if name == "":
            raise invalid("the name of a version is empty: choose another, or none")
        if name is not None and name in self._kept:
            raise invalid(f"there is a version '{name}' already: forget it, or choose another name")

    def publish(
        self, contents: Mapping[int, Content], name: str | None, made: Mapping[str, Digest]
    ) -> str:
        """Makes new contents visible as a version of their own; its name."""
        table = self._session.publish(contents, name or self._unused_name())
        self._remember()
        self._kept[table.name] = version = Version(table, name is not None, made)
        self._became_active(version)
        while len(self._unnamed) > self._spare:
            self._drop(next(iter(self._unnamed)))
        return table.name

    def _unused_name(self) -> str:
        while (name := f"v{next(self._numbers)}") in self._kept:
            pass
        return name

    def _remember(self) -> None:
        """Notes that the active version is left for another, to roll back to."""
        if self._is_kept(self.active):
            self._past.append(ref(self.active))
        if len(self._past) > 2 * PAST:
            self._past = [past for past in self._past if self._is_kept(past())][-PAST:]

    def _is_kept(self, version: Version | None) -> TypeGuard[Version]:
        return version is not None and self._kept.get(version.table.name) is version

    def _became_active(self, version: Version) -> None:
        if not self.active.is_named:
            self._unnamed[self.active.table.name] = None
        self._unnamed.pop(version.table.name, None)
        self.active = version

    def _drop(self, name: str) -> None:
        del self._kept[name]
        self._unnamed.pop(name, None)

    def activate(self, name: str) -> None:
        """Makes a kept version the one that runs begin with."""
        version = self._find(name)
        if version is not self.active:
            self._remember()
            self._serve(version)

    def rollback(self) -> str:
        """Activates the version that was active before this one; its name."""
        while self._past:
            version = self._past.pop()()
            if self._is_kept(version) and version is not self.active:
                self._serve(version)
                return version.table.name
        others = [name for name in self._kept if name != self.active.table.name]
        hint = f"activate one of {', '.join(others)}" if others else "no other is kept"
        raise invalid(f"there is no version to roll back to: {hint}")

    def _serve(self, version: Version) -> None:
        self._session.activate(version.table)
        self._became_active(version)

    def forget(self, name: str) -> None:
        """Gives back the memory of a version, as far as no other has it; not of the active one."""
        if self._find(name) is self.active:
            raise invalid(
                f"version '{name}' is active: activate another one before it is forgotten"
            )
        self._drop(name)

    def _find(self, name: str) -> Version:
        if name not in self._kept:
            kept: Sequence[str] = self.names
            raise invalid(f"no version '{name}' is kept; there are {', '.join(kept) or 'none'}")
        return self._kept[name]
