"""OM files to om.model and om.bundle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xdsl.dialects.builtin import ModuleOp, UnitAttr
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from compiler.errors import UserError
from compiler.frontends.om.attributes import attributes_of
from compiler.frontends.om.graphs import GraphReader
from compiler.frontends.om.keeping import keep_bundle, keep_file, keep_table
from compiler.frontends.om.source import Source
from compiler.om.bundle import Bundle
from compiler.om.contract import AI_CORE_NAMES, LISTED_NAME, TaskType
from compiler.om.encode import encode_message
from compiler.om.errors import OMError, Status
from compiler.om.offline_model import OfflineModel, SubModel
from compiler.om.reader import read_om
from compiler.om.source import map_file
from compiler.om.task_pb2 import TaskDef
from compiler.om.tasks import is_plain_event, kernel_launch
from compiler.targets.om.tasks import node_ids
from dialects.ge import GraphOp
from dialects.om import (
    BinaryOp,
    BundleOp,
    EventRecordOp,
    EventWaitOp,
    KernelTaskOp,
    ModelOp,
    RawTaskOp,
)

DERIVED = (LISTED_NAME, "task_index_op_name")
"""Model attributes that the writer makes from what it writes."""


def import_om(path: str) -> ModuleOp:
    """Read any offline model or bundle; nothing of its weights is copied.

    OMError, a UserError with GraphEngine's status, when the file is damaged; UserError when the IR
    cannot hold what is in it.
    """
    mapped = map_file(path)
    source = Source(mapped)
    file = read_om(mapped.view, name=path)
    try:
        return ModuleOp([_top(file, source)])
    except OMError:
        raise
    except (UserError, VerifyException) as error:
        raise UserError(str(error).removeprefix(f"{path}: ")).at(path) from None


def _top(file: OfflineModel | Bundle, source: Source) -> BundleOp | ModelOp:
    if isinstance(file, Bundle):
        if not file.models:
            raise OMError(Status.INVALID_PARAM, f"{source.path}: a bundle without a model")
        bundle = BundleOp(file.var_size, [_file(model, source) for model in file.models])
        keep_bundle(bundle, file, source.file.view)
        return bundle
    return _file(file, source)


def _file(file: OfflineModel, source: Source) -> ModelOp:
    """A whole OM file: its first model, with the further ones inside."""
    model, *others = (_model(table, source) for table in file.submodels)
    if file.header.is_dynamic:
        model.properties["dynamic"] = UnitAttr()
    model.body.block.add_ops(others)
    keep_file(model, file, source)
    return model


def _model(table: SubModel, source: Source) -> ModelOp:
    message = table.model_def
    graphs = GraphReader(message, table.weights, source).main_graphs()
    model = ModelOp(
        message.name,
        [*graphs, *_tasks(table, graphs), *_binaries(table, source)],
        attributes_of(message.attr, DERIVED),
        ir_version=message.version,
        platform=message.custom_version,
    )
    keep_table(model, table, source)
    return model


def _binaries(model: SubModel, source: Source) -> Iterator[BinaryOp]:
    # A name that is no text is left to the partition, which is kept then.
    for kernel in (kernel for kernel in model.tbe_kernels if kernel.name.isprintable()):
        yield BinaryOp(kernel.name, source.reference(memoryview(kernel.binary)))


def _tasks(model: SubModel, graphs: Iterable[GraphOp]) -> Iterator[Operation]:
    ids = node_ids(graphs)
    names = {number: name for name, number in ids.items()}
    stored = {kernel.name for kernel in model.tbe_kernels if kernel.name.isprintable()}
    for place, task in enumerate(model.task_def.task):
        yield _task(task, place, names, stored)


def _task(task: TaskDef, place: int, names: dict[int, str], stored: set[str]) -> Operation:
    """A task of a kind that we write, or the bytes of one that we do not.

    We write no launch of a kernel that is not in the file.
    """
    launch = kernel_launch(task) if task.id == place else None
    is_here = launch is not None and (
        launch.kernel_type not in AI_CORE_NAMES or launch.kernel in stored
    )
    if launch is not None and is_here and launch.op_index in names:
        return KernelTaskOp(
            names[launch.op_index],
            launch.kernel,
            launch.kernel_type,
            launch.stream,
            launch.block_dim,
            args=launch.args,
        )
    if task.id == place and is_plain_event(task):
        kind = EventRecordOp if task.type == TaskType.EVENT_RECORD else EventWaitOp
        return kind(task.stream_id, task.event_id)
    return RawTaskOp(task.type, task.stream_id, encode_message(task))
