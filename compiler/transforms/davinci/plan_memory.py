"""Pass davinci-plan-memory: the addresses of every local buffer."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, i64
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from compiler.kernels.local_memory import local_addresses
from compiler.planning.local_memory import LocalMemoryError
from dialects.davinci import KernelOp


@dataclass(frozen=True)
class DavinciPlanMemoryPass(ModulePass):
    """Give each slot of each `davinci.alloc` an address that keeps alignment and capacity.

    The capacities are those of the kernel's own SoC.
    """

    name = "davinci-plan-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for kernel in op.body.block.ops:
            if isinstance(kernel, KernelOp):
                plan_memory(kernel)


def plan_memory(kernel: KernelOp) -> None:
    """Plan one kernel; PassFailedException when its buffers do not fit."""
    try:
        plan = local_addresses(kernel)
    except LocalMemoryError as error:
        raise PassFailedException(f"kernel {kernel.label}: {error}") from None
    for op, addresses in plan:
        op.properties["addresses"] = DenseArrayBase.from_list(i64, list(addresses))
