"""Pass davinci-plan-memory: the addresses of every local buffer."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, i64
from xdsl.passes import ModulePass

from compiler.kernels.engines import work_on_kernels
from compiler.kernels.local_memory import local_addresses
from dialects.davinci import KernelOp


@dataclass(frozen=True)
class DavinciPlanMemoryPass(ModulePass):
    """Give each slot of each `davinci.alloc` an address that keeps alignment and capacity.

    The capacities are those of the kernel's own SoC.
    """

    name = "davinci-plan-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        work_on_kernels(op, plan_memory)


def plan_memory(kernel: KernelOp) -> None:
    """Plan one kernel; LocalMemoryError when its buffers do not fit."""
    for op, addresses in local_addresses(kernel):
        op.properties["addresses"] = DenseArrayBase.from_list(i64, list(addresses))
