"""TASK_INFO: the task list of an om.model as protobuf messages."""

from __future__ import annotations

from collections.abc import Iterable

from compiler.om.contract import TaskType
from compiler.om.task_pb2 import ModelTaskDef, TaskDef
from compiler.om.tasks import KernelLaunch, event_task
from compiler.targets.om.fields import restore_fields
from compiler.targets.om.operators import placement_of
from dialects.ge import GraphOp
from dialects.om import EventRecordOp, EventWaitOp, KernelTaskOp, ModelOp, RawTaskOp

VERSION = "ascend-opt"
"""Who made the list; a list without tasks must not be empty bytes."""

UNSIGNED = 0xFFFFFFFFFFFFFFFF
"""Of a negative number as an attribute, what is in an unsigned field, as GraphEngine casts it."""


def task_list(model: ModelOp) -> ModelTaskDef:
    """The task list of a model."""
    message = ModelTaskDef(
        version=VERSION,
        memory_size=model.integer("memory_size") & UNSIGNED,
        weight_size=model.integer("weight_size") & UNSIGNED,
    )
    ids = node_ids(model.graphs)
    for number, op in enumerate(model.tasks):
        match op:
            case KernelTaskOp():
                message.task.append(_launch(op, ids[op.node.data]).encode(number))
            case EventRecordOp() | EventWaitOp():
                message.task.append(_event(op, number))
            case RawTaskOp():
                message.task.append(TaskDef.FromString(bytes.fromhex(op.payload.data)))
            case _:
                raise TypeError(f"no task can be made of {op.name}")
    restore_fields(message, model.task_fields)
    return message


def node_ids(graphs: Iterable[GraphOp]) -> dict[str, int]:
    """The ids by which tasks know the nodes; UserError where one has no place."""
    nodes = (node for graph in graphs for node in graph.all_nodes)
    return {node.label: placement_of(node).id.data for node in nodes}


def _event(op: EventRecordOp | EventWaitOp, number: int) -> TaskDef:
    kind = TaskType.EVENT_RECORD if isinstance(op, EventRecordOp) else TaskType.EVENT_WAIT
    return event_task(number, kind, op.stream_id, op.event_id)


def _launch(op: KernelTaskOp, node_id: int) -> KernelLaunch:
    return KernelLaunch(
        node_id,
        op.kernel.data,
        op.kernel_type.data,
        op.stream_id,
        op.block_dim.value.data,
        tuple(int(address) for address in op.args.get_values()),
    )
