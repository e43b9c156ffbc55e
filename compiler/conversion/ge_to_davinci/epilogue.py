"""Kernels of matrix products whose results vector cores take further, block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

from compiler.conversion.ge_to_davinci.cube import Block, Packet, Products, Rows
from compiler.conversion.ge_to_davinci.cube import Operand as CubeOperand
from compiler.conversion.ge_to_davinci.elementwise import expression_of
from compiler.conversion.ge_to_davinci.expression import Value
from compiler.conversion.ge_to_davinci.index import Index
from compiler.conversion.ge_to_davinci.matmul import Product, product_of
from compiler.conversion.ge_to_davinci.mixed import MixedBuilder
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import Operand, Pointwise, broadcast_strides
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.attributes import Pipe

READY, FREE = 0, 1
"""Flags between cores: a block is in the workspace; the vector cores have taken one."""

MOST_AHEAD = 15
"""What a flag between cores counts to."""

AHEAD = 8
"""Blocks that the cube core may be ahead where it has more of them than a flag counts."""


def build_with_epilogue(operator: Operator, soc: Soc) -> KernelOp:
    """A product, and elementwise operators on its result.

    The cube core of a group leaves each block of the product in a workspace, where its vector cores
    take a part of the rows each.
    """
    first = operator.parts[0]
    if first.sources != tuple(range(len(first.sources))):
        raise UnsupportedError("a product of a tensor with itself")
    product = product_of(replace(first.operator, tiles=operator.tiles), soc)
    return _Epilogue(operator, product, MixedBuilder(operator, soc)).build()


@dataclass(frozen=True)
class _Visits(Products):
    """The blocks of a product in their order, for cores that do something else with them."""

    visit: Callable[[Rows, Rows], None]

    def _whole(self, operand: CubeOperand, rows: Rows, chunk: Index) -> Packet | None:
        return None

    def _block(
        self, left: Rows, right: Rows, kept_left: Packet | None, kept_right: Packet | None
    ) -> None:
        self.visit(left, right)


@dataclass(frozen=True)
class _Epilogue:
    operator: Operator
    product: Product
    b: MixedBuilder

    def build(self) -> KernelOp:
        c, n = self.b.cube, self.product.problem.n
        result = self.operator.parts[0].operator.outputs[0]
        between = self.b.workspace(result.shape, result.element, "between")

        def store(block: Block) -> None:
            self._free(products, c.cross_wait, Pipe.FIX)
            place = self.product.row(block.left) * n + block.right.first
            c.store(between, place, (n, 1), block)
            c.cross_set(Pipe.FIX, READY)

        products = self.product.products(c, store)
        products.build()
        self._free(products, c.cross_wait, Pipe.FIX, AHEAD)
        self._vector(products, Operand(between, result.element, (n, 1)))
        return self.b.kernel

    def _free(
        self, products: Products, signal: Callable[[Pipe, int], None], pipe: Pipe, times: int = 1
    ) -> None:
        """Keep the cube core from being too far ahead, where it has blocks enough for that."""
        if products.tile.most_blocks(products.problem, self.b.cube.cores) > MOST_AHEAD:
            for _ in range(times):
                signal(pipe, FREE)

    def _vector(self, products: Products, between: Operand) -> None:
        v, tile = self.b.vector, products.tile
        self._free(products, v.cross_set, Pipe.MTE2, AHEAD)
        pointwise = self._pointwise(between)
        share = -(-tile.m // self.b.sub_blocks)
        tiling = pointwise.tiling(1, (share, tile.n), 1)
        skipped = v.sub_block_idx * share

        def visit(left: Rows, right: Rows) -> None:
            count = v.minimum(Index.of(left.count) - skipped, share)
            first = self.product.row(left) + skipped
            v.cross_wait(Pipe.MTE2, READY)
            with (
                v.loop(0, count, tiling.rows, name="row") as row,
                v.loop(0, right.count, tiling.columns, name="column") as column,
            ):
                sizes = (
                    v.minimum(Index.of(count) - row, tiling.rows),
                    v.minimum(Index.of(right.count) - column, tiling.columns),
                )
                place = first + row, right.first + column
                pointwise.compute((tiling.rows, tiling.columns), sizes, place)
            self._free(products, v.cross_set, Pipe.MTE2)

        p = products
        operands = p.left, p.right
        _Visits(v, p.problem, tile, p.element, *operands, p.begin, p.end, visit).build()

    def _pointwise(self, between: Operand) -> Pointwise:
        """The expression of what follows the product, whose result is input 0."""
        shape, inputs, places = self.operator.outputs[0].shape, [between], dict[int, Value]()
        made = [Value("input", between.element)]

        def value(place: int) -> Value:
            if place < 0:
                return made[-1 - place]
            if place not in places:
                tensor = self.operator.inputs[place][1]
                steps = _matrix_strides(broadcast_strides(tensor.shape, shape), shape)
                places[place] = Value("input", tensor.element, number=len(inputs))
                inputs.append(Operand(self.b.vector.arguments[place], tensor.element, steps))
            return places[place]

        for part in self.operator.parts[1:]:
            made.append(expression_of(part, value))
        count = len(self.operator.inputs)
        target = self.b.vector.arguments[count], self.operator.outputs[0].element, (shape[-1], 1)
        dims = prod(shape[:-1]), shape[-1]
        return Pointwise(self.b.vector, dims, inputs, Operand(*target), made[-1])


def _matrix_strides(strides: Sequence[int], shape: Sequence[int]) -> tuple[int, int]:
    """The strides along rows and columns of a tensor that is seen as a matrix of its last rows."""
    *leading, last = strides
    steps = [(step, size) for step, size in zip(leading, shape, strict=False) if size > 1]
    row = steps[-1][0] if steps else 0
    inner = 1
    for step, size in reversed(steps):
        if step != row * inner:
            raise UnsupportedError("an operand that repeats along some batches only")
        inner *= size
    return row, last
