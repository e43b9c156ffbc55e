"""Reads safetensors files as references to their tensors and writes them; no tensor is loaded.

The format: https://github.com/huggingface/safetensors#format. Beyond what its own library refuses,
a name given twice and white space before the header are errors here.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Generic, NoReturn, TypeGuard, TypeVar, cast

from compiler.errors import UserError
from compiler.om.buffers import Held, Joined
from compiler.om.files import write_file
from compiler.weights import FileBytes, Version, Weight

W_co = TypeVar("W_co", bound=Weight, covariant=True)

METADATA = "__metadata__"
MAX_HEADER = 100_000_000
"""Bytes of a header that the format's own library reads."""
MAX_DIM, MAX_RANK = 2**63 - 1, 64
"""What NumPy takes for a dimension, and for their number."""
ALIGNMENT = 8
"""Of the first tensor; the others follow without gaps, those of wider elements first."""
IN_OUT, OUT_IN = "in,out", "out,in"
"""Which way a matrix lies: inputs by outputs of its layer, as MatMul takes it; or as PyTorch's
Linear keeps it."""

_TYPES = {
    "BOOL": ("i1", 8),
    "F4": ("f4E2M1FN", 4),
    "F6_E2M3": ("f6E2M3FN", 6),
    "F6_E3M2": ("f6E3M2FN", 6),
    "U8": ("ui8", 8),
    "I8": ("i8", 8),
    "F8_E5M2": ("f8E5M2", 8),
    "F8_E4M3": ("f8E4M3FN", 8),
    "F8_E8M0": ("f8E8M0FNU", 8),
    "F8_E4M3FNUZ": ("f8E4M3FNUZ", 8),
    "F8_E5M2FNUZ": ("f8E5M2FNUZ", 8),
    "I16": ("i16", 16),
    "U16": ("ui16", 16),
    "F16": ("f16", 16),
    "BF16": ("bf16", 16),
    "I32": ("i32", 32),
    "U32": ("ui32", 32),
    "F32": ("f32", 32),
    "C64": ("complex<f32>", 64),
    "F64": ("f64", 64),
    "I64": ("i64", 64),
    "U64": ("ui64", 64),
}
"""Element types in the order of the format's own library: MLIR's spelling, and the bits."""

NAMES = {mlir: name for name, (mlir, _) in _TYPES.items()}
"""The format's name of an element type, by MLIR's spelling."""
_RANKS = {mlir: rank for rank, mlir in enumerate(NAMES)}


@dataclass(frozen=True, slots=True)
class TensorRef(Generic[W_co]):
    """A tensor and where its bytes lie: little-endian, row-major.

    `dtype` is the element type in MLIR's spelling, as `compiler.weights.numpy_dtype` takes it.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: W_co

    @property
    def type(self) -> str:
        """Type and shape for messages, as `f32[2, 3]`."""
        return f"{self.dtype}{list(self.shape)}"


@dataclass(frozen=True, slots=True)
class Safetensors:
    """A file as read: `data` of each tensor is a range of this very version of the file."""

    path: str
    tensors: Mapping[str, TensorRef[FileBytes]]
    metadata: Mapping[str, str]


def read_safetensors(path: str | os.PathLike[str]) -> Safetensors:
    """The tensors of the file in the order of their bytes. UserError for any fault of its header.

    Every byte behind the header belongs to one tensor, and each has as many as it takes.
    """
    return _Reader(os.fspath(path)).read()


def is_safetensors(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as one of the format does, whatever its name is."""
    try:
        with open(path, "rb") as file:
            head = file.read(9)
    except OSError:
        return False
    return head[8:] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= MAX_HEADER


def byte_count(dtype: str, shape: Iterable[int]) -> int | None:
    """The bytes of a tensor; None where a file cannot hold it: a type that has no name in the
    format, or elements that do not fill their last byte."""
    if dtype not in NAMES:
        return None
    bits = prod(shape) * _TYPES[NAMES[dtype]][1]
    return None if bits % 8 else bits // 8


def write_safetensors(
    path: str | os.PathLike[str],
    tensors: Iterable[TensorRef[Weight]],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a file, whole or not at all; bytes that are in files are copied by the kernel.

    UserError for what the format cannot hold, and when the file cannot be written.
    """
    write_file(path, lay_out_safetensors(tensors, metadata))


def lay_out_safetensors(
    tensors: Iterable[TensorRef[Weight]], metadata: Mapping[str, str] | None = None
) -> Joined:
    """The file as a blob. UserErrors as `write_safetensors`."""
    ordered = sorted(tensors, key=lambda tensor: (-_RANKS.get(tensor.dtype, 0), tensor.name))
    header: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    end = 0
    for tensor in ordered:
        _check_writable(tensor, header)
        begin, end = end, end + tensor.data.length
        header[tensor.name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    if len(text) > MAX_HEADER:
        raise UserError(
            f"{len(ordered)} tensors need a header of {len(text)} bytes, a safetensors file has "
            f"at most {MAX_HEADER}"
        )
    return Joined([Held(len(text).to_bytes(8, "little") + text), *(t.data for t in ordered)])


def _check_writable(tensor: TensorRef[Weight], header: Mapping[str, Any]) -> None:
    needed = byte_count(tensor.dtype, tensor.shape)
    if tensor.name in header or tensor.name == METADATA:
        raise UserError(f"a safetensors file cannot hold another tensor called '{tensor.name}'")
    if needed is None:
        raise UserError(f"a safetensors file cannot hold tensor '{tensor.name}', {tensor.type}")
    if tensor.data.length != needed:
        has = f"has {tensor.data.length} bytes, {tensor.type} takes {needed}"
        raise UserError(f"tensor '{tensor.name}' {has}")


@dataclass(frozen=True, slots=True)
class _Reader:
    path: str

    def read(self) -> Safetensors:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                header, version = self.header(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            self.refuse(f"cannot be read: {error.strerror}")
        entries = self.parsed(header)
        metadata = self.metadata(entries.pop(METADATA, {}))
        whole = FileBytes(os.path.abspath(self.path), 8 + len(header), 0, version)
        found = [self.tensor(name, entry, whole) for name, entry in entries.items()]
        found.sort(key=lambda tensor: (tensor.data.offset, tensor.data.length))
        self.check_cover(found, whole.offset, version.size)
        return Safetensors(self.path, {tensor.name: tensor for tensor in found}, metadata)

    def header(self, descriptor: int) -> tuple[bytes, Version]:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            self.refuse("is not a regular file, and tensors are read from it in place")
        length = self.header_length(os.pread(descriptor, 8, 0), status.st_size)
        return os.pread(descriptor, length, 8), Version.of(status)

    def refuse(self, reason: str) -> NoReturn:
        raise UserError(reason).at(self.path)

    def broken(self, reason: str) -> NoReturn:
        self.refuse(f"is not a safetensors file, or is damaged: {reason}")

    def header_length(self, first: bytes, size: int) -> int:
        """The bytes of the header, which the first eight of the file say."""
        length = int.from_bytes(first, "little")
        if len(first) < 8 or length > size - 8:
            announced = f"its header should have {length}" if len(first) == 8 else "that is none"
            self.broken(f"{size} bytes, {announced}")
        if length > MAX_HEADER:
            self.broken(f"a header of {length} bytes, at most {MAX_HEADER} are allowed")
        return length

    def parsed(self, header: bytes) -> dict[str, Any]:
        if not header.startswith(b"{"):
            self.broken("its header does not begin with '{'")
        try:
            entries = json.loads(header.decode(), object_pairs_hook=_once)
        except UnicodeDecodeError:
            self.broken("its header is not UTF-8")
        except (ValueError, RecursionError) as error:
            self.broken(f"its header is not proper JSON: {error}")
        return cast("dict[str, Any]", entries)

    def metadata(self, entry: Any) -> dict[str, str]:
        if not isinstance(entry, dict):
            self.broken(f"{METADATA} is no map of texts")
        told = cast("dict[str, Any]", entry)
        if wrong := [key for key, value in told.items() if not isinstance(value, str)]:
            self.broken(f"{METADATA} has a '{wrong[0]}' that is no text")
        return told

    def tensor(self, name: str, entry: Any, whole: FileBytes) -> TensorRef[FileBytes]:
        told = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
        dtype, shape, ends = (told.get(key) for key in ("dtype", "shape", "data_offsets"))
        if not isinstance(dtype, str) or dtype not in _TYPES:
            known = ", ".join(_TYPES)
            self.broken(f"tensor '{name}' has the dtype {dtype!r:.50}, known are {known}")
        if not _are_sizes(shape) or len(shape) > MAX_RANK:
            self.broken(f"tensor '{name}' has the shape {shape!r:.200}")
        if not _are_sizes(ends) or len(ends) != 2 or ends[0] > ends[1]:
            self.broken(f"tensor '{name}' has the data_offsets {ends!r:.200}")
        mlir = _TYPES[dtype][0]
        length = ends[1] - ends[0]
        found = TensorRef(
            name,
            mlir,
            tuple(shape),
            FileBytes(whole.path, whole.offset + ends[0], length, whole.version),
        )
        if (needed := byte_count(mlir, shape)) != length:
            takes = "does not fill whole bytes" if needed is None else f"takes {needed}"
            self.broken(f"tensor '{name}' has {length} bytes, {found.type} {takes}")
        return found

    def check_cover(self, found: list[TensorRef[FileBytes]], begin: int, size: int) -> None:
        """Refuse holes, overlaps and bytes behind the last tensor."""
        for tensor in found:
            if tensor.data.offset != begin:
                self.broken(
                    f"tensor '{tensor.name}' begins at byte {tensor.data.offset}, the bytes "
                    f"before it end at {begin}"
                )
            begin += tensor.data.length
        if begin != size:
            self.broken(f"its tensors end at byte {begin}, the file at {size}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. ValueError where a key is there twice, or a text is half a character."""
    entries: dict[str, Any] = {}
    for key, value in pairs:
        if key in entries:
            raise ValueError(f"'{key}' is there twice")
        for text in (key, value):
            if isinstance(text, str):
                text.encode()  # UnicodeEncodeError, which is a ValueError
        entries[key] = value
    return entries


def _are_sizes(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        type(size) is int and 0 <= size <= MAX_DIM for size in cast("list[Any]", value)
    )
