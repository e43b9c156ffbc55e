"""Bundles: several OM models in one file that share variables."""

import struct
from dataclasses import dataclass
from functools import cached_property

from compiler.om.errors import OMError, Status
from compiler.om.header import HEADER_SIZE, MAGIC, ModelFileHeader, ModelType, unpack_header
from compiler.om.model_reader import read_model
from compiler.om.offline_model import OfflineModel
from compiler.om.partitions import NORMAL, PartitionType, unpack_count, unpack_entries
from compiler.om.source import Source, map_source

VAR_SIZE = struct.Struct("<Q")


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle's parts: `var_size` bytes of device memory for variables, and the models.

    `slices` are the complete OM files inside, as views of the bundle, and `starts` says where in
    it each begins.
    """

    source: str
    header: ModelFileHeader
    var_size: int
    slices: tuple[memoryview, ...]
    starts: tuple[int, ...]

    @cached_property
    def models(self) -> tuple[OfflineModel, ...]:
        """All submodels, read at the first access; OMError for the first that does not load."""
        return tuple(self.model(index) for index in range(len(self.slices)))

    def model(self, index: int) -> OfflineModel:
        """Reads one submodel; OMError when there is none of that index or it does not load."""
        if not 0 <= index < len(self.slices):
            have = f"the bundle has {len(self.slices)} submodels"
            raise OMError(Status.INVALID_PARAM, f"{self.source}: no submodel {index}, {have}")
        return read_model(self.slices[index], name=f"{self.source}: submodel {index}")


def read_bundle(source: Source, *, name: str | None = None) -> Bundle:
    """Reads a bundle's table, as `aclmdlBundleInitFromFile` does; OMError when it is broken.

    Stored offsets, the header's lengths and counts, unknown partition types and trailing bytes
    are not looked at, as in ACL. Files without a variable partition have a `var_size` of 0.
    """
    data, name = map_source(source, name)
    if len(data) < HEADER_SIZE + NORMAL.head.size:
        raise _invalid(name, f"{len(data)} bytes, too short for a bundle")
    header = unpack_header(data)
    if header.modeltype != ModelType.BUNDLE:
        raise _invalid(name, _other_kind(header))
    var_size = 0
    slices: list[memoryview] = []
    starts: list[int] = []
    for type_, start, end in _walk(data, name):
        if type_ == PartitionType.BUNDLE_MODEL_VAR_INFO:
            var_size = _read_var_size(data[start:], name)
        elif type_ == PartitionType.BUNDLE_MODEL_INFO:
            slices.append(data[start:end])
            starts.append(start)
    return Bundle(name, header, var_size, tuple(slices), tuple(starts))


def _other_kind(header: ModelFileHeader) -> str:
    """What a file is that is no bundle."""
    if header.magic != MAGIC:
        return "not an offline model, nor a bundle of them"
    return "a single model, a bundle is needed: compile it with refresh=… for weights to exchange"


def _walk(data: memoryview, name: str) -> list[tuple[int, int, int]]:
    """Type, start and end of each partition; the ends follow from the sizes alone."""
    count = unpack_count(data, HEADER_SIZE)
    end = HEADER_SIZE + NORMAL.size(count)
    if end > len(data):
        raise _invalid(name, f"a table of {count} entries ends at byte {end} of {len(data)}")
    parts: list[tuple[int, int, int]] = []
    for entry in unpack_entries(data, HEADER_SIZE, count):
        start, end = end, end + entry.size
        if end > len(data):
            raise _invalid(name, f"entry {len(parts)} ends at byte {end} of {len(data)}")
        parts.append((entry.type, start, end))
    return parts


def _read_var_size(data: memoryview, name: str) -> int:
    # ACL reads eight bytes whatever the entry's size is; they must at least be in the file.
    if len(data) < VAR_SIZE.size:
        raise _invalid(name, "the file ends inside the size of the variables")
    return VAR_SIZE.unpack_from(data)[0]


def _invalid(name: str, what: str) -> OMError:
    return OMError(Status.INVALID_PARAM, f"{name}: {what}")
