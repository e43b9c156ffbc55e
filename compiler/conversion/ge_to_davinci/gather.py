"""Kernels of Gather and GatherV2: rows of a table by indices that the run knows."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xdsl.dialects.builtin import i32, i64

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.index import delinearize
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import VectorBuilder
from compiler.planning.tiling_vector import BLOCK, RESERVED, box_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp, LoadRowsOp, PipeBarrierOp
from dialects.davinci.attributes import Pipe
from dialects.davinci.types import element_bytes


def build_gather(operator: Operator, soc: Soc) -> KernelOp:
    """Slices of x along an axis, of the same elements for each place of the indices."""
    x, indices = operator.at("x"), operator.at("indices")
    if operator.int("batch_dims", 0):
        raise UnsupportedError("indices of their own for each batch")
    if operator.input("axis") is not None:
        axis = operator.constant("axis")[0] % len(x.shape)
    else:
        axis = operator.int("axis", 0) % len(x.shape)
    if indices.element not in (i32, i64):
        raise UnsupportedError(f"indices are of i32 or i64, not {indices.element}")
    b = VectorBuilder(operator, "AIV", soc)
    outer, inner = prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
    _Gather(b, operator, outer, x.shape[axis], inner, indices.size).build()
    return b.kernel


@dataclass(frozen=True)
class _Gather:
    """`count` of `height` rows of `width` elements, for each of `outer` matrices."""

    b: VectorBuilder
    operator: Operator
    outer: int
    height: int
    width: int
    count: int

    def build(self) -> None:
        b, element = self.b, self.operator.at("x").element
        place = b.arguments[self.operator.index("indices")]
        room = (b.soc.ub - RESERVED) * 3 // 8
        size = element_bytes(element)
        dims = (self.outer, self.count, self.width)
        _, rows, columns = box_tile(dims, size, room, b.cores)
        rows = min(rows, room // BLOCK)
        counts = [self.outer, -(-self.count // rows), -(-self.width // columns)]
        with b.tiles(prod(counts)) as number:
            matrix, down, across = delinearize(number, counts)
            row, column = down * rows, across * columns
            sizes = b.minimum(self.count - row, rows), b.minimum(self.width - column, columns)
            index = b.tile((rows,), self.operator.at("indices").element, "index", sizes=sizes[:1])
            b.load(index, place, row, [1])
            b.add(PipeBarrierOp(Pipe.MTE2))
            y = b.tile((rows, columns), element, "y", sizes=sizes)
            table = b.access(
                b.arguments[self.operator.index("x")],
                [matrix * (self.height * self.width) + column],
                [self.width, 1],
            )
            chosen = b.access(index.buffer, [0], [1, 0])
            params: list[Number] = [self.height]
            b.emit(LoadRowsOp, [b.at(y), table, chosen], sizes, params)
            offset = matrix * (self.count * self.width) + row * self.width + column
            b.store(b.arguments[len(self.operator.inputs)], offset, [self.width, 1], y)
