"""Which engine runs a node, which kernel it launches, and its way to the AI CPU without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.utils.exceptions import PassFailedException

from compiler.fusing import split
from compiler.kernels.symbols import AI_CPU_REASON
from compiler.om import contract
from compiler.planning.cube import TilingError
from compiler.planning.local_memory import LocalMemoryError
from compiler.planning.sync import SyncError
from compiler.rewrite import editing, main_graphs
from dialects.davinci import KernelOp
from dialects.davinci.functions import MIX
from dialects.ge import FusedOp, GraphOp, NodeOp
from dialects.op import i64_attr, name_attr


class UnsupportedError(Exception):
    """No kernel can be built for an operator; the text says why."""


NO_KERNEL = (UnsupportedError, TilingError, LocalMemoryError, SyncError)
"""What keeps a node from the AI Core: it then goes to the AI CPU."""

_OF_KERNELS = (contract.KERNEL_NAME, contract.BLOCK_DIM_NAME, contract.CORE_TYPE_NAME)


def set_engine(node: NodeOp, library: str) -> None:
    """Name the kernel library that runs a node."""
    node.attributes[contract.ENGINE_NAME] = name_attr(library)


def to_ai_core(node: NodeOp, kernel: KernelOp) -> None:
    """Let a node launch a kernel; on how many cores is noted once the kernel says so."""
    set_engine(node, contract.AI_CORE_ENGINE)
    node.attributes[contract.KERNEL_NAME] = kernel.sym_name
    if kernel.block_dim is not None:
        node.attributes[contract.BLOCK_DIM_NAME] = i64_attr(kernel.blocks)
    mixed = kernel.core_type.data == MIX
    core_type = StringAttr(contract.MIXED) if mixed else kernel.core_type
    node.attributes[contract.CORE_TYPE_NAME] = core_type


def to_ai_cpu(node: NodeOp, reason: str) -> None:
    """Let the AI CPU compute a node, and note why."""
    for name in _OF_KERNELS:
        node.attributes.pop(name, None)
    set_engine(node, contract.AI_CPU_ENGINE)
    node.attributes.setdefault(AI_CPU_REASON, StringAttr(reason))


def kernels_of(module: ModuleOp) -> list[KernelOp]:
    """The kernels that were made in a module."""
    return [op for op in module.body.block.ops if isinstance(op, KernelOp)]


def launches(module: ModuleOp, kernels: Mapping[str, object]) -> Iterator[tuple[NodeOp, str]]:
    """The nodes that launch one of some kernels, each with the kernel's name."""
    for graph in main_graphs(module):
        for node in graph.all_nodes:
            name = node.attributes.get(contract.KERNEL_NAME)
            if isinstance(name, StringAttr) and name.data in kernels:
                yield node, name.data


def work_on_kernels(module: ModuleOp, work: Callable[[KernelOp], None]) -> None:
    """Work on every kernel of a module; one that cannot be made gives way to the AI CPU.

    PassFailedException for such a kernel that no node launches: it was written by hand.
    """
    refused: dict[str, str] = {}
    for kernel in kernels_of(module):
        try:
            work(kernel)
        except NO_KERNEL as error:
            refused[kernel.label] = str(error)
    if refused:
        _give_way(module, refused)


def _split(node: FusedOp) -> None:
    graph = node.parent_op()
    assert isinstance(graph, GraphOp)
    with editing(graph) as editor:
        split(editor, node)


def _give_way(module: ModuleOp, refused: Mapping[str, str]) -> None:
    replaced: set[str] = set()
    for node, name in list(launches(module, refused)):
        replaced.add(name)
        if isinstance(node, FusedOp):
            _split(node)
        else:
            to_ai_cpu(node, refused[name])
    for kernel in kernels_of(module):
        if kernel.label in replaced:
            kernel.detach()
            kernel.erase()
        elif kernel.label in refused:
            raise PassFailedException(f"kernel {kernel.label}: {refused[kernel.label]}")
