"""The conversion: a model of each graph, with a task for each node that the device works for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Attribute
from xdsl.passes import ModulePass

from compiler.conversion.ge_to_om.refreshable import take_manifest
from compiler.errors import UserError
from compiler.om import contract
from compiler.sizes import has_fixed_size
from compiler.soc import DEFAULT_SOC, soc
from compiler.tasks.dependences import engine_of, nodes_with_tasks
from compiler.tasks.places import STORED, shares_input
from dialects.ge import BundleOp, GraphOp, NodeOp
from dialects.om import BundleOp as OMBundleOp
from dialects.om import KernelTaskOp, ModelOp

OUTPUT_NAMES = "attr_model_out_nodes_name"


@dataclass(frozen=True)
class ConvertGEToOMPass(ModulePass):
    """Turn each graph into an `om.model`, and a bundle of graphs into an `om.bundle`.

    A graph whose shapes are all known and that owns no subgraphs becomes a static model, with a
    list of tasks in the graph's order, all on one stream and without addresses: those come with
    `om-assign-streams` and `om-plan-memory`. Any other becomes a dynamic model, whose graph the
    device walks.
    """

    name = "convert-ge-to-om"

    soc: str = DEFAULT_SOC

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        soc(self.soc)  # the name must be one, though the model only carries it
        for inner in list(op.body.block.ops):
            if isinstance(inner, GraphOp):
                op.body.block.add_op(self._model(inner))
            elif isinstance(inner, BundleOp):
                op.body.block.add_op(OMBundleOp(0, [self._model(graph) for graph in inner.graphs]))
                inner.detach()

    def _model(self, graph: GraphOp) -> ModelOp:
        _check_outputs(graph)
        static = is_static_graph(graph)
        tasks = _tasks(graph) if static else ()
        attributes = self._attributes(graph)
        graph.detach()
        platform = f"ascend-opt {version('ascend-opt')}"
        body = [graph, *tasks]
        return ModelOp(graph.label, body, attributes, dynamic=not static, platform=platform)

    def _attributes(self, graph: GraphOp) -> dict[str, Attribute]:
        names = graph.attributes.pop(OUTPUT_NAMES, None)
        attributes: dict[str, Attribute] = {} if names is None else {OUTPUT_NAMES: names}
        attributes |= take_manifest(graph)
        return attributes | {"soc_version": StringAttr(self.soc), "target_type": StringAttr("MINI")}


def is_static_graph(graph: GraphOp) -> bool:
    """Whether every tensor has a known size and no node owns a graph."""
    return all(
        not (node.regions and node.CALLS) and all(has_fixed_size(result) for result in node.results)
        for node in graph.nodes
    )


def _tasks(graph: GraphOp) -> Iterator[KernelTaskOp]:
    return (_kernel_task(node) for node in nodes_with_tasks(graph))


def _kernel_task(node: NodeOp) -> KernelTaskOp:
    on_cpu = engine_of(node) == contract.AI_CPU_ENGINE
    kernel = node.attributes.get(contract.KERNEL_NAME)
    return KernelTaskOp(
        node.label,
        kernel.data if isinstance(kernel, StringAttr) else "RunCpuKernel",
        "AI_CPU" if on_cpu else "MIX_AICORE" if _is_mixed(node) else "TE",
        stream=0,
        block_dim=node.integer(contract.BLOCK_DIM_NAME, 1),
        args=[],
    )


def _is_mixed(node: NodeOp) -> bool:
    """Whether a node's kernel runs on groups of cube and vector cores."""
    return node.attributes.get(contract.CORE_TYPE_NAME) == StringAttr(contract.MIXED)


def _check_outputs(graph: GraphOp) -> None:
    """UserError where an output is what a model stores: it would be read after it may change."""
    for value in graph.output.operands if graph.output else ():
        maker = value.owner
        while isinstance(maker, NodeOp) and shares_input(maker):
            maker = maker.operands[0].owner
        if isinstance(maker, STORED):
            raise UserError(f"a model output is the constant or variable '{maker.label}'")
