"""Brings the external weights of FileConstant nodes into variable memory when a model loads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import BufferedReader
from itertools import groupby
from pathlib import Path

import numpy as np

from compiler.digests import sample_sha256
from compiler.om.contract import (
    LENGTH_NAME,
    LOCATION_NAME,
    OFFSET_NAME,
    REFERENCE_NAME,
    SAMPLE_NAME,
    WEIGHT_PADDING,
    referenced_file,
)
from compiler.om.ge_ir_pb2 import ModelDef, OpDef
from runtime.errors import AclError, Code
from runtime.executor.memory import AddressSpace
from runtime.executor.operators import attribute, tensor_desc
from runtime.executor.variables import variable_address
from runtime.operator_engine import Array


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of one node in its weight file, and the tensor they are for."""

    node: str
    path: Path
    offset: int
    tensor: Array
    sample: str | None = None
    """The digest of a sample, where the file lies where it did when the model was compiled."""

    @property
    def end(self) -> int:
        """Where the bytes end in the file."""
        return self.offset + self.tensor.nbytes


def load_weight_files(
    model: ModelDef, space: AddressSpace, folder: Path | None, *, faithful: bool
) -> set[int]:
    """Reads every external weight; the addresses that hold a value now.

    `folder` is where the weight files lie; without one they are looked for in the current
    directory. AclError 500002 for a file that is missing, too short or too long; `faithful` leaves
    it at what GraphEngine notices: a missing file.
    """
    ops = [op for graph in model.graph for op in graph.op if op.type == "FileConstant"]
    parts = sorted((_part(op, space, folder) for op in ops), key=lambda part: str(part.path))
    for path, users in groupby(parts, key=lambda part: part.path):
        _load_file(path, list(users), faithful)
    return {variable_address(op) for op in ops}


def _part(op: OpDef, space: AddressSpace, folder: Path | None) -> Part:
    location = attribute(op, LOCATION_NAME)
    named = location or attribute(op, "file_path")
    if not named:
        raise _failure(f"node '{op.name}' (FileConstant) names no file: location is missing")
    # Only the last component counts: a location cannot lead out of the folder.
    path = (folder or Path()) / Path(named).name
    sample = attribute(op, SAMPLE_NAME)
    if reference := attribute(op, REFERENCE_NAME):
        path = referenced_file(reference, folder or Path())
        # Without a digest any file that one may read would do; a pipe would be waited for.
        if sample is None or not path.is_file():
            raise _failure(f"weight file {path}, needed by node '{op.name}': no such file")
    desc = tensor_desc(op.output_desc[0], op.name)
    length = attribute(op, LENGTH_NAME) if location else None
    if length and length != desc.size:
        raise _failure(
            f"node '{op.name}' (FileConstant): length {length} does not fit a tensor of "
            f"{desc.size} bytes"
        )
    offset = (attribute(op, OFFSET_NAME) or 0) if location else 0
    tensor = space.tensor(variable_address(op), desc, f"node '{op.name}' (FileConstant)")
    return Part(op.name, path, offset, tensor, sample)


def _load_file(path: Path, parts: list[Part], faithful: bool) -> None:
    try:
        with path.open("rb") as file:
            for part in parts:
                _read(file, part, faithful)
            if not faithful and parts[0].sample is None:
                _check_end(file, path, parts)
    except OSError as error:
        needed = f"needed by node '{parts[0].node}'"
        raise _failure(f"weight file {path}, {needed}: {error.strerror}") from None


def _read(file: BufferedReader, part: Part, faithful: bool) -> None:
    file.seek(part.offset)
    data = part.tensor.reshape(-1).view(np.uint8).data
    count = file.readinto(data)
    if count != part.tensor.nbytes and not faithful:
        raise _failure(
            f"weight file {part.path} is too short: node '{part.node}' needs "
            f"{part.tensor.nbytes} bytes at {part.offset}, {count} are there"
        )
    if part.sample is not None and sample_sha256(data) != part.sample:
        raise _failure(
            f"weight file {part.path} is not what it was when the model was compiled: node "
            f"'{part.node}' finds other bytes at {part.offset}; compile again"
        )


def _check_end(file: BufferedReader, path: Path, parts: Iterable[Part]) -> None:
    last = max(parts, key=lambda part: part.end)
    file.seek(last.end)
    behind = file.read(WEIGHT_PADDING)
    size = last.end + len(behind)
    is_padding = len(behind) < WEIGHT_PADDING and size % WEIGHT_PADDING == 0 and not any(behind)
    if behind and not is_padding:
        raise _failure(
            f"weight file {path} must end with its last weight, of node '{last.node}', at byte "
            f"{last.end}, or be padded with zeros to a multiple of {WEIGHT_PADDING} bytes"
        )


def _failure(message: str) -> AclError:
    return AclError(Code.GE_FAILURE, message)
