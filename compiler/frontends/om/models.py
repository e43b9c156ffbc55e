"""OM files to om.model and om.bundle."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from compiler.frontends.om.attributes import attributes_of
from compiler.frontends.om.graphs import GraphReader
from compiler.frontends.om.source import Source
from compiler.om.bundle import Bundle
from compiler.om.encode import encode_message
from compiler.om.offline_model import OfflineModel, SubModel
from compiler.om.reader import read_om
from compiler.om.source import map_source
from compiler.om.task_pb2 import TaskDef
from dialects.om import (
    BinaryOp,
    BundleOp,
    EventRecordOp,
    EventWaitOp,
    KernelTaskOp,
    ModelOp,
    RawTaskOp,
)

DERIVED = ("om_info_list", "task_index_op_name")
"""Model attributes that the writer makes from what it writes."""
KERNEL_TYPES = {2: "TE", 6: "AI_CPU"}


def import_om(path: str) -> ModuleOp:
    """Read any offline model or bundle; nothing of its weights is copied.

    OMError, a UserError with GraphEngine's status, when the file is damaged.
    """
    whole, name = map_source(path)
    source = Source(path, whole)
    file = read_om(whole, name=name)
    if isinstance(file, Bundle):
        models = [_model(model, source) for model in file.models]
        return ModuleOp([BundleOp(file.var_size, models)])
    return ModuleOp([_model(file, source)])


def _model(file: OfflineModel, source: Source) -> ModelOp:
    root = file.root
    message = root.model_def
    graphs = GraphReader(message, root.weights, source).main_graphs()
    return ModelOp(
        message.name or file.header.name.decode(errors="replace"),
        [*graphs, *_tasks(root), *_binaries(root, source)],
        attributes_of(message.attr, DERIVED),
        dynamic=file.header.is_dynamic,
        ir_version=file.header.om_ir_version,
        platform=file.header.platform_version.rstrip(b"\0").decode(errors="replace"),
    )


def _binaries(model: SubModel, source: Source) -> Iterator[BinaryOp]:
    for kernel in model.tbe_kernels:
        yield BinaryOp(kernel.name, source.reference(memoryview(kernel.binary)))


def _tasks(model: SubModel) -> Iterator[Operation]:
    names = {op.id: op.name for graph in model.model_def.graph for op in graph.op}
    for task in model.task_def.task:
        yield _task(task, names)


def _task(task: TaskDef, names: dict[int, str]) -> Operation:
    """A task of a kind that we write, or the bytes of one that we do not."""
    context = task.kernel.context
    is_plain = context.op_index in names and len(task.kernel.args) % 8 == 0
    if task.type == 0 and context.kernel_type in KERNEL_TYPES and is_plain:
        args = struct.unpack(f"<{len(task.kernel.args) // 8}Q", task.kernel.args)
        return KernelTaskOp(
            names[context.op_index],
            task.kernel.kernel_name,
            KERNEL_TYPES[context.kernel_type],
            task.stream_id,
            task.kernel.block_dim,
            args=args,
        )
    if task.type == 1:
        return EventRecordOp(task.stream_id, task.event_id)
    if task.type == 2:
        return EventWaitOp(task.stream_id, task.event_id)
    return RawTaskOp(task.type, task.stream_id, encode_message(task))
