"""Pass davinci-verify-sync: the proof that flags order a scheduled kernel, none in vain."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from compiler.kernels.groups import GroupPrograms
from compiler.kernels.hazards import HazardProgram
from compiler.planning.group_proof import prove_groups
from compiler.planning.sync_proof import HazardError, prove
from dialects.davinci import AllocOp, KernelOp
from dialects.davinci.functions import MIX


@dataclass(frozen=True)
class DavinciVerifySyncPass(ModulePass):
    """Prove every kernel; nothing is changed.

    On every core: uses of the same bytes by different pipes are ordered by flags, no buffer is
    overwritten while it is in use, no wait blocks for ever, flags are binary semaphores balanced
    in every loop, and none can be left out. The same holds of the flags between the cores of a
    group and what these do with global memory; groups do not meet there. Alignment, capacity and
    accesses outside of buffers are davinci-verify-memory's.
    """

    name = "davinci-verify-sync"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for kernel in op.body.block.ops:
            if isinstance(kernel, KernelOp):
                verify_sync(kernel)


def verify_sync(kernel: KernelOp) -> None:
    """Prove one kernel; PassFailedException names what is wrong."""
    for op in kernel.body.walk():
        if isinstance(op, AllocOp) and not op.slot_addresses:
            name = op.buffer.name_hint
            raise PassFailedException(
                f"kernel {kernel.label}: buffer {name} has no address: plan memory first"
            )
    try:
        for function in kernel.functions:
            program = HazardProgram(kernel, function)
            prove(program.uses, program.nodes)
        if kernel.core_type.data == MIX:
            programs = GroupPrograms(kernel)
            groups = list(programs)
            prove_groups(groups, programs.meets())
    except HazardError as error:
        raise PassFailedException(f"kernel {kernel.label}: {error}") from None
