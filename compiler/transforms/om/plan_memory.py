"""om-plan-memory: addresses for everything that a model's tasks read and write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from compiler.constants import weight_of
from compiler.kernels.symbols import workspaces_of
from compiler.om import contract
from compiler.om.contract import FEATURE_BASE, VARIABLE_BASE
from compiler.om.weights import Constant, WeightPlan, plan_weights
from compiler.planning.memory import MemoryPlan, plan_memory
from compiler.planning.streams import Launch, Record, Task, Wait, certain_before
from compiler.sizes import byte_size
from compiler.soc import soc
from compiler.tasks.capacity import check_capacity
from compiler.tasks.dependences import tensors_of
from compiler.tasks.places import Place, Places, find_places
from compiler.tasks.variables import VariableMemory
from compiler.weights.digests import all_sha256
from dialects.ge import ConstOp, FileConstantOp, GraphOp, NodeOp
from dialects.om import BundleOp, EventRecordOp, EventWaitOp, KernelTaskOp, ModelOp, PlacementAttr

Workspaces: TypeAlias = "Mapping[str, Sequence[int]]"
"""The bytes of each workspace of the kernels that have any, by kernel name."""

NONE = ("p2p_memory_size", "label_num", "notify_num", "core_type")
"""Numbers that the loader wants to see, and that are 0 in our models."""


@dataclass(frozen=True)
class OMPlanMemoryPass(ModulePass):
    """Place the tensors of every model, and write that into its graph and its tasks.

    Constants lie in the weight partition, equal ones once; variables and file constants in the
    variable memory, which the models of a bundle share; all else in feature memory, at multiples
    of 512 bytes, where tensors share bytes when streams and events say that one is done with
    before the other is there, and elementwise results are written over operands. Inputs and
    outputs of the model lie at its end, and nothing else there. UserError where a static model
    needs more than its SoC has. Models that are planned already keep their addresses.
    """

    name = "om-plan-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        kernels = workspaces_of(op)
        for inner in op.body.block.ops:
            if isinstance(inner, ModelOp):
                _plan([inner], kernels)
            elif isinstance(inner, BundleOp):
                size = _plan(inner.models, kernels)
                if size is not None:
                    inner.var_size = IntegerAttr(size, i64)


def _plan(models: Sequence[ModelOp], kernels: Workspaces) -> int | None:
    """Plan the models of one session; the bytes of its variables, None where all are planned."""
    new = [model for model in models if contract.FEATURE_SIZE_NAME not in model.attributes]
    variables = VariableMemory()
    for model in new:
        _plan_model(model, variables, kernels)
    return variables.size if new else None


def _plan_model(model: ModelOp, variables: VariableMemory, kernels: Workspaces) -> None:
    [graph] = model.graphs
    places = find_places(graph)
    places.add_workspaces(graph, kernels)
    weights = _planned_weights(places.constants)
    for key, value in places.variables:
        # One file may hold the bytes of constants of several types.
        kind = "a file" if isinstance(value.owner, FileConstantOp) else str(value.type)
        variables.address(key, byte_size(value), kind)
    memory = None if model.dynamic else _planned_memory(model, graph, places)
    addresses = Addresses(places, weights, variables, memory)
    streams = {task.node.data: task.stream_id for task in _launches(model)}
    for number, node in zip(count(), graph.all_nodes, strict=False):
        node.attributes["placement"] = addresses.placement(number, node, streams)
    nodes = {node.label: node for node in graph.nodes}
    for task in _launches(model):
        task.properties["args"] = addresses.arguments(nodes[task.node.data])
    numbers = addresses.numbers
    model.attributes |= {name: IntegerAttr(number, i64) for name, number in numbers.items()}


def _planned_weights(constants: Sequence[ConstOp]) -> WeightPlan:
    weights = [weight_of(node.value) for node in constants]
    digests = all_sha256(weights)
    return plan_weights(Constant(weight.length, digests[weight]) for weight in weights)


def _planned_memory(model: ModelOp, graph: GraphOp, places: Places) -> MemoryPlan:
    launches = {task.node.data: i for i, task in enumerate(_launches(model))}
    nodes = {node.label: node for node in graph.nodes}
    ordered = [nodes[label] for label in launches]
    before = certain_before(_tasks(model, launches))
    plan = plan_memory(tensors_of(graph, ordered, places), before)
    chip = model.attributes["soc_version"]
    assert isinstance(chip, StringAttr)
    check_capacity(graph, plan.size, soc(chip.data))
    return plan


def _launches(model: ModelOp) -> Iterator[KernelTaskOp]:
    return (task for task in model.tasks if isinstance(task, KernelTaskOp))


def _tasks(model: ModelOp, launches: dict[str, int]) -> Iterator[tuple[int, Task]]:
    """The task list as plain data, each with its stream."""
    for task in model.tasks:
        match task:
            case KernelTaskOp():
                yield task.stream_id, Launch(launches[task.node.data])
            case EventRecordOp():
                yield task.stream_id, Record(task.stream_id, task.event_id)
            case EventWaitOp():
                yield task.stream_id, Wait(task.stream_id, task.event_id)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class Addresses:
    """Turns places into the offsets of operators and the logical addresses of tasks."""

    places: Places
    weights: WeightPlan
    variables: VariableMemory
    memory: MemoryPlan | None

    @property
    def numbers(self) -> dict[str, int]:
        """What the loader must know of the memories."""
        memory = self.memory.size if self.memory else 0
        return {
            contract.FEATURE_SIZE_NAME: memory,
            contract.INTERFACE_SIZE_NAME: self.memory.interface if self.memory else 0,
            "weight_size": self.weights.total,
            contract.FEATURE_BASE_NAME: FEATURE_BASE,
            contract.WEIGHT_BASE_NAME: FEATURE_BASE + memory,
            contract.VARIABLE_BASE_NAME: VARIABLE_BASE,
            contract.VARIABLE_SIZE_NAME: self.variables.size,
            **dict.fromkeys(NONE, 0),
        }

    def placement(self, number: int, node: NodeOp, streams: dict[str, int]) -> PlacementAttr:
        """A node's id, stream, and the offsets of its tensors."""
        return PlacementAttr.of(
            number,
            streams.get(node.label, 0),
            self._offsets(node.operands),
            self._offsets(node.results),
            self._workspaces(node),
            workspace_bytes=[self.places.slots[i] for i in self.places.workspaces.get(node, ())],
        )

    def arguments(self, node: NodeOp) -> DenseArrayBase:
        """The logical addresses of a node's tensors and of its kernel's workspaces."""
        tensors = [self._logical(value) for value in (*node.operands, *node.results)]
        own = [FEATURE_BASE + offset for offset in self._workspaces(node)]
        return DenseArrayBase.from_list(i64, [*tensors, *own])

    def _workspaces(self, node: NodeOp) -> list[int]:
        slots = self.places.workspaces.get(node, ())
        return [self.memory.offsets[slot] for slot in slots] if self.memory else []

    def _offsets(self, values: Iterable[SSAValue]) -> list[int]:
        return [self._offset(self.places.of[value]) for value in values]

    def _offset(self, place: Place) -> int:
        match place.memory, place.key:
            case "variable", str(key):
                return self.variables[key]
            case "weight", int(number):
                return self.weights.offsets[number]
            case _, number:
                return self.memory.offsets[int(number)] if self.memory else 0

    def _logical(self, value: SSAValue) -> int:
        assert self.memory is not None
        place = self.places.of[value]
        bases = {"feature": FEATURE_BASE, "weight": FEATURE_BASE + self.memory.size, "variable": 0}
        return bases[place.memory] + self._offset(place)
