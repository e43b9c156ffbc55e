"""Pass convert-ge-to-davinci: a kernel for each node that has a builder, an engine for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr, i1, i64
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.registry import BUILDERS
from compiler.planning.tiling_cube import TilingError
from compiler.soc import Soc, soc
from dialects.davinci import KernelOp
from dialects.ge import BundleOp, GraphOp, NodeOp, Op, type_of

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

AI_CORE = "AIcoreEngine"
AI_CPU = "aicpu_ascend_kernel"
LOCAL = "DNN_VM_GE_LOCAL_OP_STORE"


@dataclass(frozen=True)
class ConvertGEToDavinciPass(ModulePass):
    """Give every compute node its engine, and AI-Core nodes a kernel that equal nodes share."""

    name = "convert-ge-to-davinci"

    soc: str = "Ascend910B4"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = target_soc(self.soc)
        known = {k.label: k for k in op.body.block.ops if isinstance(k, KernelOp)}
        added: dict[str, KernelOp] = {}
        for node in _nodes(op):
            kernel = _assign(node, target, known)
            if kernel is not None and kernel.parent is None:
                added[kernel.label] = kernel
        op.body.block.add_ops(added.values())


def target_soc(name: str) -> Soc:
    """The SoC of a pass option; PassFailedException when there is none of that name."""
    try:
        return soc(name)
    except ValueError as error:
        raise PassFailedException(str(error)) from None


def _nodes(module: ModuleOp) -> Iterator[Op]:
    """The compute nodes of every graph, subgraphs included."""
    for op in module.body.block.ops:
        graphs = op.graphs if isinstance(op, BundleOp) else [op] if isinstance(op, GraphOp) else []
        for graph in graphs:
            yield from (node for node in graph.all_nodes if isinstance(node, Op))


def _assign(node: Op, target: Soc, known: dict[str, KernelOp]) -> KernelOp | None:
    """Set a node's engine; its kernel, new or shared, where the engine is the AI Core."""
    if type_of(node) in NO_TASK:
        _set_engine(node, LOCAL)
        node.attributes["_no_task"] = IntegerAttr(1, i1)
        return None
    try:
        kernel = _kernel(node, target, known)
    except (UnsupportedError, TilingError):
        _set_engine(node, AI_CPU)
        return None
    _set_engine(node, AI_CORE)
    node.attributes["_kernelname"] = kernel.sym_name
    node.attributes["tvm_blockdim"] = IntegerAttr(kernel.blocks, i64)
    node.attributes["_cube_vector_core_type"] = kernel.core_type
    return kernel


def _set_engine(node: NodeOp, library: str) -> None:
    node.attributes["_ge_attr_op_kernel_lib_name"] = StringAttr(library)


def _kernel(node: Op, target: Soc, known: dict[str, KernelOp]) -> KernelOp:
    build = BUILDERS.get(type_of(node))
    if build is None:
        raise UnsupportedError("there is no kernel builder")
    operator = Operator.of(node)
    name = operator.kernel_name(target.name)
    if name not in known:
        known[name] = build(operator, target)
    return known[name]
