"""TASK_INFO: the tasks that this project writes, as protobuf messages."""

from typing import NamedTuple

from compiler.om.contract import KernelType, TaskType, pack_addresses, unpack_addresses
from compiler.om.task_pb2 import TaskDef


class KernelLaunch(NamedTuple):
    """A kernel for the operator with id `op_index`; `args` are logical addresses."""

    op_index: int
    kernel: str
    kernel_type: str
    stream: int
    block_dim: int
    args: tuple[int, ...]

    def encode(self, number: int) -> TaskDef:
        """The task at place `number` of the list."""
        task = TaskDef(id=number, type=TaskType.KERNEL, stream_id=self.stream)
        kernel = task.kernel
        kernel.context.kernel_type = KernelType[self.kernel_type]
        kernel.context.op_id = kernel.context.op_index = self.op_index
        kernel.context.args_count = len(self.args)
        kernel.context.origin_op_index.append(self.op_index)
        kernel.kernel_name = self.kernel
        kernel.block_dim = self.block_dim
        kernel.args = pack_addresses(self.args)
        kernel.args_size = len(kernel.args)
        return task


def event_task(number: int, kind: TaskType, stream: int, event: int) -> TaskDef:
    """The task at place `number` that records or awaits an event."""
    return TaskDef(id=number, type=kind, stream_id=stream, event_id=event)


def is_plain_event(task: TaskDef) -> bool:
    """Whether an event task says nothing beyond its kind, stream and event."""
    if task.type not in (TaskType.EVENT_RECORD, TaskType.EVENT_WAIT):
        return False
    return event_task(task.id, TaskType(task.type), task.stream_id, task.event_id) == task


def kernel_launch(task: TaskDef) -> KernelLaunch | None:
    """What a task launches; None where a KernelLaunch would not say all that the task says."""
    kernel = task.kernel
    known = kernel.context.kernel_type in set(KernelType)
    if task.type != TaskType.KERNEL or not known or len(kernel.args) % 8:
        return None
    found = KernelLaunch(
        kernel.context.op_index,
        kernel.kernel_name,
        KernelType(kernel.context.kernel_type).name,
        task.stream_id,
        kernel.block_dim,
        unpack_addresses(kernel.args),
    )
    return found if found.encode(task.id) == task else None
