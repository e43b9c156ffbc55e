"""Compares the bytes of external weights with their SHA-256: at load, or while the model runs."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Thread

from compiler.errors import UserError
from compiler.threads import CORES
from compiler.weights import FileBytes, Version
from compiler.weights.digests import all_sha256, ge_text, sha256
from runtime.errors import failure
from runtime.settings import Verify

SOON = 1 << 24
"""So many bytes are hashed in a hundredth of a second: nobody need wait for threads."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the bytes of a node in a version of a file must be: GraphEngine's text of the digest."""

    node: str
    weight: FileBytes
    text: str

    def fault(self, digest: bytes) -> str | None:
        """Why the digest is not the expected one; None when it is."""
        if ge_text(digest) == self.text:
            return None
        weight = self.weight
        return (
            f"weight file {weight.path} is damaged: the {weight.length} bytes at {weight.offset}, "
            f"needed by node '{self.node}', are not those the model was compiled with (their "
            f"SHA-256 is {ge_text(digest)}, not {self.text})"
        )


@dataclass(slots=True, eq=False)
class Verification:
    """The weights of a model that must have a certain digest, and the first that has not."""

    expected: list[Expected] = field(default_factory=list[Expected])
    _fault: str | None = None
    _left: deque[Expected] = field(default_factory=deque[Expected])
    _threads: list[Thread] = field(default_factory=list[Thread])

    def begin(self, when: Verify) -> None:
        """Verifies at once, in the background or not; AclError 500002 for damage found at once."""
        if when is Verify.NEVER:
            return
        if when is Verify.LOAD or sum(part.weight.length for part in self.expected) <= SOON:
            self._verify_now()
            return
        self._left.extend(_largest_first(self.expected))
        # One core is left for the program.
        for _ in range(max(1, CORES - 1)):
            thread = Thread(target=self._verify_rest, name="weight verification", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _verify_now(self) -> None:
        try:
            digests = all_sha256(part.weight for part in self.expected)
        except (UserError, OSError) as error:
            raise failure(f"weight files cannot be verified: {error}") from None
        for part in self.expected:
            if fault := part.fault(digests[part.weight]):
                raise failure(fault)

    def _verify_rest(self) -> None:
        while self._left and self._fault is None:
            try:
                part = self._left.popleft()
            except IndexError:  # another thread was faster
                return
            self._fault = self._fault or _found_fault(part)

    def check(self) -> None:
        """Raises AclError 500002 once damage has been found."""
        if self._fault is not None:
            raise failure(self._fault)

    def wait(self) -> None:
        """Returns when all that was begun is verified."""
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """Leaves the weights whose turn has not come yet."""
        self._left.clear()


def _found_fault(part: Expected) -> str | None:
    try:
        return part.fault(sha256(part.weight))
    except (UserError, OSError) as error:
        # Where another file is at the path now, the model still has the one it has mapped.
        return None if _is_replaced(part.weight) else f"node '{part.node}': {error}"


def _is_replaced(weight: FileBytes) -> bool:
    try:
        now = Version.of(os.stat(weight.path))
    except OSError:
        return True
    then = weight.version
    return then is not None and (now.device, now.inode) != (then.device, then.inode)


def _largest_first(expected: Iterable[Expected]) -> list[Expected]:
    """Each weight once: equal ones share their bytes."""
    distinct = {(part.weight, part.text): part for part in expected}
    return sorted(distinct.values(), key=lambda part: part.weight.length, reverse=True)
