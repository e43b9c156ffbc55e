"""Which kernels a module has, which of them a model launches, and why a node has none."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from compiler.om.contract import AI_CORE_NAMES
from dialects.davinci import KernelOp
from dialects.davinci.types import byte_size
from dialects.om import BinaryOp, KernelTaskOp, ModelOp

AI_CPU_REASON = "_ascend_opt_ai_cpu_reason"
"""The attribute that says why a node is not the AI Core's; it stays in the offline model."""

ATC_REFUSES = "_ascend_opt_atc_refuses"
"""The attribute that says why ATC would refuse the ONNX node; it stays in the offline model."""

SHAPE_RANGE = "shape_range"
"""The attribute of a Data node with the bounds of its dimensions: low, high, low, …"""


def kernel_symbols(module: ModuleOp) -> dict[str, Operation]:
    """The kernels of a module by name: made here, or referred to in the file they came from."""
    found = (op for op in module.walk() if isinstance(op, KernelOp | BinaryOp))
    return {op.sym_name.data: op for op in found}


def workspaces_of(module: ModuleOp) -> dict[str, list[int]]:
    """The bytes of each workspace of the kernels made in a module that have any."""
    kernels = (op for op in module.body.block.ops if isinstance(op, KernelOp))
    sizes = {k.label: [byte_size(type) for type in k.workspace_types] for k in kernels}
    return {name: found for name, found in sizes.items() if found}


def launched_kernels(model: ModelOp) -> list[str]:
    """The AI-Core kernels that a model's tasks launch, each once, in order of first use."""
    tasks = (task for task in model.tasks if isinstance(task, KernelTaskOp))
    launched = (task.kernel.data for task in tasks if task.kernel_type.data in AI_CORE_NAMES)
    return list(dict.fromkeys(launched))
