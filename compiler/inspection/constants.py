"""The constants of a model: what each one is, and where its bytes lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Literal, NamedTuple

from compiler.inspection.opened import Table
from compiler.om.constants import CONST_TYPES, FILE_CONSTANT, extent_of
from compiler.om.contract import FILE_ID_NAME, LOCATION_NAME, SAMPLE_NAME
from compiler.om.dtypes import BY_PROTO, proto_name
from compiler.om.errors import OMError
from compiler.om.external import digest_of, place_of, text_of, without_digest
from compiler.om.ge_ir_pb2 import OpDef, TensorDescriptor
from compiler.om.offline_model import NOTHING
from compiler.om.partitions import PartitionType, TableEntry
from compiler.weights import FileBytes, Inline, Unreadable, Weight

Place = Literal["inside", "inline", "external", "by id", "nowhere"]
"""In the weight partition, in the operator itself, in another file, handed over by the program
under an id, or not said."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of a graph; `weight` reads its bytes, `length` is how many the model says.

    `expected` are the bytes of a tensor of its type and shape, None where the type has no fixed
    size. `file` is another file than the model's, for an external one; `digest` the hash that the
    model has of the bytes, `sample` that of a few of them.
    """

    name: str
    op_type: str
    graph: str
    dtype: str
    shape: tuple[int, ...]
    expected: int | None
    place: Place
    offset: int
    length: int
    weight: Weight
    file: Path | None
    digest: str
    sample: str

    @property
    def base_name(self) -> str:
        """The name without the hash that an external constant has behind it."""
        return without_digest(self.name, self.digest)


class _Where(NamedTuple):
    place: Place
    offset: int
    length: int
    weight: Weight
    file: Path | None = None


def constants(table: Table) -> Iterator[Constant]:
    """The constants of a model. OMError where MODEL_DEF cannot be parsed."""
    reader = _Reader(table)
    for graph in table.model.model_def.graph:
        for op in graph.op:
            if (found := reader.read(op, graph.name)) is not None:
                yield found


class _Reader:
    def __init__(self, table: Table):
        self.file = table.file
        places = [place for place, entry in enumerate(table.model.table) if _has_weights(entry)]
        self.weights = table.file_bytes(places[0]) if places else table.file.mapped.range(NOTHING)

    def read(self, op: OpDef, graph: str) -> Constant | None:
        if op.type == FILE_CONSTANT or (op.type in CONST_TYPES and LOCATION_NAME in op.attr):
            return self._external(op, graph)
        if op.type in CONST_TYPES and "value" in op.attr:
            return self._inside(op, graph)
        return None

    def _inside(self, op: OpDef, graph: str) -> Constant:
        tensor = op.attr["value"].t
        offset, length = tensor.desc.data_offset, tensor.desc.weight_size
        if tensor.data or not length:
            where = _Where("inline", 0, len(tensor.data), Inline(tensor.data))
        else:
            where = _Where("inside", offset, length, self._stored(op, length))
        return _constant(op, graph, tensor.desc, where)

    def _stored(self, op: OpDef, length: int) -> Weight:
        """The bytes in the weight partition; ones that nobody can read where it lacks them."""
        try:
            start, length = extent_of(op, self.weights.length, str(self.file.path))
        except OMError as error:
            return Unreadable(max(length, 0), str(error))
        return replace(self.weights, offset=self.weights.offset + start, length=length)

    def _external(self, op: OpDef, graph: str) -> Constant:
        desc = op.output_desc[0] if op.output_desc else TensorDescriptor()
        try:
            found = place_of(op, self.file.weights)
        except OMError as error:
            broken = Unreadable(0, f"{self.file.path}: {error}")
            return _constant(op, graph, desc, _Where("nowhere", 0, 0, broken))
        if found is None:
            given: Place = "by id" if text_of(op.attr, FILE_ID_NAME) else "nowhere"
            return _constant(op, graph, desc, _Where(given, 0, 0, Inline(b"")))
        path, offset = found.path, found.offset
        length = found.length or _tensor_bytes(desc) or 0  # GraphEngine takes it from the tensor
        weight = FileBytes(str(path), max(offset, 0), max(length, 0))
        return _constant(op, graph, desc, _Where("external", offset, length, weight, path))


def _has_weights(entry: TableEntry) -> bool:
    return entry.type == PartitionType.WEIGHTS_DATA


def _constant(op: OpDef, graph: str, desc: TensorDescriptor, where: _Where) -> Constant:
    dtype = proto_name(desc.dtype)
    told = (digest_of(op), text_of(op.attr, SAMPLE_NAME))
    shape, expected = tuple(desc.shape.dim), _tensor_bytes(desc)
    return Constant(op.name, op.type, graph, dtype, shape, expected, *where, *told)


def _tensor_bytes(desc: TensorDescriptor) -> int | None:
    if desc.dtype not in BY_PROTO or any(dim < 0 for dim in desc.shape.dim):
        return None
    return BY_PROTO[desc.dtype].nbytes(prod(desc.shape.dim))
