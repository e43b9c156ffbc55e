"""TASK_INFO: the task list of an om.model as protobuf messages."""

from __future__ import annotations

import struct

from compiler.om.task_pb2 import ModelTaskDef, TaskDef
from dialects.om import EventRecordOp, EventWaitOp, KernelTaskOp, ModelOp, PlacementAttr, RawTaskOp

VERSION = "ascend-opt"
"""Who made the list; a list without tasks must not be empty bytes."""
KERNEL, EVENT_RECORD, EVENT_WAIT = 0, 1, 2
KERNEL_TYPES = {"TE": 2, "AI_CPU": 6}


def task_list(model: ModelOp) -> ModelTaskDef:
    """The task list of a model."""
    message = ModelTaskDef(
        version=VERSION,
        memory_size=model.integer("memory_size"),
        weight_size=model.integer("weight_size"),
    )
    ids = _node_ids(model)
    for number, op in enumerate(model.tasks):
        match op:
            case KernelTaskOp():
                _kernel(message.task.add(id=number), op, ids[op.node.data])
            case EventRecordOp():
                _event(message.task.add(id=number, type=EVENT_RECORD), op)
            case EventWaitOp():
                _event(message.task.add(id=number, type=EVENT_WAIT), op)
            case RawTaskOp():
                message.task.append(TaskDef.FromString(bytes.fromhex(op.payload.data)))
            case _:
                raise TypeError(f"no task can be made of {op.name}")
    return message


def _node_ids(model: ModelOp) -> dict[str, int]:
    nodes = (node for graph in model.graphs for node in graph.all_nodes)
    placed = ((node.label, node.attributes.get("placement")) for node in nodes)
    return {label: p.id.data for label, p in placed if isinstance(p, PlacementAttr)}


def _event(task: TaskDef, op: EventRecordOp | EventWaitOp) -> None:
    task.stream_id = op.stream_id
    task.event_id = op.event_id


def _kernel(task: TaskDef, op: KernelTaskOp, node_id: int) -> None:
    task.stream_id = op.stream_id
    args = [int(address) for address in op.args.get_values()]
    kernel = task.kernel
    kernel.context.kernel_type = KERNEL_TYPES[op.kernel_type.data]
    kernel.context.op_id = kernel.context.op_index = node_id
    kernel.context.args_count = len(args)
    kernel.context.origin_op_index.append(node_id)
    kernel.kernel_name = op.kernel.data
    kernel.block_dim = op.block_dim.value.data
    kernel.args = struct.pack(f"<{len(args)}Q", *args)
    kernel.args_size = len(kernel.args)
