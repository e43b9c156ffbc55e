"""Pass davinci-select-tiles: the sizes in which each kernel cuts its operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from compiler.conversion.ge_to_davinci.registry import TILES, builder_of
from compiler.conversion.ge_to_davinci.tile_level import operator_at, operator_of, tiles_of
from compiler.errors import UserError
from compiler.kernels.engines import NO_KERNEL, work_on_kernels
from compiler.kernels.local_memory import local_addresses
from compiler.soc import soc
from dialects.davinci import KernelOp, TileOp


@dataclass(frozen=True)
class DavinciSelectTilesPass(ModulePass):
    """Choose the tiles of operators on the cube, where none are chosen yet.

    `sizes` sets some of them by hand, for all operators of a type or for one kernel:
    `sizes="MatMulV2:m=64,n=128","te_conv2d_…__kernel0:m=32"`. The names are those that the
    attribute `tiles` prints. Other operators are cut when they are lowered.
    """

    name = "davinci-select-tiles"

    sizes: tuple[str, ...] = ()

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        forced = dict(_forced(text) for text in self.sizes)
        unused = set(forced)

        def choose(kernel: KernelOp) -> None:
            for tile in tiles_of(kernel):
                names = [n for n in (tile.op_type.data, kernel.label) if n in forced]
                unused.difference_update(names)
                select_tile(kernel, tile, {k: v for n in names for k, v in forced[n].items()})

        work_on_kernels(op, choose)
        if unused:
            raise UserError(f"davinci-select-tiles: no operator or kernel '{min(unused)}' to cut")


def select_tile(kernel: KernelOp, tile: TileOp, forced: Mapping[str, int]) -> None:
    """Choose an operator's tile, unless it has one, then set some of its sizes."""
    select = TILES.get(tile.op_type.data)
    if select is None:
        if forced:
            raise UserError(f"davinci-select-tiles: {tile.op_type.data} is cut when it is lowered")
        return
    sizes = tile.sizes or asdict(select(operator_at(tile), soc(kernel.soc.data)))
    unknown = [name for name in forced if name not in sizes]
    if unknown:
        known = ", ".join(sizes)
        raise UserError(f"davinci-select-tiles: {unknown[0]} is no size of a tile: {known} are")
    tile.choose({**sizes, **forced})
    if forced:
        _check(kernel, tile)


def _check(kernel: KernelOp, tile: TileOp) -> None:
    """What is set by hand must fit: nobody wants it tried on the AI CPU."""
    try:
        operator = operator_of(kernel)
        local_addresses(builder_of(operator)(operator, soc(kernel.soc.data)))
    except NO_KERNEL as error:
        sizes = ", ".join(f"{name} = {size}" for name, size in tile.sizes.items())
        raise UserError(f"davinci-select-tiles: {kernel.label} with {sizes}: {error}") from None


def _forced(text: str) -> tuple[str, dict[str, int]]:
    name, _, sizes = text.partition(":")
    pairs = [pair.partition("=") for pair in sizes.split(",")]
    if not name or not all(value.isdecimal() and int(value) for _, _, value in pairs):
        raise UserError(f"davinci-select-tiles: sizes are <operator>:m=64,n=128, not '{text}'")
    return name, {key: int(value) for key, _, value in pairs}
