"""The versions of a bundle's weights that are kept, and the order in which they were active."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from compiler.threads import in_threads
from runtime.device import Bytes
from runtime.errors import invalid
from runtime.executor.session import Content, Session, Table
from runtime.refresh.weights import Weight

PAST = 100
"""So many changes back one can roll."""


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """One state of all weights. `digests`: SHA-256 by name, of those that are known already."""

    table: Table
    is_named: bool
    digests: dict[str, str] = field(default_factory=dict[str, str])

    def all_digests(self, weights: Mapping[str, Weight]) -> dict[str, str]:
        """The digest of every weight that holds a value, in hexadecimal."""
        contents = self.table.contents
        unknown = [
            (name, contents[weight.place.variable])
            for name, weight in weights.items()
            if name not in self.digests and weight.place and weight.place.variable in contents
        ]
        found = in_threads(lambda pair: sha256_of(pair[1].memory), unknown)
        self.digests.update(zip((name for name, _ in unknown), found, strict=True))
        return dict(self.digests)


def sha256_of(memory: Bytes) -> str:
    """The digest of bytes, in hexadecimal."""
    return hashlib.sha256(memory.data).hexdigest()


class Versions:
    """Named versions, which stay until they are forgotten, and of the others those that were active
    last.

    `spare` is how many versions without a name of their own are kept to roll back to; `digests`
    are those of what the session holds now, the first version.
    """

    def __init__(self, session: Session, spare: int, digests: Mapping[str, str]) -> None:
        self._session = session
        self._spare = spare
        self._past: deque[str] = deque(maxlen=PAST)
        self.active = first = Version(session.current, True, dict(digests))
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
        self, contents: Mapping[int, Content], name: str | None, digests: Mapping[str, str]
    ) -> str:
        """Makes new contents visible as a version of their own; its name."""
        table = self._session.publish(contents, name)
        self._began(Version(table, name is not None, dict(digests)))
        return table.name

    def _began(self, version: Version) -> None:
        if self.active.table.name in self._kept:
            self._past.append(self.active.table.name)
        self._kept[version.table.name] = self.active = version
        last = {name: place for place, name in enumerate(self._past)}
        unnamed = [n for n, v in self._kept.items() if not v.is_named and v is not self.active]
        unnamed.sort(key=lambda name: last.get(name, -1))
        for name in unnamed[: max(0, len(unnamed) - self._spare)]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        del self._kept[name]
        self._past = deque((other for other in self._past if other != name), PAST)

    def activate(self, name: str) -> None:
        """Makes a kept version the one that runs begin with."""
        version = self._find(name)
        if version is not self.active:
            self._past.append(self.active.table.name)
            self._serve(version)

    def rollback(self) -> str:
        """Activates the version that was active before this one; its name."""
        if not self._past:
            others = [name for name in self._kept if name != self.active.table.name]
            hint = f"activate one of {', '.join(others)}" if others else "no other is kept"
            raise invalid(f"there is no version to roll back to: {hint}")
        name = self._past.pop()
        self._serve(self._kept[name])
        return name

    def _serve(self, version: Version) -> None:
        self._session.activate(version.table)
        self.active = version

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
