"""Pass convert-ge-to-davinci: a kernel for each node that has a builder, an engine for all."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr, i1, i64
from xdsl.passes import ModulePass

from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.registry import BUILDERS, Builder
from compiler.kernels.flags import kernel_flags
from compiler.kernels.local_memory import local_addresses
from compiler.kernels.symbols import AI_CPU_REASON
from compiler.om import contract
from compiler.planning.local_memory import LocalMemoryError
from compiler.planning.sync import SyncError
from compiler.planning.tiling_cube import TilingError
from compiler.rewrite import main_graphs
from compiler.soc import DEFAULT_SOC, Soc, soc
from dialects.davinci import KernelOp
from dialects.ge import NodeOp, Op, type_of

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

NO_KERNEL = (UnsupportedError, TilingError, LocalMemoryError, SyncError)
"""What keeps a node from the AI Core: it then goes to the AI CPU."""


@dataclass(frozen=True)
class ConvertGEToDavinciPass(ModulePass):
    """Give every compute node its engine, and AI-Core nodes a kernel that equal nodes share.

    Where no kernel can be built, or it would not fit its core, the node goes to the AI CPU and
    says why in `_ascend_opt_ai_cpu_reason`.
    """

    name = "convert-ge-to-davinci"

    soc: str = DEFAULT_SOC

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        kernels = _Kernels(op, soc(self.soc))
        nodes = [node for graph in main_graphs(op) for node in graph.all_nodes]
        for node in nodes:
            if isinstance(node, Op):
                _assign(node, kernels)
        op.body.block.add_ops(kernels.new)


class _Kernels:
    """The kernels of a module by name, and why there is none for some operators."""

    def __init__(self, module: ModuleOp, target: Soc):
        self._target = target
        self._known = {k.label: k for k in module.body.block.ops if isinstance(k, KernelOp)}
        self._refused: dict[str, str] = {}
        self.new: list[KernelOp] = []

    def of(self, node: Op) -> KernelOp:
        """The kernel for a node, new or shared; one of NO_KERNEL says why there is none."""
        build = BUILDERS.get(type_of(node))
        if build is None:
            raise UnsupportedError("there is no kernel builder")
        operator = Operator.of(node)
        name = operator.kernel_name(self._target.name)
        if name in self._refused:
            raise UnsupportedError(self._refused[name])
        if name not in self._known:
            self._known[name] = self._new(name, build, operator)
        return self._known[name]

    def _new(self, name: str, build: Builder, operator: Operator) -> KernelOp:
        try:
            kernel = build(operator, self._target)
            local_addresses(kernel)  # tried here, where there is still another engine,
            kernel_flags(kernel)  # and done by the passes that follow
        except NO_KERNEL as error:
            self._refused[name] = str(error)
            raise
        self.new.append(kernel)
        return kernel


def _assign(node: Op, kernels: _Kernels) -> None:
    """Set a node's engine, and its kernel where that is the AI Core."""
    if type_of(node) in NO_TASK:
        _set_engine(node, contract.LOCAL_ENGINE)
        node.attributes[contract.NO_TASK_NAME] = IntegerAttr(1, i1)
        return
    try:
        kernel = kernels.of(node)
    except NO_KERNEL as error:
        _set_engine(node, contract.AI_CPU_ENGINE)
        node.attributes.setdefault(AI_CPU_REASON, StringAttr(str(error)))
        return
    _set_engine(node, contract.AI_CORE_ENGINE)
    node.attributes[contract.KERNEL_NAME] = kernel.sym_name
    node.attributes[contract.BLOCK_DIM_NAME] = IntegerAttr(kernel.blocks, i64)
    node.attributes["_cube_vector_core_type"] = kernel.core_type


def _set_engine(node: NodeOp, library: str) -> None:
    node.attributes[contract.ENGINE_NAME] = StringAttr(library)
