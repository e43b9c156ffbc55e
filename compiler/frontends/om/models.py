"""OM files to om.model and om.bundle."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from compiler.frontends.om.attributes import attributes_of
from compiler.frontends.om.graphs import GraphReader
from compiler.frontends.om.source import Source
from compiler.om.bundle import Bundle
from compiler.om.contract import TaskType
from compiler.om.encode import encode_message
from compiler.om.offline_model import OfflineModel, SubModel
from compiler.om.partitions import PartitionType
from compiler.om.reader import read_om
from compiler.om.source import map_source
from compiler.om.task_pb2 import TaskDef
from compiler.om.tasks import is_plain_event, kernel_launch
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
WRITTEN = frozenset(
    {
        PartitionType.MODEL_DEF,
        PartitionType.WEIGHTS_DATA,
        PartitionType.TASK_INFO,
        PartitionType.TBE_KERNELS,
        PartitionType.MODEL_INOUT_INFO,
    }
)
"""The partitions whose content an om.model holds, or that the writer makes anew."""


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
        omits=tuple(_omitted(file)),
    )


def _omitted(file: OfflineModel) -> Iterator[str]:
    """What of the file the om.model does not hold."""
    for entry in file.root.table:
        if entry.type not in WRITTEN and entry.size:
            known = entry.type in set(PartitionType)
            yield PartitionType(entry.type).name if known else f"partition {entry.type}"
    if len(file.submodels) > 1:
        yield f"{len(file.submodels) - 1} submodels"


def _binaries(model: SubModel, source: Source) -> Iterator[BinaryOp]:
    for kernel in model.tbe_kernels:
        yield BinaryOp(kernel.name, source.reference(memoryview(kernel.binary)))


def _tasks(model: SubModel) -> Iterator[Operation]:
    names = {op.id: op.name for graph in model.model_def.graph for op in graph.op}
    for task in model.task_def.task:
        yield _task(task, names)


def _task(task: TaskDef, names: dict[int, str]) -> Operation:
    """A task of a kind that we write, or the bytes of one that we do not."""
    launch = kernel_launch(task)
    if launch is not None and launch.op_index in names:
        return KernelTaskOp(
            names[launch.op_index],
            launch.kernel,
            launch.kernel_type,
            launch.stream,
            launch.block_dim,
            args=launch.args,
        )
    if is_plain_event(task):
        kind = EventRecordOp if task.type == TaskType.EVENT_RECORD else EventWaitOp
        return kind(task.stream_id, task.event_id)
    return RawTaskOp(task.type, task.stream_id, encode_message(task))
