"""Cuts the weights out of a serialised ONNX model and notes where in the file they lie.

Message and field numbers are those of onnx.proto; the wire format is protobuf's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from mmap import MADV_DONTNEED, mmap
from typing import NamedTuple, TypeAlias

from compiler.om.encode import encode_varint

Buffer: TypeAlias = bytes | mmap

SMALL = 1024
"""Integers of at most so many bytes stay in the model: shape inference needs their values."""

SCALARS = 64
"""Floats of at most so many bytes stay in the model; longer initializers are weights."""

DEPTH_LIMIT = 100
"""How deep messages may nest, as in protobuf's own parsers."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

TENSOR = "TensorProto"
TRAINING_INFO = "TrainingInfoProto"

CHILDREN: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: TRAINING_INFO, 25: "FunctionProto"},
    "GraphProto": {1: "NodeProto", 5: TENSOR, 15: "SparseTensorProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: TENSOR,
        6: "GraphProto",
        10: TENSOR,
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: TENSOR, 2: TENSOR},
    TRAINING_INFO: {1: "GraphProto", 2: "GraphProto"},
}
"""The fields of each message in which tensors can be."""

DATA_TYPE, FLOAT_DATA, RAW_DATA, DOUBLE_DATA, EXTERNAL_DATA, DATA_LOCATION = 2, 4, 9, 10, 13, 14
FLOATS = {1, 10, 11, 16}
"""Data types float, float16, double and bfloat16."""
RAW_ON_THE_WIRE = {1: FLOAT_DATA, 14: FLOAT_DATA, 11: DOUBLE_DATA, 15: DOUBLE_DATA}
"""Data types (float, complex64, double, complex128) whose packed field is raw data."""


class MalformedError(ValueError):
    """The bytes are not a serialised protobuf message."""


class Span(NamedTuple):
    """Bytes of the scanned file."""

    offset: int
    length: int


class Field(NamedTuple):
    """A field of a message: where its tag, its value and its end are."""

    number: int
    wire: int
    tag: int
    begin: int
    end: int


def read_varint(data: Buffer, at: int, end: int) -> tuple[int, int]:
    """The number at `at` and where it ends. MalformedError when it is cut off or too long."""
    if at < end and data[at] < 0x80:  # mostly
        return data[at], at + 1
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise MalformedError(f"a number is cut off at byte {at}")


def _message(number: int, content: bytes) -> bytes:
    return encode_varint(number << 3 | BYTES) + encode_varint(len(content)) + content


def fields(data: Buffer, start: int, end: int) -> Iterator[Field]:
    """The fields of the message in data[start:end]. MalformedError where it ends too early."""
    at = start
    while at < end:
        tag = at
        key, at = read_varint(data, at, end)
        number, wire = key >> 3, key & 7
        begin = at
        if wire == BYTES:
            length, begin = read_varint(data, at, end)
            at = begin + length
        elif wire == VARINT:
            _, at = read_varint(data, at, end)
        elif wire in (FIXED64, FIXED32):
            at += 8 if wire == FIXED64 else 4
        if number == 0 or wire not in (VARINT, FIXED64, BYTES, FIXED32):
            raise MalformedError(f"there is no protobuf field at byte {tag}")
        if at > end:
            raise MalformedError(f"it ends {at - end} bytes too early, in the field at byte {tag}")
        yield Field(number, wire, tag, begin, at)


@dataclass
class Scanner:
    """Rewrites a model without its weights.

    A weight that is cut out leaves an `external_data` entry whose key is `mark` and whose value
    is an index into `spans`. Nobody can write such a mark who does not know it. What is for
    training goes too, unless it is to be kept: an offline model only infers.
    """

    data: Buffer
    mark: str
    keep_training: bool = False
    spans: list[Span] = field(default_factory=list[Span])

    def model(self) -> bytes:
        """The slim model. MalformedError when the data is not a protobuf message."""
        size = len(self.data)
        slim = self._slim("ModelProto", 0, size, 0)
        return self.data[:size] if slim is None else slim

    def _slim(self, kind: str, start: int, end: int, depth: int) -> bytes | None:
        """The message without weights, None when there is nothing to cut."""
        if depth > DEPTH_LIMIT:
            raise MalformedError(f"messages are nested more than {DEPTH_LIMIT} deep")
        children = CHILDREN[kind]
        chunks: list[bytes] = []
        kept = start
        for found in fields(self.data, start, end):
            child = children.get(found.number)
            least = SCALARS if child == TENSOR else SMALL
            if child is None or found.wire != BYTES or found.end - found.begin <= least:
                continue
            slim = self._child(child, found.begin, found.end, depth + 1)
            if slim is not None:
                chunks += [self.data[kept : found.tag], _message(found.number, slim)]
                kept = found.end
        return b"".join([*chunks, self.data[kept:end]]) if chunks else None

    def _child(self, kind: str, start: int, end: int, depth: int) -> bytes | None:
        if kind == TENSOR:
            return self._tensor(start, end)
        if kind == TRAINING_INFO and not self.keep_training:
            return b""
        return self._slim(kind, start, end, depth)

    def _tensor(self, start: int, end: int) -> bytes | None:
        found = list(fields(self.data, start, end))
        numbers = {
            f.number: read_varint(self.data, f.begin, f.end)[0] for f in found if f.wire == VARINT
        }
        payload = _payload(found, numbers)
        least = SCALARS if numbers.get(DATA_TYPE) in FLOATS else SMALL
        if payload is None or payload.end - payload.begin <= least:
            return None
        cut = {payload.number, EXTERNAL_DATA, DATA_LOCATION}
        rest = [self.data[f.tag : f.end] for f in found if f.number not in cut]
        entry = _message(1, self.mark.encode()) + _message(2, str(len(self.spans)).encode())
        if isinstance(self.data, mmap):
            self.data.madvise(MADV_DONTNEED)  # a touched page drags megabytes of weights in
        self.spans.append(Span(payload.begin, payload.end - payload.begin))
        location = bytes([DATA_LOCATION << 3, 1])
        return b"".join([*rest, _message(EXTERNAL_DATA, entry), location])


def _payload(found: list[Field], numbers: dict[int, int]) -> Field | None:
    """The one field that holds the tensor's bytes as they are, if there is such a field."""
    if numbers.get(DATA_LOCATION) == 1:
        return None
    raw = [f for f in found if f.number == RAW_DATA and f.wire == BYTES]
    if raw:
        return raw[-1]  # of a repeated singular field protobuf takes the last
    typed = [f for f in found if f.number == RAW_ON_THE_WIRE.get(numbers.get(DATA_TYPE, 0))]
    return typed[0] if len(typed) == 1 and typed[0].wire == BYTES else None
