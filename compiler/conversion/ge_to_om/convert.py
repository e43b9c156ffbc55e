"""The conversion: place every node, list the tasks, write down what the loader must know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass

from compiler.conversion.ge_to_om.capacity import check_capacity
from compiler.conversion.ge_to_om.refreshable import take_manifest
from compiler.conversion.ge_to_om.schedule import (
    Schedule,
    block_dim_of,
    engine_of,
    schedule,
)
from compiler.conversion.ge_to_om.storage import Storage, allocate
from compiler.conversion.ge_to_om.variables import VariableMemory
from compiler.errors import UserError
from compiler.om import contract
from compiler.om.contract import FEATURE_BASE, VARIABLE_BASE
from compiler.planning.streams import Launch, Record
from compiler.sizes import has_fixed_size
from compiler.soc import DEFAULT_SOC, soc
from dialects.ge import BundleOp, GraphOp, NodeOp
from dialects.om import BundleOp as OMBundleOp
from dialects.om import (
    EventRecordOp,
    EventWaitOp,
    KernelTaskOp,
    ModelOp,
    PlacementAttr,
)


@dataclass(frozen=True)
class ConvertGEToOMPass(ModulePass):
    """Turn each graph into an `om.model`, and a bundle of graphs into an `om.bundle`.

    A graph whose shapes are all known and that owns no subgraphs becomes a static model: a task
    list with every address in it. Any other becomes a dynamic model, whose graph the device walks.
    All models of a bundle share one variable memory.
    """

    name = "convert-ge-to-om"

    soc: str = DEFAULT_SOC

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        soc(self.soc)  # the name must be one, though the model only carries it
        for inner in list(op.body.block.ops):
            if isinstance(inner, GraphOp):
                model = self._model(inner, VariableMemory())
                op.body.block.add_op(model)
            elif isinstance(inner, BundleOp):
                op.body.block.add_op(self._bundle(inner))
                inner.detach()

    def _bundle(self, bundle: BundleOp) -> OMBundleOp:
        variables = VariableMemory()
        models = [self._model(graph, variables) for graph in bundle.graphs]
        return OMBundleOp(variables.size, models)

    def _model(self, graph: GraphOp, variables: VariableMemory) -> ModelOp:
        storage = allocate(graph, variables)
        plan = schedule(graph, storage) if is_static_graph(graph) else None
        if plan is not None:
            check_capacity(graph, plan.memory.size, soc(self.soc))
        _check_outputs(graph, storage)
        place_nodes(graph, Addresses(storage, plan))
        tasks = _tasks(plan, Addresses(storage, plan)) if plan else ()
        attributes = self._attributes(graph, storage, plan, variables)
        graph.detach()
        platform = f"ascend-opt {version('ascend-opt')}"
        body = [graph, *tasks]
        return ModelOp(graph.label, body, attributes, dynamic=plan is None, platform=platform)

    def _attributes(
        self, graph: GraphOp, storage: Storage, plan: Schedule | None, variables: VariableMemory
    ) -> dict[str, Attribute]:
        memory = plan.memory.size if plan else 0
        numbers = {
            contract.FEATURE_SIZE_NAME: memory,
            "zero_copy_memory_size": plan.memory.interface if plan else 0,
            "weight_size": storage.weights.total,
            "stream_num": plan.streams.stream_count if plan else 1,
            "event_num": plan.streams.events if plan else 0,
            contract.FEATURE_BASE_NAME: FEATURE_BASE,
            contract.WEIGHT_BASE_NAME: FEATURE_BASE + memory,
            contract.VARIABLE_BASE_NAME: VARIABLE_BASE,
            contract.VARIABLE_SIZE_NAME: variables.size,
            **dict.fromkeys(("p2p_memory_size", "label_num", "notify_num", "core_type"), 0),
        }
        attributes: dict[str, Attribute] = {k: IntegerAttr(v, i64) for k, v in numbers.items()}
        names = graph.attributes.pop("attr_model_out_nodes_name", None)
        if names is not None:
            attributes["attr_model_out_nodes_name"] = names
        attributes |= take_manifest(graph)
        return attributes | {"soc_version": StringAttr(self.soc), "target_type": StringAttr("MINI")}


def is_static_graph(graph: GraphOp) -> bool:
    """Whether every tensor has a known size and no node owns a graph."""
    return all(
        not node.regions and all(has_fixed_size(result) for result in node.results)
        for node in graph.nodes
    )


@dataclass(frozen=True, slots=True)
class Addresses:
    """Turns places into the offsets of operators and the logical addresses of tasks."""

    storage: Storage
    plan: Schedule | None

    def offset(self, value: SSAValue) -> int:
        """What an operator's input_i or output_i holds."""
        place = self.storage.places[value]
        if place.memory == "feature":
            return self.plan.memory.offsets[place.number] if self.plan else 0
        return place.number

    def logical(self, value: SSAValue) -> int:
        """What a task's arguments hold."""
        assert self.plan is not None
        base = {
            "feature": FEATURE_BASE,
            "weight": FEATURE_BASE + self.plan.memory.size,
            "variable": 0,
        }
        return base[self.storage.places[value].memory] + self.offset(value)


def place_nodes(graph: GraphOp, addresses: Addresses) -> None:
    """Give every node its id, its stream and the offsets of its tensors."""
    streams: dict[Operation, int] = {}
    if plan := addresses.plan:
        streams = dict(zip(plan.nodes, plan.streams.streams, strict=True))
    for number, node in zip(count(), graph.all_nodes, strict=False):
        node.attributes["placement"] = PlacementAttr.of(
            number,
            streams.get(node, 0),
            [addresses.offset(value) for value in node.operands],
            [addresses.offset(value) for value in node.results],
        )


def _tasks(plan: Schedule, addresses: Addresses) -> Iterator[Operation]:
    for task in plan.streams.tasks:
        if isinstance(task, Launch):
            yield _kernel_task(plan.nodes[task.step], plan.streams.streams[task.step], addresses)
        else:
            kind = EventRecordOp if isinstance(task, Record) else EventWaitOp
            yield kind(task.stream, task.event)


def _kernel_task(node: NodeOp, stream: int, addresses: Addresses) -> KernelTaskOp:
    on_cpu = engine_of(node) == contract.AI_CPU_ENGINE
    kernel = node.attributes.get(contract.KERNEL_NAME)
    return KernelTaskOp(
        node.label,
        kernel.data if isinstance(kernel, StringAttr) else "RunCpuKernel",
        "AI_CPU" if on_cpu else "TE",
        stream,
        block_dim_of(node),
        args=[addresses.logical(value) for value in (*node.operands, *node.results)],
    )


def _check_outputs(graph: GraphOp, storage: Storage) -> None:
    for value in graph.output.operands if graph.output else ():
        if storage.places[value].memory != "feature":
            assert isinstance(value.owner, NodeOp)
            raise UserError(f"a model output is the constant or variable '{value.owner.label}'")
