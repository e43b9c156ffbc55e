"""Pass davinci-lower-tiles: operators on tensors become loops over tiles in buffers."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from compiler.conversion.ge_to_davinci.registry import builder_of
from compiler.conversion.ge_to_davinci.tile_level import operator_of
from compiler.kernels.engines import (
    kernels_of,
    launches,
    to_ai_core,
    work_on_kernels,
)
from compiler.soc import soc
from dialects.davinci import KernelOp


@dataclass(frozen=True)
class DavinciLowerTilesPass(ModulePass):
    """Build every kernel of the tile level, and note on how many cores its nodes run.

    Tiles that are not chosen yet are chosen here.
    """

    name = "davinci-lower-tiles"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        tiled = [kernel.label for kernel in kernels_of(op) if kernel.is_tiled]
        work_on_kernels(op, lower_tiles)
        kernels = {kernel.label: kernel for kernel in kernels_of(op)}
        lowered = {name: kernels[name] for name in tiled if name in kernels}
        for node, name in launches(op, lowered):
            to_ai_core(node, lowered[name])


def lower_tiles(kernel: KernelOp) -> None:
    """Put a built kernel in the place of one at the tile level; other kernels stay."""
    if not kernel.is_tiled:
        return
    operator = operator_of(kernel)
    built = builder_of(operator)(operator, soc(kernel.soc.data))
    built.properties["sym_name"] = kernel.sym_name
    Rewriter.replace_op(kernel, built)
