"""Static models: the task list replayed at the addresses the compiler planned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from compiler.om import contract
from compiler.om.contract import AI_CORE_KERNELS, Arguments, TaskType
from compiler.om.ge_ir_pb2 import ModelDef, OpDef
from compiler.om.offline_model import SubModel
from compiler.om.task_pb2 import TaskDef
from runtime.device import Bytes
from runtime.errors import AclError, Code, failure
from runtime.executor.constants import inline_constants
from runtime.executor.features import Features
from runtime.executor.launch import FileKernels, Launch, operator_launch, unpacking
from runtime.executor.memory import AddressSpace, Region
from runtime.executor.observer import Observer
from runtime.executor.operators import Operand, attribute, node_of, operands, tensor_desc
from runtime.executor.races import Access, first_race
from runtime.executor.replay import Deadlock, Task, replay_order
from runtime.executor.session import Session, Variables
from runtime.executor.variables import declare_variables
from runtime.executor.workspace import Call, Located, Workspace, Workspaces
from runtime.operator_engine import Array, Node, OperatorError, TensorDesc
from runtime.precision import FloatMode
from runtime.settings import Engine

T = TypeVar("T")
BYTE = np.dtype(np.uint8)

MAX_STREAMS = 2024
"""Streams that a device runs at a time (GraphEngine's docs/en/design/features/stream_allocator)."""
Take = Callable[[list[Array]], T]


def model_integer(model: ModelDef, name: str, default: int = 0) -> int:
    """An integer attribute of the model."""
    return model.attr[name].i if name in model.attr else default


Named = tuple[Located, str]
"""A tensor and the node it belongs to, for messages."""


class StaticExecutor:
    """Runs a model whose shapes, addresses and streams are fixed; several runs at a time."""

    def __init__(
        self,
        model: SubModel,
        features: Features,
        weights: Bytes,
        session: Session,
        *,
        faithful: bool,
        engine: Engine,
        mode: FloatMode,
        observer: Observer | None = None,
    ) -> None:
        definition = model.model_def
        base = model_integer(definition, contract.FEATURE_BASE_NAME, contract.FEATURE_BASE)
        behind = base + features.size
        weight_base = model_integer(definition, contract.WEIGHT_BASE_NAME, behind)
        self._base, self._weight_base = base, weight_base
        self._weights = Region("weights", weight_base, weights)
        self._features, self._session = features, session
        self._mode = mode
        self._kernels = FileKernels(model, mode) if engine is Engine.KERNEL else None
        graph = definition.graph[0]
        self._inline = list(inline_constants(graph, weight_base))
        declare_variables(definition, session)
        self._graph, self._observer = graph.name, observer
        self._ops = {op.id: op for op in graph.op}
        self.inputs = [self._input(op) for op in sorted(_data(graph.op), key=_index)]
        self.outputs = [
            named for op in graph.op if op.type == "NetOutput" for named in self._outputs(op)
        ]
        self._calls = self._ordered(model, faithful=faithful)
        self._workspaces = Workspaces(self._workspace, features.most)

    def run(self, inputs: Sequence[Array], variables: Variables, take: Take[T]) -> T:
        """Executes the model once; what `take` makes of its outputs, which are views of memory
        that the next run may use.
        """
        with self._workspaces.one() as workspace:
            for slot, value in zip(workspace.inputs, inputs, strict=True):
                slot.write(value)
            self._execute(workspace, variables)
            taken = take([slot.read(variables) for slot in workspace.outputs])
        variables.publish()
        return taken

    def _execute(self, workspace: Workspace, variables: Variables) -> None:
        try:
            for step in workspace.steps:
                if step.is_bound:
                    step.bind(variables)
                step.launch(step.inputs, step.outputs)
                if self._observer is not None:
                    made = step.outputs[: len(step.node.outputs)]
                    self._observer(self._graph, step.node.name, made)
        except OperatorError as error:
            raise AclError(Code.RT_MODEL_EXECUTE, str(error)) from error

    def _workspace(self) -> Workspace:
        feature = Region("feature", self._base, self._features.take())
        space = AddressSpace(*self._inline, feature, self._weights)
        return Workspace(space, self._session, self._calls, self.inputs, self.outputs)

    def _input(self, op: OpDef) -> Named:
        desc = tensor_desc(op.output_desc[0], op.name)
        return self._located(op.output_i[0] if op.output_i else 0, desc), _what(op)

    def _outputs(self, op: OpDef) -> list[Named]:
        found: list[Named] = []
        for operand in operands(op):
            if operand.place >= len(op.input_i):
                raise failure(f"node '{op.name}' has no input_i for input {operand.place}")
            offset = op.input_i[operand.place]
            constant = operand.place < len(op.is_input_const) and op.is_input_const[operand.place]
            address = self._weight_base + offset - self._base if constant else offset
            found.append((self._located(address, self._planned(operand)), _what(op)))
        return found

    def _planned(self, operand: Operand) -> TensorDesc:
        """What a NetOutput gives: its producer knows the shape where it leaves a dim open."""
        if all(dim >= 0 for dim in operand.desc.shape):
            return operand.desc
        producer = next(op for op in self._ops.values() if op.name == operand.producer)
        return tensor_desc(producer.output_desc[operand.output], producer.name)

    def _located(self, offset: int, desc: TensorDesc) -> Located:
        """A tensor by the offset in the graph."""
        variable_base = self._session.base
        address = contract.logical_address(
            offset, feature_base=self._base, variable_base=variable_base
        )
        return Located(address, desc)

    def _ordered(self, model: SubModel, *, faithful: bool) -> list[Call]:
        """The kernels in an order that the streams and events allow."""
        tasks = list(model.task_def.task)
        replayed = [_replayed(position, task) for position, task in enumerate(tasks)]
        streams = len({task.stream for task in replayed})
        if streams > MAX_STREAMS:
            raise failure(f"{model.source}: {streams} streams, a device has {MAX_STREAMS}")
        try:
            order = replay_order(replayed)
        except Deadlock as deadlock:
            raise failure(f"{model.source}: {deadlock}") from None
        calls = {
            place: self._call(tasks[place])
            for place in order
            if replayed[place].kind is TaskType.KERNEL
        }
        race = None if faithful else first_race(replayed, order, list(_accesses(calls)))
        if race is not None:
            one, other = (f"'{calls[p].node.name}' (stream {tasks[p].stream_id})" for p in race)
            raise failure(
                f"{model.source}: nodes {one} and {other} use the same memory with no event "
                "between them"
            )
        return list(calls.values())

    def _call(self, task: TaskDef) -> Call:
        op = self._ops.get(task.kernel.context.op_index)
        if op is None:
            raise failure(f"a task refers to operator {task.kernel.context.op_index}, which is not")
        connected = operands(op)
        node = node_of(op, connected)
        addresses = _addresses(task, node)
        launch = unpacking(self._launch(task, node), node, [operand.port for operand in connected])
        own = addresses.workspaces if self._runs_kernel(task) else ()
        workspaces = zip(own, op.workspace_bytes, strict=False)
        return Call(
            node,
            tuple(
                Located(address, operand.desc, operand.port)
                for operand, address in zip(connected, addresses.inputs, strict=True)
            ),
            (
                *(
                    Located(address, desc)
                    for desc, address in zip(node.outputs, addresses.outputs, strict=True)
                ),
                *(Located(address, TensorDesc(BYTE, (size,))) for address, size in workspaces),
            ),
            launch,
        )

    def _runs_kernel(self, task: TaskDef) -> bool:
        """Whether a task is the kernel engine's."""
        on_core = task.kernel.context.kernel_type in AI_CORE_KERNELS
        return self._kernels is not None and on_core

    def _launch(self, task: TaskDef, node: Node) -> Launch:
        if self._kernels is not None and self._runs_kernel(task):
            return self._kernels.launch(task.kernel.kernel_name, node)
        return operator_launch(node, self._mode)


def _accesses(calls: dict[int, Call]) -> Iterator[Access]:
    """What each task reads and writes; variables count like any other memory."""
    for place, call in sorted(calls.items()):
        for tensors, writes in ((call.inputs, False), (call.outputs, True)):
            for tensor in tensors:
                yield Access(place, tensor.address, tensor.address + tensor.desc.size, writes)


def _addresses(task: TaskDef, node: Node) -> Arguments:
    found = Arguments.unpack(task.kernel.args, len(node.inputs), len(node.outputs))
    if found is None:
        needed, count = len(node.inputs) + len(node.outputs), len(task.kernel.args) // 8
        raise failure(f"node '{node.name}' needs {needed} arguments, its task has {count}")
    return found


def _replayed(position: int, task: TaskDef) -> Task:
    if task.type not in set(TaskType):
        raise AclError(
            Code.GE_LOAD_TASK_PARTITION,
            f"task {position} has type {task.type}; the simulated device runs kernels (0), event "
            "records (1) and event waits (2)",
        )
    return Task(TaskType(task.type), task.stream_id, task.event_id)


def _data(ops: Sequence[OpDef]) -> list[OpDef]:
    return [op for op in ops if op.type == "Data"]


def _what(op: OpDef) -> str:
    return f"node '{op.name}' ({op.type})"


def _index(op: OpDef) -> int:
    return attribute(op, "index") or 0
