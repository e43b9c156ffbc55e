"""Puts the weights back into a slim model as it is written: the inverse of the scanner."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field

from onnx import TensorProto

from compiler.frontends.onnx.payloads import Payloads
from compiler.frontends.onnx.scan import BYTES, CHILDREN, RAW_DATA, TENSOR, fields
from compiler.om.buffers import Blob, Held, Joined
from compiler.om.encode import encode_varint


def filled(slim: bytes, payloads: Payloads) -> Blob:
    """The serialised model `slim` with the bytes of each marked tensor as its raw data."""
    return _Filler(slim, payloads).message("ModelProto", 0, len(slim))


@dataclass
class _Filler:
    data: bytes
    payloads: Payloads
    marks: list[int] = field(init=False)

    def __post_init__(self) -> None:
        mark = re.escape(self.payloads.mark.encode())
        self.marks = [found.start() for found in re.finditer(mark, self.data)]

    def message(self, kind: str, start: int, end: int) -> Joined:
        """A message in which marked tensors are."""
        if kind == TENSOR:
            return self._tensor(start, end)
        parts: list[Blob] = []
        kept = start
        for found in fields(self.data, start, end):
            child = CHILDREN[kind].get(found.number)
            if child and found.wire == BYTES and self._is_marked(found.begin, found.end):
                inner = self.message(child, found.begin, found.end)
                head = _header(found.number, inner.length)
                parts += [Held(self.data[kept : found.tag] + head), *inner.parts]
                kept = found.end
        return Joined([*parts, Held(self.data[kept:end])])

    def _is_marked(self, start: int, end: int) -> bool:
        first = bisect_left(self.marks, start)
        return first < len(self.marks) and self.marks[first] < end

    def _tensor(self, start: int, end: int) -> Joined:
        tensor = TensorProto.FromString(self.data[start:end])
        weight = self.payloads.of(tensor)
        assert weight is not None, "a marked tensor has its bytes somewhere"
        del tensor.external_data[:]
        tensor.ClearField("data_location")
        return Joined([Held(tensor.SerializeToString() + _header(RAW_DATA, weight.length)), weight])


def _header(number: int, length: int) -> bytes:
    return encode_varint(number << 3 | BYTES) + encode_varint(length)
