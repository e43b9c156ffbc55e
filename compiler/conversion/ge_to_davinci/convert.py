"""Pass convert-ge-to-davinci: an engine for every node, and for some a kernel on tensors."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i1
from xdsl.passes import ModulePass

from compiler.conversion.ge_to_davinci.operator import Operator
from compiler.conversion.ge_to_davinci.registry import BUILDERS
from compiler.conversion.ge_to_davinci.tile_level import tile_kernel
from compiler.kernels.engines import (
    UnsupportedError,
    kernels_of,
    set_engine,
    to_ai_core,
    to_ai_cpu,
)
from compiler.om import contract
from compiler.rewrite import main_graphs
from compiler.soc import DEFAULT_SOC, soc
from dialects.davinci import KernelOp
from dialects.ge import FusedOp, Op, type_of

NO_TASK = frozenset(
    {
        "Reshape",
        "Flatten",
        "FlattenV2",
        "Squeeze",
        "SqueezeV2",
        "SqueezeV3",
        "Unsqueeze",
        "UnsqueezeV2",
        "UnsqueezeV3",
        "Identity",
        "If",
        "PartitionedCall",
    }
)
"""Views of their input, and nodes that only hold graphs."""


@dataclass(frozen=True)
class ConvertGEToDavinciPass(ModulePass):
    """Give every compute node its engine, and AI-Core nodes a kernel that equal nodes share.

    Kernels are at the tile level. A node that has no builder goes to the AI CPU and says why in
    `_ascend_opt_ai_cpu_reason`; so do, in the passes that follow, nodes whose kernel cannot be
    built or does not fit its core. Fused nodes come apart then, and their parts, as all nodes
    without an engine, are for the next run of this pass.
    """

    name = "convert-ge-to-davinci"

    soc: str = DEFAULT_SOC

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = soc(self.soc)
        kernels = {kernel.label: kernel for kernel in kernels_of(op)}
        known = len(kernels)
        nodes = [node for graph in main_graphs(op) for node in graph.all_nodes]
        for node in nodes:
            if isinstance(node, Op | FusedOp) and contract.ENGINE_NAME not in node.attributes:
                _assign(node, kernels, target.name)
        op.body.block.add_ops(list(kernels.values())[known:])


def _assign(node: Op | FusedOp, kernels: dict[str, KernelOp], soc: str) -> None:
    """Set a node's engine, and its kernel, new or shared, where that is the AI Core."""
    if type_of(node) in NO_TASK:
        set_engine(node, contract.LOCAL_ENGINE)
        node.attributes[contract.NO_TASK_NAME] = IntegerAttr(1, i1)
        return
    try:
        operator = _operator(node)
    except UnsupportedError as error:
        to_ai_cpu(node, str(error))
        return
    name = operator.kernel_name(soc)
    if name not in kernels:
        kernels[name] = tile_kernel(operator, soc)
    to_ai_core(node, kernels[name])


def _operator(node: Op | FusedOp) -> Operator:
    if type_of(node) not in BUILDERS:
        raise UnsupportedError("there is no kernel builder")
    return Operator.of(node)
