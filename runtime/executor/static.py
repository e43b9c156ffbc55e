"""Static models: the task list replayed at the addresses the compiler planned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.om import contract
from compiler.om.contract import Arguments, KernelType, TaskType
from compiler.om.ge_ir_pb2 import ModelDef, OpDef
from compiler.om.offline_model import SubModel
from compiler.om.task_pb2 import TaskDef
from runtime.device import Bytes
from runtime.errors import AclError, Code
from runtime.executor.launch import FileKernels, Launch, operator_launch, unpacking
from runtime.executor.memory import AddressSpace, Region, Session
from runtime.executor.observer import Observer
from runtime.executor.operators import attribute, node_of, operands, tensor_desc
from runtime.executor.races import Access, first_race
from runtime.executor.replay import Deadlock, Task, replay_order
from runtime.operator_engine import Array, Node, OperatorError, TensorDesc
from runtime.packing import packed, unpacked
from runtime.precision import FloatMode
from runtime.settings import Engine


def model_integer(model: ModelDef, name: str, default: int = 0) -> int:
    """An integer attribute of the model."""
    return model.attr[name].i if name in model.attr else default


@dataclass(frozen=True, slots=True)
class Slot:
    """An input or output of the model: its tensor in memory, or the bytes of packed elements."""

    desc: TensorDesc
    memory: Array

    def read(self) -> Array:
        """The tensor, which is a view of memory unless its elements are packed."""
        if not self.desc.is_packed:
            return self.memory
        return unpacked(self.memory, self.desc.dtype, self.desc.shape)

    def write(self, value: Array) -> None:
        """Put a tensor in its place."""
        if self.desc.is_packed:
            value = packed(value.astype(self.desc.dtype, copy=False))
        np.copyto(self.memory, value)


@dataclass(frozen=True, slots=True)
class Step:
    """One task: a node, its tensors in memory, what computes it, the variable it assigns."""

    node: Node
    inputs: dict[str, Array]
    outputs: tuple[Array, ...]
    launch: Launch
    assigns: int | None


class StaticExecutor:
    """Runs a model whose shapes, addresses and streams are fixed."""

    def __init__(
        self,
        model: SubModel,
        feature: Bytes,
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
        behind = base + len(feature)
        weight_base = model_integer(definition, contract.WEIGHT_BASE_NAME, behind)
        self._base, self._weight_base = base, weight_base
        self.session = session
        self.space = AddressSpace(
            Region("feature", base, feature), Region("weights", weight_base, weights),
            session.region,
        )  # fmt: skip
        self._mode = mode
        self._kernels = FileKernels(model, mode) if engine is Engine.KERNEL else None
        graph = definition.graph[0]
        self._graph, self._observer = graph.name, observer
        self._ops = {op.id: op for op in graph.op}
        self.inputs = [self._input(op) for op in sorted(_data(graph.op), key=_index)]
        self.outputs = [
            slot for op in graph.op if op.type == "NetOutput" for slot in self._outputs(op)
        ]
        self.steps = self._steps(model, faithful=faithful)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Executes the model once; the results are views of its memory, valid until the next."""
        for slot, value in zip(self.inputs, inputs, strict=True):
            slot.write(value)
        try:
            for step in self.steps:
                step.launch(step.inputs, step.outputs)
                if step.assigns is not None:
                    self.session.written.add(step.assigns)
                if self._observer is not None:
                    self._observer(self._graph, step.node.name, step.outputs)
        except OperatorError as error:
            raise AclError(Code.RT_MODEL_EXECUTE, str(error)) from error
        return [slot.read() for slot in self.outputs]

    def _input(self, op: OpDef) -> Slot:
        desc = tensor_desc(op.output_desc[0], op.name)
        return Slot(desc, self._tensor(op.output_i[0] if op.output_i else 0, desc, op))

    def _outputs(self, op: OpDef) -> list[Slot]:
        found: list[Slot] = []
        for operand in operands(op):
            if operand.place >= len(op.input_i):
                raise _broken(f"node '{op.name}' has no input_i for input {operand.place}")
            offset = op.input_i[operand.place]
            constant = operand.place < len(op.is_input_const) and op.is_input_const[operand.place]
            address = self._weight_base + offset - self._base if constant else offset
            found.append(Slot(operand.desc, self._tensor(address, operand.desc, op)))
        return found

    def _tensor(self, offset: int, desc: TensorDesc, op: OpDef) -> Array:
        """A tensor by the offset in the graph."""
        address = contract.logical_address(
            offset, feature_base=self._base, variable_base=self.session.base
        )
        return self.space.tensor(address, desc, f"node '{op.name}' ({op.type})")

    def _steps(self, model: SubModel, *, faithful: bool) -> list[Step]:
        tasks = list(model.task_def.task)
        replayed = [_replayed(position, task) for position, task in enumerate(tasks)]
        try:
            order = replay_order(replayed)
        except Deadlock as deadlock:
            raise _broken(f"{model.source}: {deadlock}") from None
        steps = {
            place: self._step(tasks[place])
            for place in order
            if replayed[place].kind is TaskType.KERNEL
        }
        race = None if faithful else first_race(replayed, order, list(_accesses(steps)))
        if race is not None:
            one, other = (f"'{steps[p].node.name}' (stream {tasks[p].stream_id})" for p in race)
            raise _broken(
                f"{model.source}: nodes {one} and {other} use the same memory with no event "
                "between them"
            )
        return list(steps.values())

    def _step(self, task: TaskDef) -> Step:
        op = self._ops.get(task.kernel.context.op_index)
        if op is None:
            raise _broken(f"a task refers to operator {task.kernel.context.op_index}, which is not")
        connected = operands(op)
        node = node_of(op, connected)
        addresses = _addresses(task, node)
        what = f"node '{op.name}' ({op.type})"
        inputs = {
            operand.port: self.space.tensor(address, operand.desc, what)
            for operand, address in zip(connected, addresses.inputs, strict=True)
        }
        outputs = tuple(
            self.space.tensor(address, desc, what)
            for desc, address in zip(node.outputs, addresses.outputs, strict=True)
        )
        if not all(output.flags.writeable for output in outputs):
            raise _broken(f"{what} would write into the weights")
        launch = unpacking(self._launch(task, node), node, [operand.port for operand in connected])
        assigns = addresses.inputs[0] if op.type == "Assign" else None
        return Step(node, inputs, outputs, launch, assigns)

    def _launch(self, task: TaskDef, node: Node) -> Launch:
        if self._kernels is not None and task.kernel.context.kernel_type == KernelType.TE:
            return self._kernels.launch(task.kernel.kernel_name, node)
        return operator_launch(node, self._mode)


def _accesses(steps: dict[int, Step]) -> Iterator[Access]:
    """What each task reads and writes; variables count like any other memory."""
    for place, step in sorted(steps.items()):
        for tensors, writes in ((step.inputs.values(), False), (step.outputs, True)):
            for tensor in tensors:
                start = tensor.ctypes.data
                yield Access(place, start, start + tensor.nbytes, writes)


def _addresses(task: TaskDef, node: Node) -> Arguments:
    found = Arguments.unpack(task.kernel.args, len(node.inputs), len(node.outputs))
    if found is None:
        needed, count = len(node.inputs) + len(node.outputs), len(task.kernel.args) // 8
        raise _broken(f"node '{node.name}' needs {needed} arguments, its task has {count}")
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


def _index(op: OpDef) -> int:
    return attribute(op, "index") or 0


def _broken(message: str) -> AclError:
    return AclError(Code.GE_FAILURE, message)
