"""How the other partitions of two models differ: tasks, kernels, the summary, and what is as is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from google.protobuf.message import Message

from compiler.inspection.differences import Difference, changed, matched
from compiler.om.inout import TensorInfo
from compiler.om.kernels import Kernel
from compiler.om.offline_model import SubModel
from compiler.om.partitions import PartitionType, partition_name
from compiler.om.task_pb2 import ModelTaskDef

DECODED = frozenset(
    {
        PartitionType.MODEL_DEF,
        PartitionType.WEIGHTS_DATA,
        PartitionType.TASK_INFO,
        PartitionType.TBE_KERNELS,
        PartitionType.CUST_AICPU_KERNELS,
        PartitionType.MODEL_INOUT_INFO,
        PartitionType.FLOW_SUBMODEL,
    }
)
"""The partitions that are compared by what is in them."""


def partition_differences(old: SubModel, new: SubModel) -> Iterator[Difference]:
    """The differences of two models beside their graphs and weights."""
    yield from _task_differences(old.task_def, new.task_def)
    for what, store in (("kernel", "tbe_kernels"), ("AI CPU kernel", "cust_aicpu_kernels")):
        kernels = [{kernel.name: kernel for kernel in getattr(m, store)} for m in (old, new)]
        yield from matched(what, *kernels, shown=_kernel_size, compare=_compare_kernels)
    for side in ("inputs", "outputs"):
        tensors = [_numbered(getattr(model.inout, side)) for model in (old, new)]
        yield from matched(f"{side[:-1]}", *tensors, shown=str, compare=_compare_tensors)
    yield from changed("gears", _gears(old), _gears(new))
    others = [_others(model) for model in (old, new)]
    yield from matched("partition", *others, shown=_size, compare=_compare_bodies)


def _task_differences(old: ModelTaskDef, new: ModelTaskDef) -> Iterator[Difference]:
    for field in old.DESCRIPTOR.fields:
        if field.name != "task":
            values = [getattr(message, field.name) for message in (old, new)]
            yield from changed(f"tasks: {field.name}", *map(_plain, values))
    yield from changed("tasks", len(old.task), len(new.task))
    pairs = enumerate(zip(old.task, new.task, strict=False))
    differing = [place for place, (a, b) in pairs if a != b]
    if differing:
        what = f"{len(differing)} of them others, the first is task {differing[0]}"
        yield Difference(("tasks",), f"{len(old.task)}", what)


def _plain(value: object) -> object:
    """A field's value as text, where it is no number."""
    if isinstance(value, Message):
        return f"{value.ByteSize()} bytes"
    return value if isinstance(value, int | str) else str(value)


def _kernel_size(kernel: Kernel) -> str:
    return _size(memoryview(kernel.binary))


def _size(data: memoryview) -> str:
    return f"{len(data)} bytes"


def _compare_kernels(old: Kernel, new: Kernel) -> Iterator[Difference]:
    return _compare_bodies(memoryview(old.binary), memoryview(new.binary))


def _compare_bodies(old: memoryview, new: memoryview) -> Iterator[Difference]:
    if len(old) != len(new):
        yield Difference(("bytes",), len(old), len(new))
    elif old != new:
        yield Difference(("bytes",), len(old), "others")


def _numbered(tensors: Sequence[TensorInfo]) -> dict[str, TensorInfo]:
    return {str(number): tensor for number, tensor in enumerate(tensors)}


def _compare_tensors(old: TensorInfo, new: TensorInfo) -> Iterator[Difference]:
    for name in TensorInfo.__slots__:
        yield from changed(name, getattr(old, name), getattr(new, name))


def _gears(model: SubModel) -> tuple[object, ...]:
    info = model.inout
    return (info.dynamic_batch, info.dynamic_hw, info.dynamic_dims, info.data_order)


def _others(model: SubModel) -> dict[str, memoryview]:
    pairs = zip(model.table, model.bodies, strict=True)
    return {partition_name(e.type): body for e, body in pairs if e.type not in DECODED}
