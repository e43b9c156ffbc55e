"""ge-set-shape-ranges: notes between which bounds the open dimensions of inputs may lie."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, i64
from xdsl.passes import ModulePass

from compiler.errors import UserError
from compiler.kernels.symbols import SHAPE_RANGE
from compiler.rewrite import main_graphs


@dataclass(frozen=True)
class GESetShapeRangesPass(ModulePass):
    """Note on Data nodes the bounds of every dimension: low, high, …; a high of -1 is none.

    `ranges` has an entry for each input, `"x:0~8,3~3"`; the device refuses sizes outside.
    """

    name = "ge-set-shape-ranges"

    ranges: tuple[str, ...]

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        bounds = dict(self._entry(text) for text in self.ranges)
        for graph in main_graphs(op):
            for data in graph.inputs:
                if data.label in bounds:
                    numbers = DenseArrayBase.from_list(i64, bounds[data.label])
                    data.attributes[SHAPE_RANGE] = numbers

    def _entry(self, text: str) -> tuple[str, list[int]]:
        name, _, dims = text.rpartition(":")
        try:
            return name, [int(end) for dim in dims.split(",") for end in dim.split("~")]
        except ValueError:
            raise UserError(f"{self.name}: '{text}' is not like x:0~8,3~3") from None
