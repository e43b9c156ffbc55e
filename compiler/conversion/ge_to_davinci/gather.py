"""Kernels of Gather, GatherV2 and GatherNd: rows of a tensor by indices that the run knows."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xdsl.dialects.builtin import DenseArrayBase, i32, i64

from compiler.conversion.ge_to_davinci.index import Index, delinearize
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import VectorBuilder
from compiler.planning.tiling_vector import BLOCK, RESERVED, box_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp, LoadRowsOp, PipeBarrierOp
from dialects.davinci.attributes import Pipe
from dialects.davinci.types import element_bytes


def build_gather(operator: Operator, soc: Soc) -> KernelOp:
    """Slices of x along an axis, of the same elements for each place of the indices."""
    x = operator.at("x")
    if operator.int("batch_dims", 0):
        raise UnsupportedError("indices of their own for each batch")
    if operator.input("axis") is not None:
        axis = operator.constant("axis")[0] % len(x.shape)
    else:
        axis = operator.int("axis", 0) % len(x.shape)
    outer, inner = prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
    return _built(operator, soc, outer, (x.shape[axis],), inner)


def build_gather_nd(operator: Operator, soc: Soc) -> KernelOp:
    """Parts of x by an index for each of its first dimensions, side by side in the indices."""
    x, indices = operator.at("x"), operator.at("indices")
    if operator.int("batch_dims", 0) or not indices.shape or not indices.shape[-1]:
        raise UnsupportedError("indices of their own for each batch, or none")
    depth = indices.shape[-1]
    return _built(operator, soc, 1, x.shape[:depth], prod(x.shape[depth:]))


def _built(
    operator: Operator, soc: Soc, outer: int, heights: tuple[int, ...], width: int
) -> KernelOp:
    indices = operator.at("indices")
    if indices.element not in (i32, i64):
        raise UnsupportedError(f"indices are of i32 or i64, not {indices.element}")
    b = VectorBuilder(operator, "AIV", soc)
    _Gather(b, operator, outer, heights, width, indices.size // len(heights)).build()
    return b.kernel


@dataclass(frozen=True)
class _Gather:
    """`count` rows of `width` elements, of `heights`, for each of `outer` tensors."""

    b: VectorBuilder
    operator: Operator
    outer: int
    heights: tuple[int, ...]
    width: int
    count: int

    def build(self) -> None:
        b, element = self.b, self.operator.at("x").element
        place = b.arguments[self.operator.index("indices")]
        room = (b.soc.ub - RESERVED) * 3 // 8
        size = element_bytes(element)
        dims = (self.outer, self.count, self.width)
        _, rows, columns = box_tile(dims, size, room, b.cores)
        depth = len(self.heights)
        rows = min(rows, room // (BLOCK * depth))
        counts = [self.outer, -(-self.count // rows), -(-self.width // columns)]
        with b.tiles(prod(counts)) as number:
            matrix, down, across = delinearize(number, counts)
            row, column = down * rows, across * columns
            sizes = b.minimum(self.count - row, rows), b.minimum(self.width - column, columns)
            element_of_index = self.operator.at("indices").element
            shape, there = (rows * depth,), (Index.of(sizes[0]) * depth,)
            index = b.tile(shape, element_of_index, "index", sizes=there)
            b.load(index, place, row * depth, [1])
            b.add(PipeBarrierOp(Pipe.MTE2))
            y = b.tile((rows, columns), element, "y", sizes=sizes)
            table = b.access(
                b.arguments[self.operator.index("x")],
                [matrix * (prod(self.heights) * self.width) + column],
                [self.width, 1],
            )
            chosen = b.access(index.buffer, [0], [depth, 0])
            heights = DenseArrayBase.from_list(i64, list(self.heights))
            b.emit(LoadRowsOp, [b.at(y), table, chosen], sizes, (), heights=heights)
            offset = matrix * (self.count * self.width) + row * self.width + column
            b.store(b.arguments[len(self.operator.inputs)], offset, [self.width, 1], y)
