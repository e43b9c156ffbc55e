"""An OM file opened to be looked at: every model in it, wherever it is nested."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from compiler.om.bundle import Bundle, read_bundle
from compiler.om.contract import weights_beside
from compiler.om.errors import OMError
from compiler.om.flow import read_flow_submodel
from compiler.om.header import HEADER_SIZE, ModelFileHeader, ModelType, unpack_header
from compiler.om.model_reader import read_model
from compiler.om.offline_model import OfflineModel, SubModel
from compiler.om.partitions import PartitionType
from compiler.om.source import MappedFile, map_file
from compiler.weights import FileBytes


@dataclass(frozen=True, eq=False)
class Part:
    """A complete OM in a file: the file itself, a model of a bundle, or one of a flow.

    `label` tells it from others in the file ("" for the file itself), `data` are its bytes, and
    `start` is where in the file they begin.
    """

    label: str
    data: memoryview
    start: int
    model: OfflineModel | OMError


@dataclass(frozen=True, eq=False)
class OpenedFile:
    """An OM file and the parts in it; `weights` is the folder of its weight files."""

    mapped: MappedFile
    weights: Path
    bundle: Bundle | None
    parts: tuple[Part, ...]

    @property
    def path(self) -> Path:
        """Where the file is."""
        return Path(self.mapped.path)

    @property
    def data(self) -> memoryview:
        """All bytes of the file."""
        return self.mapped.view

    @property
    def header(self) -> ModelFileHeader:
        """The header of the file itself."""
        return unpack_header(self.data)

    @property
    def kind(self) -> str:
        """What the file is, in one word or two."""
        if self.bundle is not None:
            return "bundle"
        if self.header.modeltype == ModelType.FLOW:
            return "flow model"
        return "dynamic model" if self.header.is_dynamic else "static model"

    def tables(self, part: Part) -> list[Table]:
        """The models of a part. OMError where it cannot be read."""
        if isinstance(part.model, OMError):
            raise part.model
        return [Table(self, part, model) for model in part.model.submodels]


class Table(NamedTuple):
    """One model of a part of a file."""

    file: OpenedFile
    part: Part
    model: SubModel

    def file_bytes(self, place: int) -> FileBytes:
        """The body of the partition at a place of the table, where it lies in the file."""
        return self.file.mapped.range(self.model.bodies[place])


def open_om(path: str, weights: str | None = None) -> OpenedFile:
    """Map a file and find its models; of their content nothing is looked at yet.

    Its weight files are in the folder `weights`, or in the one beside it. OMError when there is
    no file, or no container in it. A model inside that cannot be read is a part with its error.
    """
    mapped = map_file(path)
    data = mapped.view
    folder = Path(weights) if weights is not None else weights_beside(Path(path))
    if len(data) < HEADER_SIZE or unpack_header(data).modeltype != ModelType.BUNDLE:
        model = read_model(data, name=path, check=False)
        return OpenedFile(mapped, folder, None, tuple(_parts("", data, 0, model)))
    bundle = read_bundle(data, name=path)
    parts = [
        part
        for index, (inner, start) in enumerate(zip(bundle.slices, bundle.starts, strict=True))
        for part in _nested(f"submodel {index}", inner, start, path)
    ]
    return OpenedFile(mapped, folder, bundle, tuple(parts))


def _nested(label: str, data: memoryview, start: int, name: str) -> Iterator[Part]:
    try:
        model = read_model(data, name=f"{name}: {label}", check=False)
    except OMError as error:
        yield Part(label, data, start, error)
        return
    yield from _parts(label, data, start, model)


def _parts(label: str, data: memoryview, start: int, model: OfflineModel) -> Iterator[Part]:
    """The part itself, then those of a flow."""
    yield Part(label, data, start, model)
    above = f"{label}: " if label else ""
    for place, (body, at) in enumerate(_flow_submodels(model.root)):
        try:
            inner = read_flow_submodel(body, model.source)
        except OMError as error:
            yield Part(f"{above}flow submodel {place}", body, start + at, error)
            continue
        if inner.om:
            named = f"{above}flow submodel {place} {inner.name!r}"
            yield from _nested(named, inner.om, start + at + inner.start, model.source)


def _flow_submodels(table: SubModel) -> Iterator[tuple[memoryview, int]]:
    """The bytes of each model of a flow, and where they begin."""
    for entry, body, at in zip(table.table, table.bodies, table.starts, strict=True):
        if entry.type == PartitionType.FLOW_SUBMODEL:
            yield body, at


def add_weight_dir(parser: argparse.ArgumentParser) -> None:
    """The option that says where weight files are, as a program that loads a model may."""
    parser.add_argument(
        "--weight-dir", metavar="FOLDER", help="where weight files are, if not beside the model"
    )
