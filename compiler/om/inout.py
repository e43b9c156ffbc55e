"""MODEL_INOUT_INFO: the inputs, outputs and gears of a model, as tag-length-value records."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from compiler.om.errors import OMError, Status

TAG_HEAD = struct.Struct("<II")  # tag, payload bytes
COUNT = struct.Struct("<I")
# size, format, C++ dtype, then the bytes of name, dims, dims_v2 and shape ranges
TENSOR_HEAD = struct.Struct("<QiiIIII")


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One input or output.

    `size` is in bytes (0: unknown), `dtype` the C++ number. `dims_v2` differs from `dims` only
    for an input with static AIPP; `shape_ranges` are (low, high) pairs of a dynamic shape.
    """

    name: str
    size: int
    format: int
    dtype: int
    dims: tuple[int, ...]
    dims_v2: tuple[int, ...]
    shape_ranges: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class InOutInfo:
    """The fields in the order they are written, each under its index as tag when not empty."""

    inputs: tuple[TensorInfo, ...] = ()
    outputs: tuple[TensorInfo, ...] = ()
    dynamic_batch: tuple[int, ...] = ()
    dynamic_hw: tuple[tuple[int, ...], ...] = ()
    dynamic_dims: tuple[tuple[int, ...], ...] = ()
    dynamic_output_shape: tuple[str, ...] = ()
    data_order: tuple[str, ...] = ()


class _Cursor:
    """Reads a payload from front to back and never past its end."""

    def __init__(self, data: memoryview, source: str) -> None:
        self.rest = data
        self.source = source

    def take(self, size: int) -> memoryview:
        if size > len(self.rest):
            more = f"{size} bytes where {len(self.rest)} are left"
            raise _broken(self.source, f"a field of {more}")
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        return layout.unpack(self.take(layout.size))

    def numbers(self, count: int, code: str) -> tuple[int, ...]:
        return struct.unpack(f"<{count}{code}", self.take(count * struct.calcsize(f"<{code}")))

    def text(self, size: int) -> str:
        return bytes(self.take(size)).decode("utf-8", "surrogateescape")


def _broken(source: str, what: str) -> OMError:
    """The error GraphEngine reports when the summary of inputs and outputs does not parse."""
    return OMError(Status.PARAM_INVALID, f"{source}: MODEL_INOUT_INFO is broken: {what}")


def encode_inout(info: InOutInfo) -> bytes:
    """The partition of `info`; empty when every list is. OMError for a number too large for it."""
    records: list[bytes] = []
    for tag, (field, encode, _) in enumerate(FIELDS):
        values = getattr(info, field)
        if values:
            payload = COUNT.pack(len(values)) + encode(values)
            records.append(TAG_HEAD.pack(tag, len(payload)) + payload)
    return b"".join(records)


def decode_inout(data: memoryview, source: str) -> InOutInfo:
    """The partition's fields; OMError when a length reaches outside or a tag is unknown."""
    found: dict[str, list[Any]] = {}
    cursor = _Cursor(data, source)
    while cursor.rest:
        tag, size = cursor.unpack(TAG_HEAD)
        if tag >= len(FIELDS):
            raise _broken(source, f"tag {tag}, expected 0 to {len(FIELDS) - 1}")
        field, _, decode = FIELDS[tag]
        payload = _Cursor(cursor.take(size), source)
        (count,) = payload.unpack(COUNT)
        found.setdefault(field, []).extend(decode(payload, count))
    return InOutInfo(**{field: tuple(values) for field, values in found.items()})


def _encode_tensors(tensors: Sequence[TensorInfo]) -> bytes:
    return b"".join(_encode_tensor(tensor) for tensor in tensors)


def _encode_tensor(tensor: TensorInfo) -> bytes:
    ends = [end for pair in tensor.shape_ranges for end in pair]
    parts = [tensor.name.encode("utf-8", "surrogateescape")]
    try:
        parts += [struct.pack(f"<{len(v)}q", *v) for v in (tensor.dims, tensor.dims_v2, ends)]
        head = TENSOR_HEAD.pack(tensor.size, tensor.format, tensor.dtype, *map(len, parts))
    except struct.error:
        what = f"'{tensor.name}' of {tensor.size} bytes and dims {list(tensor.dims)}"
        raise OMError(Status.PARAM_INVALID, f"{what} is too large for an offline model") from None
    return head + b"".join(parts)


def _decode_tensors(cursor: _Cursor, count: int) -> tuple[TensorInfo, ...]:
    return tuple(_decode_tensor(cursor) for _ in range(count))


def _decode_tensor(cursor: _Cursor) -> TensorInfo:
    size, format_, dtype, name_size, *sizes = cursor.unpack(TENSOR_HEAD)
    name = cursor.text(name_size)
    if any(size % 8 for size in sizes) or sizes[2] % 16:
        lengths = ", ".join(map(str, sizes))
        raise _broken(cursor.source, f"{name!r} has dims and ranges of {lengths} bytes")
    dims, dims_v2, ends = (cursor.numbers(size // 8, "q") for size in sizes)
    ranges = tuple(zip(ends[::2], ends[1::2], strict=True))
    return TensorInfo(name, size, format_, dtype, dims, dims_v2, ranges)


def _encode_numbers(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def _decode_numbers(cursor: _Cursor, count: int) -> tuple[int, ...]:
    return cursor.numbers(count, "Q")


def _encode_rows(rows: Sequence[Sequence[int]]) -> bytes:
    sizes = struct.pack(f"<{len(rows)}I", *map(len, rows))
    return sizes + b"".join(map(_encode_numbers, rows))


def _decode_rows(cursor: _Cursor, count: int) -> tuple[tuple[int, ...], ...]:
    return tuple(cursor.numbers(size, "Q") for size in cursor.numbers(count, "I"))


def _encode_texts(texts: Sequence[str]) -> bytes:
    encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
    return struct.pack(f"<{len(texts)}I", *map(len, encoded)) + b"".join(encoded)


def _decode_texts(cursor: _Cursor, count: int) -> tuple[str, ...]:
    return tuple(cursor.text(size) for size in cursor.numbers(count, "I"))


# The tag is the position.
FIELDS: tuple[tuple[str, Callable[[Any], bytes], Callable[[_Cursor, int], Any]], ...] = (
    ("inputs", _encode_tensors, _decode_tensors),
    ("outputs", _encode_tensors, _decode_tensors),
    ("dynamic_batch", _encode_numbers, _decode_numbers),
    ("dynamic_hw", _encode_rows, _decode_rows),
    ("dynamic_dims", _encode_rows, _decode_rows),
    ("dynamic_output_shape", _encode_texts, _decode_texts),
    ("data_order", _encode_texts, _decode_texts),
)
