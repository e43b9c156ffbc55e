"""Pass davinci-split-mix: a function for the cube operators of a kernel, one for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from compiler.conversion.ge_to_davinci.tile_level import ON_CUBE, operator_of, tiles_of
from compiler.kernels.engines import work_on_kernels
from compiler.soc import soc
from dialects.davinci import EmptyOp, FunctionOp, KernelOp, ReturnOp, TileOp
from dialects.davinci.functions import CUBE, MIX, VECTOR


@dataclass(frozen=True)
class DavinciSplitMixPass(ModulePass):
    """Give cube cores the cube operators of a kernel, and the vector cores beside them the rest.

    What is between them lies in global memory: the kernel has it as a tensor of its own. Kernels
    for cores that do both, and those whose vector part the fixpipe can do, stay as they are.
    """

    name = "davinci-split-mix"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        work_on_kernels(op, split_mix)


def split_mix(kernel: KernelOp) -> None:
    """Split one kernel at the tile level, where it has operators of both kinds."""
    tiles = tiles_of(kernel)
    cube = [tile for tile in tiles if tile.op_type.data in ON_CUBE]
    vector = [tile for tile in tiles if tile not in cube]
    split_cores = soc(kernel.soc.data).split_cores
    if not cube or not vector or not split_cores or operator_of(kernel).relu:
        return
    body = kernel.body.block
    for tile in cube:
        for result, room in zip(tile.results, tile.outs, strict=True):
            result.replace_all_uses_with(room)
    between = {value for tile in cube for value in tile.outs}
    inner = [op for op in body.ops if isinstance(op, EmptyOp) and op.tensor not in between]
    last = body.last_op
    assert isinstance(last, ReturnOp)
    functions = [
        _function(CUBE, cube, ReturnOp([r for tile in cube for r in tile.results])),
        _function(VECTOR, [*inner, *vector], last),
    ]
    body.add_ops(functions)
    kernel.properties["core_type"] = StringAttr(MIX)


def _function(core_type: str, ops: Sequence[EmptyOp | TileOp], end: ReturnOp) -> FunctionOp:
    """A function of operations that were elsewhere."""
    moved: list[Operation] = [*ops, end]
    for op in moved:
        if op.parent is not None:
            op.detach()
    return FunctionOp(core_type, moved)
