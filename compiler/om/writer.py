"""Lays out OM files and bundles, byte for byte as GraphEngine lays them out."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from compiler.om.buffers import Blob, Held, Joined, joined_bytes
from compiler.om.encode import encode_message
from compiler.om.errors import OMError, Status
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.header import (
    HEADER_SIZE,
    NAME_BYTES,
    PLATFORM_VERSION_BYTES,
    ModelFileHeader,
    bundle_header,
)
from compiler.om.inout import InOutInfo, encode_inout
from compiler.om.kernels import Kernel, encode_kernels
from compiler.om.partitions import NORMAL, TINY, PartitionType, pack_table, partition_name
from compiler.om.task_pb2 import ModelTaskDef

OM_PROTO_VERSION = 2
PLATFORM_MINI = 1

MAX_MESSAGE = 0x7FFFFFFF
MAX_PARTITION = 0xFFFFFFFF
UNLIMITED = {
    PartitionType.WEIGHTS_DATA,
    PartitionType.TBE_KERNELS,
    PartitionType.CUST_AICPU_KERNELS,
}
MESSAGES = {PartitionType.MODEL_DEF, PartitionType.TASK_INFO}


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition to write; `type` is a `PartitionType`, or any number to keep."""

    type: int
    body: Blob


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledModel:
    """All that goes into an OM file with one model.

    `model_def` and `task_def` are written as they are: sizes and names they repeat (such as
    `contract.LISTED_NAME`, `weight_size`) are the caller's. `is_unknown`: shapes are dynamic.
    """

    name: str
    model_def: ModelDef
    task_def: ModelTaskDef
    weights: Blob | None = None
    tbe_kernels: Sequence[Kernel] = ()
    cust_aicpu_kernels: Sequence[Kernel] = ()
    inout: InOutInfo = field(default_factory=InOutInfo)
    om_ir_version: int = OM_PROTO_VERSION
    platform_version: str = ""
    platform_type: int = PLATFORM_MINI
    is_unknown: bool = False


def pack_om(model: CompiledModel) -> bytes:
    """A whole OM file in memory; OMError when the model cannot be one."""
    return joined_bytes(lay_out_model(model).chunks())


def pack_bundle(var_size: int, models: Sequence[Blob]) -> bytes:
    """A whole bundle in memory."""
    return joined_bytes(lay_out_bundle(var_size, models).chunks())


def lay_out_model(model: CompiledModel) -> Blob:
    """An OM file of one model, its weights not yet read; a part for a bundle as well."""
    header = model_header(
        model.name, model.om_ir_version, model.platform_version, is_unknown=model.is_unknown
    )
    header = replace(header, platform_type=model.platform_type)
    return lay_out_file(header, [_partitions(model)])


def model_header(
    name: str, ir_version: int, platform: str, *, is_unknown: bool, model_num: int = 1
) -> ModelFileHeader:
    """The header of an OM file, without its length. OMError for a platform that has no room."""
    version = platform.encode()
    if len(version) > PLATFORM_VERSION_BYTES:
        limit = f"the header has room for {PLATFORM_VERSION_BYTES} bytes"
        what = f"platform version {platform!r} is too long: {limit}"
        raise OMError(Status.MEMORY_ALLOCATION, f"model {name!r}: {what}")
    return ModelFileHeader(
        name=name.encode("utf-8", "surrogateescape")[:NAME_BYTES],
        om_ir_version=ir_version,
        model_num=model_num,
        platform_version=version,
        platform_type=PLATFORM_MINI,
        is_unknow_model=int(is_unknown),
    )


def lay_out_file(
    header: ModelFileHeader, models: Iterable[Sequence[Partition]], trailing: Blob | None = None
) -> Blob:
    """A file of any models and partitions behind `header`, whose length is filled in.

    A header with the 32-bit `length` set gets 32-bit ("tiny") tables and that field.
    """
    tiny = header.has_tiny_tables and header.length != 0
    parts: list[Blob] = []
    for partitions in models:
        rows = [(partition.type, partition.body.length) for partition in partitions]
        parts.append(Held(pack_table(rows, TINY if tiny else NORMAL)))
        parts += [partition.body for partition in partitions]
    payload = Joined([*parts, trailing] if trailing is not None else parts)
    lengths = {"length": payload.length} if tiny else {"model_length": payload.length}
    return Joined([Held(replace(header, **lengths).pack()), *payload.parts])


def lay_out_bundle(
    var_size: int | None, models: Sequence[Blob], header: Mapping[str, Any] | None = None
) -> Blob:
    """A bundle of complete OM files that share `var_size` bytes of variables.

    Here offsets count from the table's start, and the length takes in the header. Without a
    `var_size` it has no entry for it; `header` has fields that are not zero as they should be.
    """
    variables = Held(b"" if var_size is None else struct.pack("<Q", var_size))
    rows = [(PartitionType.BUNDLE_MODEL_VAR_INFO, 8)] if variables.length else []
    rows += [(PartitionType.BUNDLE_MODEL_INFO, model.length) for model in models]
    table = pack_table(rows, base=NORMAL.size(len(rows)))
    size = HEADER_SIZE + len(table) + sum(length for _, length in rows)
    head = replace(bundle_header(len(models), size), **(header or {})).pack()
    return Joined([Held(head + table), variables, *models])


def _partitions(model: CompiledModel) -> list[Partition]:
    """The partitions in GraphEngine's order, without those that are empty."""
    task_info = encode_message(model.task_def)
    if not task_info:
        raise OMError(Status.FAILED, f"model {model.name!r}: the task list has no field set")
    bodies = (
        (PartitionType.MODEL_INOUT_INFO, Held(encode_inout(model.inout))),
        (PartitionType.MODEL_DEF, Held(encode_message(model.model_def))),
        (PartitionType.WEIGHTS_DATA, model.weights if model.weights is not None else Held(b"")),
        (PartitionType.TBE_KERNELS, Held(encode_kernels(model.tbe_kernels))),
        (PartitionType.CUST_AICPU_KERNELS, Held(encode_kernels(model.cust_aicpu_kernels))),
        (PartitionType.TASK_INFO, Held(task_info)),
    )
    for type_, body in bodies:
        check_size(model.name, type_, body.length)
    return [Partition(type_, body) for type_, body in bodies if body.length]


def check_size(name: str, type_: int, size: int) -> None:
    """OMError when a partition of `size` bytes could not be loaded again."""
    limit = MAX_MESSAGE if type_ in MESSAGES else MAX_PARTITION
    if type_ not in UNLIMITED and size > limit:
        what = f"{partition_name(type_)} of {size} bytes, at most {limit} can be loaded"
        raise OMError(Status.PARAM_INVALID, f"model {name!r}: {what}")
