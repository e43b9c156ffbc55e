"""Maps the external weights of FileConstant nodes into a model's memory when it loads."""

from __future__ import annotations

import mmap
import os
import stat
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from threading import Lock

import numpy as np

from compiler.om.constants import FILE_CONSTANT
from compiler.om.contract import HASH_NAME, SAMPLE_NAME
from compiler.om.external import Place, end_fault
from compiler.om.ge_ir_pb2 import ModelDef, OpDef
from compiler.threads import in_threads
from compiler.weights import FileBytes, Version
from compiler.weights.digests import sample_sha256
from runtime.device import Bytes
from runtime.errors import AclError, failure
from runtime.executor.contents import Buffer, Content
from runtime.executor.operators import attribute, tensor_desc
from runtime.executor.session import Session
from runtime.executor.variables import variable_address
from runtime.executor.weight_check import Expected, Verification
from runtime.executor.weight_places import WeightPlaces
from runtime.settings import Verify

MAPPED_FILES = 256
"""So many files are mapped: each mapping holds a file descriptor. Of further ones, and of weights
whose place in the file is not aligned, the bytes are read when the model first runs."""


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of one node in its weight file, and the variable they are for.

    `digest` is GraphEngine's text of their SHA-256, `sample` the digest of a sample of them: both
    where the model says so.
    """

    node: str
    place: Place
    variable: int
    size: int
    alignment: int
    digest: str | None = None
    sample: str | None = None

    @property
    def path(self) -> Path:
        """The weight file."""
        return self.place.path

    @property
    def end(self) -> int:
        """Where the bytes end in the file."""
        return self.place.offset + self.size

    def weight(self, version: Version) -> FileBytes:
        """The bytes in a version of the file."""
        return FileBytes(str(self.path), self.place.offset, self.size, version)


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
            _check_unchanged(part, version)
        self.verification.check()

    def fill(self) -> None:
        """Reads what is not mapped; AclError 500002 where files have changed since."""
        with self._lock:
            in_threads(lambda unread: _read(*unread, self.contents), self._unread)
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
            descriptor = _opened(path)
            try:
                version = Version.of(os.fstat(descriptor))
                if not self.session.faithful:
                    _check_size(descriptor, version.size, parts)
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
            _check_sample(part, found)
            if kept and _is_usable(part, found):
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
    parts = sorted((_part(op, places, session) for op in ops), key=lambda part: str(part.path))
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


def _part(op: OpDef, places: WeightPlaces, session: Session) -> Part:
    place, what = places.find(op), f"node '{op.name}' (FileConstant)"
    desc = tensor_desc(op.output_desc[0], op.name)
    if place.length not in (0, desc.size) and not session.faithful:
        raise failure(f"{what}: length {place.length} does not fit a tensor of {desc.size} bytes")
    if place.offset < 0:
        raise failure(f"{what}: offset {place.offset} is negative")
    digest, sample = attribute(op, HASH_NAME), attribute(op, SAMPLE_NAME)
    alignment = 1 if desc.is_packed else desc.dtype.alignment
    return Part(op.name, place, variable_address(op), desc.size, alignment, digest, sample)


def _opened(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    # A pipe would be waited for, and a device has no size.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "not a regular file")
    return descriptor


def _check_size(descriptor: int, size: int, parts: Sequence[Part]) -> None:
    last = max(parts, key=lambda part: part.end)
    if last.end > size:
        raise _too_short(last, max(0, size - last.place.offset))
    if last.sample is not None:
        return
    if fault := end_fault(descriptor, last.end):
        raise failure(f"weight file {last.path}, needed by node '{last.node}', {fault}")


def _too_short(part: Part, there: int) -> AclError:
    return failure(
        f"weight file {part.path} is too short: node '{part.node}' needs {part.size} "
        f"bytes at {part.place.offset}, {there} are there"
    )


def _check_sample(part: Part, found: Bytes) -> None:
    if part.sample is not None and sample_sha256(found.data) != part.sample:
        raise failure(
            f"weight file {part.path} is not what it was when the model was compiled: node "
            f"'{part.node}' finds other bytes at {part.place.offset}; compile again"
        )


def _is_usable(part: Part, found: Bytes) -> bool:
    """Whether NumPy can compute with the bytes where they are."""
    return len(found) == part.size and found.ctypes.data % part.alignment == 0


def _read(part: Part, version: Version, contents: Mapping[int, Content]) -> None:
    """Fill a variable from its file, as far as the file goes."""
    try:
        with part.path.open("rb") as file:
            if Version.of(os.fstat(file.fileno())) != version:
                raise _changed(part)
            file.seek(part.place.offset)
            file.readinto(contents[part.variable].memory.data)
    except OSError as error:
        needed = f"needed by node '{part.node}'"
        raise failure(f"weight file {part.path}, {needed}: {error.strerror}") from None


def _check_unchanged(part: Part, version: Version) -> None:
    """Another file at the path does no harm: the mapping is of the one that was there."""
    try:
        now = Version.of(os.stat(part.path))
    except OSError:
        return
    same_file = (now.device, now.inode) == (version.device, version.inode)
    if same_file and (now.size, now.modified_ns) != (version.size, version.modified_ns):
        raise _changed(part)


def _changed(part: Part) -> AclError:
    return failure(
        f"weight file {part.path}, needed by node '{part.node}', has changed since the model was "
        "loaded: load it again"
    )
