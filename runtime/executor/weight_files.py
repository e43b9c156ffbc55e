"""Maps the external weights of FileConstant nodes into a model's memory when it loads."""

from __future__ import annotations

import mmap
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from threading import Lock

import numpy as np

from compiler.om.constants import FILE_CONSTANT
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.threads import in_threads
from compiler.weights import Version
from runtime.device import Bytes
from runtime.errors import failure
from runtime.executor.contents import Buffer, Content
from runtime.executor.session import Session
from runtime.executor.variables import variable_address
from runtime.executor.weight_check import Expected, Verification
from runtime.executor.weight_parts import (
    Part,
    check_sample,
    check_size,
    check_unchanged,
    is_usable,
    opened,
    part_of,
    read,
)
from runtime.executor.weight_places import WeightPlaces
from runtime.settings import Verify

MAPPED_FILES = 256
"""So many files are mapped: each mapping holds a file descriptor. Of further ones, and of weights
whose place in the file is not aligned, the bytes are read when the model first runs."""


@dataclass(slots=True, eq=False)
class WeightFiles:
    """The external weights of a loaded model: `contents` by variable."""

    session: Session
    contents: dict[int, Content] = field(default_factory=dict[int, Content])
    verification: Verification = field(default_factory=Verification)
    _mapped: list[tuple[Part, Version]] = field(default_factory=list[tuple[Part, Version]])
    _unread: list[tuple[Part, Version]] = field(default_factory=list[tuple[Part, Version]])
    _lock: Lock = field(default_factory=Lock)

    @property
    def mapped(self) -> int:
        """How many files are mapped."""
        return len(self._mapped)

    def ready(self) -> None:
        """Reads what is not mapped; AclError 500002 when bytes are damaged, or a file was changed
        in its place.
        """
        self.fill()
        for part, version in self._mapped:
            check_unchanged(part, version)
        self.verification.check()

    def fill(self) -> None:
        """Reads what is not mapped; AclError 500002 where files have changed since."""
        with self._lock:
            in_threads(lambda unread: read(*unread, self.contents), self._unread)
            self._unread.clear()

    def give(self, part: Part, memory: Bytes) -> None:
        """A weight in the program's memory: it stays where it is, and changes with it."""
        if part.end > len(memory):
            raise failure(
                f"the {len(memory)} bytes of device memory that are to be weight file "
                f"{part.path.name} are too few: node '{part.node}' needs {part.size} bytes "
                f"at {part.place.offset} (E10001)"
            )
        found = memory[part.place.offset : part.end]
        self.contents[part.variable] = Content(Buffer(found))

    def release(self) -> None:
        """Ends the verification."""
        self.verification.stop()

    def add(self, parts: Sequence[Part]) -> None:
        """Maps the weights of one file; AclError 500002 when they are not what is in it."""
        path, node = parts[0].path, parts[0].node
        try:
            descriptor = opened(path)
            try:
                version = Version.of(os.fstat(descriptor))
                if not self.session.faithful:
                    check_size(descriptor, version.size, parts)
                self._map(descriptor, version, parts)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise failure(
                f"weight file {path}, needed by node '{node}': {error.strerror}"
            ) from None

    def _own(self, part: Part) -> Content:
        """Memory of the session's for what cannot be used where it lies."""
        held = self.session.current.contents.get(part.variable)
        return held or self.session.fresh(part.variable)

    def _map(self, descriptor: int, version: Version, parts: Sequence[Part]) -> None:
        whole = np.empty(0, np.uint8)
        if version.size:
            whole = np.frombuffer(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ), np.uint8)
        # Faithful variables stay in the one memory that they have.
        kept = len(self._mapped) < MAPPED_FILES and not self.session.faithful
        unread = len(self._unread)
        for part in parts:
            found = whole[part.place.offset : part.end]
            check_sample(part, found)
            if kept and is_usable(part, found):
                self.contents[part.variable] = Content(Buffer(found))
            else:
                self.contents[part.variable] = self._own(part)
                self._unread.append((part, version))
        if len(self._unread) - unread < len(parts):
            self._mapped.append((parts[0], version))
        self.verification.expected += [
            Expected(part.node, part.weight(version), text)
            for part in parts
            if (text := part.digest)
        ]


def load_weight_files(
    model: ModelDef, session: Session, places: WeightPlaces, verify: Verify
) -> None:
    """Finds every external weight, maps it as the content of its variable, and checks its bytes as
    `verify` says. Another instance of a model finds them in the variables.

    AclError 500002 for a file that is missing, too short or too long, for a place that does not fit
    the tensor, and for a folder that the program has named when there is no weight to look for.
    `faithful` sessions leave it at what GraphEngine notices: a missing file.
    """
    ops = [op for graph in model.graph for op in graph.op if op.type == FILE_CONSTANT]
    if places.is_chosen and not ops:
        raise failure(f"the model has no external weight, yet {places.folder} is to have them")
    files = WeightFiles(session)
    if not session.faithful:
        ops = [op for op in ops if variable_address(op) not in session.written]
    parts = sorted((part_of(op, places, session) for op in ops), key=lambda part: str(part.path))
    for path, group in groupby(parts, key=lambda part: part.path):
        if path.name in places.memory:
            for part in group:
                files.give(part, places.memory[path.name])
        else:
            files.add(list(group))
    if session.faithful:
        files.fill()
    if verify is Verify.LOAD:
        _note_samples(parts)
    files.verification.begin(verify)
    if files.contents:
        session.publish(files.contents, "files")
        session.external.append(files)


def _note_samples(parts: Sequence[Part]) -> None:
    """A warning for weights that the model has no digest of all bytes of."""
    sampled = [part.node for part in parts if part.sample is not None and not part.digest]
    if sampled:
        what = "external weights are compared by a sample of their bytes only"
        warnings.warn(f"{len(sampled)} {what}, as '{sampled[0]}'", stacklevel=2)
