"""The bytes of one FileConstant node in its weight file: where they are, and whether they fit."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compiler.om.contract import HASH_NAME, SAMPLE_NAME
from compiler.om.external import Place, end_fault
from compiler.om.ge_ir_pb2 import OpDef
from compiler.weights import FileBytes, Version
from compiler.weights.digests import sample_sha256
from runtime.device import Bytes
from runtime.errors import AclError, failure
from runtime.executor.contents import Content
from runtime.executor.operators import attribute, tensor_desc
from runtime.executor.session import Session
from runtime.executor.variables import variable_address
from runtime.executor.weight_places import WeightPlaces


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


def part_of(op: OpDef, places: WeightPlaces, session: Session) -> Part:
    """Where a FileConstant has its bytes; AclError 500002 where they do not fit its tensor."""
    place, what = places.find(op), f"node '{op.name}' (FileConstant)"
    desc = tensor_desc(op.output_desc[0], op.name)
    if place.length not in (0, desc.size) and not session.faithful:
        raise failure(f"{what}: length {place.length} does not fit a tensor of {desc.size} bytes")
    if place.offset < 0:
        raise failure(f"{what}: offset {place.offset} is negative")
    digest, sample = attribute(op, HASH_NAME), attribute(op, SAMPLE_NAME)
    alignment = 1 if desc.is_packed else desc.dtype.alignment
    return Part(op.name, place, variable_address(op), desc.size, alignment, digest, sample)


def opened(path: Path) -> int:
    """A descriptor of a weight file; OSError for what is none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    # A pipe would be waited for, and a device has no size.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "not a regular file")
    return descriptor


def check_size(descriptor: int, size: int, parts: Sequence[Part]) -> None:
    """AclError 500002 for a file of `size` bytes that its weights do not fill."""
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


def check_sample(part: Part, found: Bytes) -> None:
    """AclError 500002 where the sample of the bytes is not what the model says."""
    if part.sample is not None and sample_sha256(found.data) != part.sample:
        raise failure(
            f"weight file {part.path} is not what it was when the model was compiled: node "
            f"'{part.node}' finds other bytes at {part.place.offset}; compile again"
        )


def is_usable(part: Part, found: Bytes) -> bool:
    """Whether NumPy can compute with the bytes where they are."""
    return len(found) == part.size and found.ctypes.data % part.alignment == 0


def read(part: Part, version: Version, contents: Mapping[int, Content]) -> None:
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


def check_unchanged(part: Part, version: Version) -> None:
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
