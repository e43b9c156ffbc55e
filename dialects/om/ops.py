"""What an offline model file holds: its graph, its tasks, its kernels; and bundles of models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DictionaryAttr,
    IntegerAttr,
    StringAttr,
    UnitAttr,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.irdl import (
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.traits import IsolatedFromAbove, NoTerminator
from xdsl.utils.exceptions import VerifyException

from dialects.ge import GraphOp
from dialects.om.attributes import FieldsAttr
from dialects.op import AscendOp, i64_attr, name_attr, names_attr
from dialects.weights import FileAttr


class _TaskOp(AscendOp):
    """A task of the flat list that the device replays, in order on its stream."""

    stream = prop_def(IntegerAttr.constr(i64))

    @property
    def stream_id(self) -> int:
        """The stream the task is appended to."""
        return self.stream.value.data


@irdl_op_definition
class KernelTaskOp(_TaskOp):
    """Launch a kernel for a node: `args` are logical addresses of inputs, outputs, workspaces."""

    name = "om.kernel"

    node = prop_def(StringAttr)
    kernel = prop_def(StringAttr)
    kernel_type = prop_def(StringAttr)
    block_dim = prop_def(IntegerAttr.constr(i64))
    args = prop_def(DenseArrayBase.constr(i64))

    assembly_format = (
        "$node `:` $kernel_type $kernel `stream` $stream `block_dim` $block_dim `args` $args"
        " attr-dict"
    )

    def __init__(
        self,
        node: str,
        kernel: str,
        kernel_type: str,
        stream: int,
        block_dim: int,
        *,
        args: Sequence[int],
    ):
        super().__init__(
            properties={
                "node": StringAttr(node),
                "kernel": name_attr(kernel),
                "kernel_type": name_attr(kernel_type),
                "stream": i64_attr(stream),
                "block_dim": i64_attr(block_dim),
                "args": DenseArrayBase.from_list(i64, list(args)),
            }
        )


class _EventOp(_TaskOp):
    """A task about an event between two streams."""

    event = prop_def(IntegerAttr.constr(i64))

    def __init__(self, stream: int, event: int):
        super().__init__(properties={"stream": i64_attr(stream), "event": i64_attr(event)})

    @property
    def event_id(self) -> int:
        """The event recorded or awaited."""
        return self.event.value.data


@irdl_op_definition
class EventRecordOp(_EventOp):
    """Raise an event when everything before it on the stream is done."""

    name = "om.event_record"
    assembly_format = "$event `stream` $stream attr-dict"


@irdl_op_definition
class EventWaitOp(_EventOp):
    """Hold the stream until an event is raised."""

    name = "om.event_wait"
    assembly_format = "$event `stream` $stream attr-dict"


@irdl_op_definition
class RawTaskOp(_TaskOp):
    """A task of another kind, as the bytes of its TaskDef in hexadecimal."""

    name = "om.raw_task"

    task_type = prop_def(IntegerAttr.constr(i64))
    payload = prop_def(StringAttr)

    assembly_format = "$task_type `stream` $stream $payload attr-dict"

    def __init__(self, task_type: int, stream: int, payload: bytes):
        super().__init__(
            properties={
                "task_type": i64_attr(task_type),
                "stream": i64_attr(stream),
                "payload": StringAttr(payload.hex()),
            }
        )


@irdl_op_definition
class BinaryOp(AscendOp):
    """A kernel binary of the file, by reference."""

    name = "om.binary"

    sym_name = prop_def(StringAttr)
    value = prop_def(FileAttr)

    assembly_format = "$sym_name qualified($value) attr-dict"

    def __init__(self, name: str, value: FileAttr):
        super().__init__(properties={"sym_name": StringAttr(name), "value": value})


@irdl_op_definition
class PartitionOp(AscendOp):
    """A partition of the file that is kept as it is, by reference.

    `kind` is the name of its type, its number where it has none, or "trailing" for the bytes
    behind the last partition.
    """

    name = "om.partition"

    kind = prop_def(StringAttr)
    value = prop_def(FileAttr)

    assembly_format = "$kind qualified($value) attr-dict"

    def __init__(self, kind: str, value: FileAttr):
        super().__init__(properties={"kind": StringAttr(kind), "value": value})


@irdl_op_definition
class ModelOp(AscendOp):
    """An offline model: a placed graph, then its tasks. Its attributes are ModelDef's.

    Of a file that says more than that there is also: `partitions`, where they are others or in
    another order than those the writer makes; `graph_order`, the names of all graphs as they
    stand; `header`, its fields that are not what the writer puts there; `fields` and `task_fields`,
    what of ModelDef and ModelTaskDef the IR has no words for; and partitions that are kept as they
    are. `omits` names what could not be kept: such a model is not written again.
    A model inside a model is one of the further ones that a dynamic model's file has.
    """

    name = "om.model"

    sym_name = prop_def(StringAttr)
    dynamic = opt_prop_def(UnitAttr)
    ir_version = prop_def(IntegerAttr.constr(i64))
    platform = prop_def(StringAttr)
    omits = opt_prop_def(ArrayAttr[StringAttr])
    partitions = opt_prop_def(ArrayAttr[StringAttr])
    graph_order = opt_prop_def(ArrayAttr[StringAttr])
    header = opt_prop_def(DictionaryAttr)
    fields = opt_prop_def(FieldsAttr)
    task_fields = opt_prop_def(FieldsAttr)
    body = region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), NoTerminator())

    assembly_format = (
        "$sym_name (`dynamic` $dynamic^)? `ir_version` $ir_version `platform` $platform"
        " (`omits` $omits^)? (`partitions` $partitions^)? (`graph_order` $graph_order^)?"
        " (`header` $header^)? (`fields` qualified($fields)^)?"
        " (`task_fields` qualified($task_fields)^)? attr-dict-with-keyword $body"
    )

    def __init__(
        self,
        name: str,
        body: Sequence[Operation],
        attributes: dict[str, Attribute],
        *,
        dynamic: bool = False,
        ir_version: int = 2,
        platform: str = "",
        omits: tuple[str, ...] = (),
    ):
        properties: dict[str, Attribute | None] = {
            "sym_name": StringAttr(name),
            "dynamic": UnitAttr() if dynamic else None,
            "ir_version": IntegerAttr(ir_version, i64),
            "platform": StringAttr(platform),
            "omits": names_attr(omits) if omits else None,
        }
        super().__init__(
            properties=properties, attributes=attributes, regions=[Region(Block(body))]
        )

    @property
    def label(self) -> str:
        """The model's name."""
        return self.sym_name.data

    @property
    def graphs(self) -> list[GraphOp]:
        """The main graph, then graphs that no node owns (as dynamic roots repeat them)."""
        return [op for op in self.body.block.ops if isinstance(op, GraphOp)]

    @property
    def tasks(self) -> Iterator[_TaskOp]:
        """The task list."""
        return (op for op in self.body.block.ops if isinstance(op, _TaskOp))

    @property
    def kept(self) -> list[PartitionOp]:
        """The partitions that are kept as they are."""
        return [op for op in self.body.block.ops if isinstance(op, PartitionOp)]

    @property
    def submodels(self) -> list[ModelOp]:
        """The further models of the file."""
        return [op for op in self.body.block.ops if isinstance(op, ModelOp)]

    def integer(self, name: str, default: int = 0) -> int:
        """An integer attribute of the model, e.g. `memory_size` in bytes."""
        value = self.attributes.get(name)
        return value.value.data if isinstance(value, IntegerAttr) else default

    def verify_(self) -> None:
        if not self.graphs:
            raise VerifyException("has no graph")
        labels = {node.label for graph in self.graphs for node in graph.all_nodes}
        for task in self.tasks:
            if isinstance(task, KernelTaskOp) and task.node.data not in labels:
                raise VerifyException(f"a task runs '{task.node.data}', which is not in the graph")


@irdl_op_definition
class BundleOp(AscendOp):
    """Offline models that share `var_size` bytes of variable memory.

    `no_var_entry`: the file has no entry for that size, as older ones have none. `header` and
    `omits` are as in an om.model.
    """

    name = "om.bundle"

    var_size = prop_def(IntegerAttr.constr(i64))
    no_var_entry = opt_prop_def(UnitAttr)
    omits = opt_prop_def(ArrayAttr[StringAttr])
    header = opt_prop_def(DictionaryAttr)
    body = region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), NoTerminator())

    assembly_format = (
        "`var_size` $var_size (`no_var_entry` $no_var_entry^)? (`omits` $omits^)?"
        " (`header` $header^)? attr-dict-with-keyword $body"
    )

    def __init__(self, var_size: int, models: Sequence[ModelOp]):
        super().__init__(
            properties={"var_size": IntegerAttr(var_size, i64)}, regions=[Region(Block(models))]
        )

    @property
    def models(self) -> list[ModelOp]:
        """The models in bundle order."""
        return [op for op in self.body.block.ops if isinstance(op, ModelOp)]

    def verify_(self) -> None:
        if len(self.models) != sum(1 for _ in self.body.block.ops):
            raise VerifyException("holds om.model only")
