"""Writes a model and its external data: all files whole, or none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from onnx import ModelProto, TensorProto

from compiler.errors import UserError
from compiler.frontends.onnx.external_data import ExternalData, checked_location
from compiler.frontends.onnx.externalize import (
    BESIDE,
    convert_model_to_external_data,
    location_of,
    not_loaded,
)
from compiler.frontends.onnx.fill import filled
from compiler.frontends.onnx.payloads import Payloads, has_values
from compiler.frontends.onnx.slim import SlimModel, place_of, unresolved
from compiler.frontends.onnx.tensors import type_of
from compiler.frontends.onnx.walk import tensors_of
from compiler.om.buffers import Blob, Joined, Zeros
from compiler.om.files import write_files
from compiler.planning.placement import align
from compiler.weights import Weight
from dialects.onnx.attributes import byte_count

ALIGNMENT = 4096
"""Where tensors begin in a file that they share: ONNX asks for multiples of the page size."""

MAX_MODEL_BYTES = 2**31 - 1
"""What protobuf reads as one message."""


def save_model(
    model: SlimModel,
    path: str | os.PathLike[str],
    *,
    save_as_external_data: bool = False,
    all_tensors_to_one_file: bool = True,
    location: str | None = None,
    size_threshold: int = 1024,
    convert_attribute: bool = False,
    overwrite: bool = False,
) -> None:
    """Write the model to `path`, and beside it the tensors that shall be external.

    With `save_as_external_data` the model is converted first, as `convert_model_to_external_data`
    does with the options of the same names; `model` itself does not change. Weights are copied
    from file to file in chunks. All files are written under other names before the first takes
    its place, the model last; without `overwrite` none may exist yet. Folders of a location must
    exist.

    Large float tensors in typed fields (`float_data`) become raw data, which means the same.

    UserError when a file exists or cannot be written, when a weight's file changed since the
    model was read, and when a model without external data would have more than 2 GiB. External
    data that nobody has looked for stays as it is, which is only allowed in the folder the model
    came from. No `checksum` is written: ATC's own ONNX parser does not take one.
    """
    target = Path(path)
    if target.is_dir():
        raise UserError(f"{target} is a folder: name a file in it")
    if not target.parent.is_dir():
        raise UserError(f"{target} cannot be written: its folder does not exist")
    copy = _copy(model)
    if save_as_external_data:
        convert_model_to_external_data(
            copy, all_tensors_to_one_file, location, size_threshold, convert_attribute
        )
    _check_values(copy)
    kept = _check_kept(copy, target)
    data = _lay_out(copy, target)
    blob = filled(copy.proto.SerializeToString(), copy.payloads)
    if blob.length > MAX_MODEL_BYTES:
        raise UserError(
            f"{target} would have {blob.length} bytes, protobuf reads at most {MAX_MODEL_BYTES}:"
            " save it with save_as_external_data=True"
        )
    files = [*data, (target, blob)]
    _check_free([file for file, _ in files], kept, overwrite)
    write_files(files, base=target.parent, overwrite=overwrite)


def _copy(model: SlimModel) -> SlimModel:
    proto = ModelProto()
    proto.CopyFrom(model.proto)
    return SlimModel(
        proto, model.folder, Payloads(list(model.payloads.places), model.payloads.mark)
    )


def _check_values(model: SlimModel) -> None:
    """UserError for a tensor whose values are given twice or do not fill it."""
    for tensor in tensors_of(model.proto):
        weight = model.payloads.of(tensor)
        if weight is not None and has_values(tensor):
            raise UserError(
                f"tensor '{tensor.name}' has got values besides those in a file: replace the"
                " whole tensor, or clear its external_data and data_location"
            )
        if weight is not None and weight.length != byte_count(type_of(tensor)):
            needed = byte_count(type_of(tensor))
            raise UserError(
                f"tensor '{tensor.name}' has {weight.length} bytes, its type and shape"
                f" take {needed}"
            )


def _check_kept(model: SlimModel, target: Path) -> set[Path]:
    """The files that tensors nobody has looked for are in."""
    store = ExternalData(str(target.parent))
    kept: set[Path] = set()
    for tensor in unresolved(model):
        if not os.path.samefile(model.folder or ".", target.parent):
            raise not_loaded(tensor)
        kept.add(Path(place_of(tensor, store).path))
    return kept


def _check_free(targets: Sequence[Path], kept: set[Path], overwrite: bool) -> None:
    """UserError where a file is in the way, before time is spent on copying weights."""
    names = [str(file).casefold() for file in targets]  # some file systems ignore the case
    for name, file in zip(names, targets, strict=True):
        if names.count(name) > 1:
            raise UserError(f"{file} cannot be both the model and its external data")
        if file in kept:
            raise UserError(f"{file} cannot be replaced: tensors nobody has looked for are in it")
        if not overwrite and os.path.lexists(file):
            raise UserError(f"{file} exists already: overwrite=True replaces it")


@dataclass
class _DataFile:
    """A file of external data as it grows."""

    parts: list[Blob] = field(default_factory=list[Blob])
    end: int = 0
    offsets: dict[Weight, int] = field(default_factory=dict[Weight, int])

    def add(self, weight: Weight) -> int:
        """Where a weight lies in the file; two tensors that share their bytes still do."""
        if weight not in self.offsets:
            offset = align(self.end, ALIGNMENT)
            self.parts += [Zeros(offset - self.end), weight]
            self.offsets[weight] = offset
            self.end = offset + weight.length
        return self.offsets[weight]


def _lay_out(model: SlimModel, target: Path) -> list[tuple[Path, Blob]]:
    """The files of external data; every tensor in them says where it is."""
    files: dict[str, _DataFile] = {}
    for tensor in tensors_of(model.proto):
        weight, location = model.payloads.of(tensor), location_of(tensor)
        if weight is None or location is None:
            continue
        location = f"{target.name}.data" if location == BESIDE else checked_location(location)
        _place(tensor, location, files.setdefault(location, _DataFile()).add(weight), weight.length)
    folder = target.parent
    return [(folder / PurePosixPath(name), Joined(file.parts)) for name, file in files.items()]


def _place(tensor: TensorProto, location: str, offset: int, length: int) -> None:
    del tensor.external_data[:]
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
    tensor.data_location = TensorProto.EXTERNAL
