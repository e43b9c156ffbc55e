"""What is wrong in the partitions of a model: messages, stores, and what they say of each other."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.inspection.opened import Table
from compiler.om.checks import graph_faults
from compiler.om.contract import KERNEL_NAME, LISTED_NAME, LISTED_SIZES
from compiler.om.errors import OMError
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.kernels import ITEM_HEAD, ITEM_MAGIC, decode_kernels
from compiler.om.offline_model import NOTHING, SubModel
from compiler.om.partitions import PartitionType
from compiler.om.stores import SO_MAGIC, TILING_MAGIC, decode_so_bins, tiling_magic
from compiler.om.task_pb2 import TaskDef

CUSTOM_MAGIC = 0x4B43534B

STORES = {
    PartitionType.TBE_KERNELS: ITEM_MAGIC,
    PartitionType.CUST_AICPU_KERNELS: ITEM_MAGIC,
    PartitionType.CUSTOM_OPS: CUSTOM_MAGIC,
}
"""The partitions that are a row of named binaries, and the magic of an item."""

LOADED_NAMES = ("_tbe_kernel_name_for_load", KERNEL_NAME)
"""Where an operator names its kernel; the first that is there counts (`kernel_store.cc`)."""


def content_faults(table: Table) -> Iterator[str]:
    """What in a model's partitions is broken or contradicts another partition."""
    told: set[str] = set()
    for check in (
        _store_faults,
        _so_faults,
        _tiling_faults,
        _graph_faults,
        _task_faults,
        _interface_faults,
    ):
        try:
            yield from check(table.model)
        except OMError as error:  # what does not parse keeps several checks from looking
            if str(error) not in told:
                yield str(error).removeprefix(f"{table.model.source}: ")
            told.add(str(error))


def _store_faults(table: SubModel) -> Iterator[str]:
    for type_, magic in STORES.items():
        data = table.partition(type_) or NOTHING
        kernels, rest = decode_kernels(data)
        if rest:
            yield f"{type_.name}: {len(rest)} bytes behind the last whole kernel"
        place = 0
        for kernel in kernels:
            if ITEM_HEAD.unpack_from(data, place)[0] != magic:
                yield f"{type_.name}: kernel {kernel.name!r} has no magic before it"
            name, size = ITEM_HEAD.unpack_from(data, place)[1:]
            place += ITEM_HEAD.size + name + size


def _so_faults(table: SubModel) -> Iterator[str]:
    data = table.partition(PartitionType.SO_BINS)
    if data is None:
        return
    found = decode_so_bins(data)
    if found is None:
        yield f"SO_BINS: {len(data)} bytes, no room for the number of libraries"
        return
    if len(found.magics) != found.stated:
        yield f"SO_BINS: {found.stated} libraries are announced, {len(found.magics)} are there"
    for place, magic in enumerate(found.magics):
        if magic != SO_MAGIC:
            yield f"SO_BINS: library {place} has no magic before it"
    if found.rest:
        yield f"SO_BINS: {len(found.rest)} bytes behind the last library"


def _tiling_faults(table: SubModel) -> Iterator[str]:
    data = table.partition(PartitionType.TILING_DATA)
    if data is None:
        return
    magic = tiling_magic(data)
    if magic is None:
        yield f"TILING_DATA: {len(data)} bytes, no more than its head"
    elif magic != TILING_MAGIC:
        yield "TILING_DATA does not begin with its magic"


def _graph_faults(table: SubModel) -> Iterator[str]:
    model = table.model_def
    yield from graph_faults(model)
    yield from _size_faults(table, model)
    stored = {kernel.name for kernel in table.tbe_kernels}
    for graph in model.graph:
        for op in graph.op:
            names = [
                op.attr[key].s.decode("utf-8", "replace") for key in LOADED_NAMES if key in op.attr
            ]
            if stored and names and names[0] not in stored:
                yield f"operator {op.name!r} needs kernel {names[0]!r}, which is not in the file"


def _size_faults(table: SubModel, model: ModelDef) -> Iterator[str]:
    if LISTED_NAME in model.attr:
        told = list(model.attr[LISTED_NAME].list.i)
        found = [len(table.partition(type_) or NOTHING) for type_ in LISTED_SIZES]
        if len(told) != len(LISTED_SIZES):
            yield f"{LISTED_NAME} has {len(told)} sizes, not {len(LISTED_SIZES)}"
        for type_, size, real in zip(LISTED_SIZES, told, found, strict=False):
            if size != real:
                yield f"{LISTED_NAME} says {type_.name} has {size} bytes, it has {real}"
    weights = len(table.weights)
    told_weights = model.attr["weight_size"].i if "weight_size" in model.attr else 0
    if told_weights not in (0, weights):
        yield f"attribute weight_size is {told_weights}, WEIGHTS_DATA has {weights} bytes"


def _task_faults(table: SubModel) -> Iterator[str]:
    known = {op.id for graph in table.model_def.graph for op in graph.op}
    for place, task in enumerate(table.task_def.task):
        index = _op_index(task)
        if index is not None and index not in known:
            yield f"task {place} is for operator {index}, which no graph has"


def _op_index(task: TaskDef) -> int | None:
    """The operator that a kernel is launched for."""
    if task.HasField("kernel") and task.kernel.HasField("context"):
        return task.kernel.context.op_index
    return task.kernel_ex.op_index if task.HasField("kernel_ex") else None


def _interface_faults(table: SubModel) -> Iterator[str]:
    if table.partition(PartitionType.MODEL_INOUT_INFO) is None or not table.model_def.graph:
        return
    ops = table.model_def.graph[0].op
    sides = {
        "inputs": sum(op.type in ("Data", "RefData", "AippData") for op in ops),
        "outputs": sum(len(op.input_desc) for op in ops if op.type == "NetOutput"),
    }
    for side, count in sides.items():
        told = len(getattr(table.inout, side))
        if told != count:
            yield f"MODEL_INOUT_INFO lists {told} {side}, the graph has {count}"
