"""Weight bytes: mapped files, splats, lazy casts; read in bounded chunks, never all at once."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from compiler.errors import UserError

if TYPE_CHECKING:
    import numpy as np

CHUNK = 1 << 22
"""Bytes that are held at a time when a weight is read, hashed or written."""


class Weight(Protocol):
    """The bytes of a tensor: little-endian, row-major."""

    @property
    def length(self) -> int:
        """The number of bytes."""
        ...

    def chunks(self) -> Iterator[memoryview]:
        """The bytes in order, in pieces of at most CHUNK bytes."""
        ...


class Version(NamedTuple):
    """One state of one file: another file at its path, or a change to it, is another version.

    The change time is in it because, unlike the others, nobody can set it back.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """The version that `os.stat` or `os.fstat` sees."""
        return cls(
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )


_checked: dict[str, Version] = {}


def pin(path: str, version: Version) -> None:
    """Let references to `path` stand for this version of the file, which has been checked.

    The IR holds paths only, so a process keeps one version of each: the one pinned last.
    """
    _checked[path] = version


def pinned(path: str) -> Version | None:
    """The version that references to `path` stand for; None for whatever is there."""
    return _checked.get(path)


@lru_cache(maxsize=64)
def _mapped(path: str, version: Version) -> memoryview:
    """The file's bytes. UserError when what is opened is not the version that was looked at."""
    with _opened(path, version) as descriptor:
        if not version.size:
            return memoryview(b"")
        return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))


@contextmanager
def _opened(path: str, version: Version) -> Generator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if Version.of(os.fstat(descriptor)) != version:
            raise _changed(path)
        yield descriptor
    finally:
        os.close(descriptor)


def _changed(path: str) -> UserError:
    return UserError(f"{path} has changed since it was read: read it again")


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A range of a file, of a certain version of it if one is given."""

    path: str
    offset: int
    length: int
    version: Version | None = None

    def view(self) -> memoryview:
        """The bytes, still in the page cache only.

        UserError when the file is no longer the version, is too short, or is no regular file.
        """
        return _mapped(self.path, self._found())[self.offset : self.offset + self.length]

    @contextmanager
    def opened(self) -> Generator[int]:
        """A descriptor of the file; UserErrors as `view` has, also for a change meanwhile."""
        with _opened(self.path, self._found()) as descriptor:
            yield descriptor
        self._check_unchanged()

    def _found(self) -> Version:
        status = os.stat(self.path)
        version = Version.of(status)
        if self.version not in (None, version):
            raise _changed(self.path)
        if not stat.S_ISREG(status.st_mode):
            raise UserError(f"{self.path} is not a regular file, a weight cannot be read from it")
        if self.offset + self.length > status.st_size:
            raise UserError(
                f"{self.path} has {status.st_size} bytes, a weight needs bytes "
                f"{self.offset} to {self.offset + self.length}"
            )
        return version

    def _check_unchanged(self) -> None:
        if self.version not in (None, Version.of(os.stat(self.path))):
            raise _changed(self.path)

    def chunks(self, size: int = CHUNK) -> Iterator[memoryview]:
        view = self.view()
        source = view.obj
        for number, chunk in enumerate(_split(view, size)):
            yield chunk
            if isinstance(source, mmap.mmap):  # what was read need not stay in our memory
                start = (self.offset + number * size) // mmap.PAGESIZE * mmap.PAGESIZE
                source.madvise(mmap.MADV_DONTNEED, start, size)
        self._check_unchanged()


@dataclass(frozen=True, slots=True)
class Inline:
    """Bytes that are at hand: small constants only."""

    data: bytes

    @property
    def length(self) -> int:
        return len(self.data)

    def chunks(self) -> Iterator[memoryview]:
        return _split(memoryview(self.data))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A weight whose value nobody can read; `why` is the message of who tries to."""

    length: int
    why: str

    def chunks(self) -> Iterator[memoryview]:
        """UserError, always."""
        raise UserError(self.why)


@dataclass(frozen=True, slots=True)
class Splat:
    """One element repeated."""

    element: bytes
    count: int

    @property
    def length(self) -> int:
        return len(self.element) * self.count

    def chunks(self) -> Iterator[memoryview]:
        per_chunk = max(1, CHUNK // len(self.element))
        block = memoryview(self.element * min(self.count, per_chunk))
        for start in range(0, self.length, len(block) or 1):
            yield block[: self.length - start]


@dataclass(frozen=True, slots=True)
class Cast:
    """Another weight with each element converted; out-of-range values become infinite."""

    source: Weight
    from_dtype: str
    to_dtype: str

    @property
    def length(self) -> int:
        count = self.source.length // numpy_dtype(self.from_dtype).itemsize
        return count * numpy_dtype(self.to_dtype).itemsize

    def chunks(self) -> Iterator[memoryview]:
        import numpy as np

        for chunk in self.source.chunks():
            values = np.frombuffer(chunk, numpy_dtype(self.from_dtype))
            with np.errstate(over="ignore", invalid="ignore"):
                converted = values.astype(numpy_dtype(self.to_dtype))
            yield memoryview(converted.tobytes())


@dataclass(frozen=True, slots=True)
class Scatter:
    """Zeros, but for some values at their places (int64) in the flat tensor."""

    values: Weight
    indices: Weight
    count: int

    @property
    def _width(self) -> int:
        return self.values.length // (self.indices.length // 8) if self.values.length else 1

    @property
    def length(self) -> int:
        return self.count * self._width

    def chunks(self) -> Iterator[memoryview]:
        import numpy as np

        width = self._width
        places = np.frombuffer(b"".join(self.indices.chunks()), "<i8")
        elements = np.frombuffer(b"".join(self.values.chunks()), np.uint8).reshape(-1, width)
        per_chunk = max(1, CHUNK // width)
        for start in range(0, self.count, per_chunk):
            block = np.zeros((min(per_chunk, self.count - start), width), np.uint8)
            here = (places >= start) & (places < start + len(block))
            block[places[here] - start] = elements[here]
            yield memoryview(block.tobytes())


def _split(view: memoryview, size: int = CHUNK) -> Iterator[memoryview]:
    for start in range(0, len(view), size):
        yield view[start : start + size]


_NUMPY = {
    "f64": "f8",
    "f32": "f4",
    "f16": "f2",
    "i1": "?",
    **{f"i{bits}": f"i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"ui{bits}": f"u{bits // 8}" for bits in (8, 16, 32, 64)},
    "complex<f32>": "c8",
    "complex<f64>": "c16",
}
_ML_DTYPES = {
    "bf16": "bfloat16",
    "f8E4M3FN": "float8_e4m3fn",
    "f8E4M3FNUZ": "float8_e4m3fnuz",
    "f8E5M2": "float8_e5m2",
    "f8E5M2FNUZ": "float8_e5m2fnuz",
    "f8E8M0FNU": "float8_e8m0fnu",
}


def numpy_dtype(name: str) -> np.dtype[Any]:
    """NumPy's dtype for an element type by MLIR spelling, little-endian."""
    import numpy as np

    if name in _NUMPY:
        return np.dtype(f"<{_NUMPY[name]}")
    import ml_dtypes

    return np.dtype(getattr(ml_dtypes, _ML_DTYPES[name]))
