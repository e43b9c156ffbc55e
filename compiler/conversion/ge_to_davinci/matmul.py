"""Kernels of matrix products: MatMulV2 and BatchMatMulV2."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xdsl.ir import SSAValue

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.cube import Block, CubeBuilder, LoadLeft
from compiler.conversion.ge_to_davinci.index import Index, delinearize, linearize
from compiler.conversion.ge_to_davinci.operator import Operator, Tensor, UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import broadcast_strides
from compiler.planning.placement import align
from compiler.planning.tiling_cube import CubeTile, Product, product_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp, LoadL0Op
from dialects.davinci.attributes import Layout, Space
from dialects.davinci.types import buffer_of, c0_of, element_bytes


@dataclass(frozen=True)
class _Matrix:
    """An operand in global memory as a matrix with k as its columns."""

    buffer: SSAValue
    row: int
    column: int
    batch: tuple[int, ...]
    """The stride along each batch dimension, 0 where the operand repeats."""

    def at(self, place: list[Index], row: Number, column: Number) -> Number:
        """The offset of an element."""
        return linearize([*place, row, column], [*self.batch, self.row, self.column])


def build_matmul(operator: Operator, soc: Soc) -> KernelOp:
    """x1 · x2 + bias, either operand transposed, batches with NumPy's broadcasting."""
    return _matmul(operator, soc).build()


def matmul_tile(operator: Operator, soc: Soc) -> CubeTile:
    """The tile that a product is best cut into."""
    return product_tile(_matmul(operator, soc).product, soc)


def _matmul(operator: Operator, soc: Soc) -> _MatMul:
    x1, x2 = operator.input("x1"), operator.input("x2")
    if x1 is None or x2 is None or operator.input("offset_w"):
        raise UnsupportedError("takes two operands and a bias")
    if len(x1.shape) < 2 or len(x2.shape) < 2:
        raise UnsupportedError("operands have at least two dimensions")
    flip1 = operator.int("transpose_x1", operator.int("adj_x1", 0))
    flip2 = operator.int("transpose_x2", operator.int("adj_x2", 0))
    if operator.float_element(x1) != x2.element:
        raise UnsupportedError("operands of two element types")
    return _MatMul(operator, soc, x1, x2, bool(flip1), bool(flip2))


@dataclass(frozen=True)
class _MatMul:
    operator: Operator
    soc: Soc
    x1: Tensor
    x2: Tensor
    flip1: bool
    flip2: bool

    def build(self) -> KernelOp:
        b = CubeBuilder(self.operator, "AIC", self.soc)
        *batch, m, n = self.operator.outputs[0].shape
        k = self.product.k
        tile = self.operator.tile(CubeTile) or product_tile(self.product, self.soc)
        left = self._matrix(b, "x1", self.x1, self.flip1)
        right = self._matrix(b, "x2", self.x2, not self.flip2)
        target = self._target(b)
        counts = [*batch, -(-m // tile.m), -(-n // tile.n)]
        with b.tiles(prod(counts)) as number:
            *place, down, across = delinearize(number, counts)
            row, column = down * tile.m, across * tile.n
            block = b.block(tile, b.minimum(m - row, tile.m), b.minimum(n - column, tile.n))
            block = self._biased(b, block, column)
            with b.loop(0, k, tile.packet, name="packet") as done:
                packet = b.minimum(k - done, tile.packet)
                a = _packet(b, left, (tile.m, tile.packet), "a_l1")
                _load(b, a, left, left.at(place, row, done), (block.m, packet))
                w = _packet(b, right, (tile.n, tile.packet), "b_l1")
                _load(b, w, right, right.at(place, column, done), (block.n, packet))
                b.accumulate(block, _from_l1(b, a, block), w, packet=packet, done=done)
            b.store(target.buffer, target.at(place, row, column), (n, 1), block)
        return b.kernel

    @property
    def product(self) -> Product:
        """The product's numbers."""
        *batch, m, n = self.operator.outputs[0].shape
        k = self.x1.shape[-2 if self.flip1 else -1]
        return Product(prod(batch), m, n, k, element_bytes(self.x1.element))

    def _matrix(self, b: CubeBuilder, port: str, tensor: Tensor, flip: bool) -> _Matrix:
        rows, columns = tensor.shape[-2:]
        batch = self.operator.outputs[0].shape[:-2]
        strides = [s * rows * columns for s in broadcast_strides(tensor.shape[:-2], batch)]
        steps = (1, columns) if flip else (columns, 1)
        return _Matrix(b.arguments[self.operator.index(port)], *steps, tuple(strides))

    def _target(self, b: CubeBuilder) -> _Matrix:
        *batch, m, n = self.operator.outputs[0].shape
        strides = [s * m * n for s in broadcast_strides(batch, batch)]
        return _Matrix(b.arguments[len(self.operator.inputs)], n, 1, tuple(strides))

    def _biased(self, b: CubeBuilder, block: Block, column: Index) -> Block:
        bias = self.operator.input("bias")
        if bias is None:
            return block
        if bias.size != self.operator.outputs[0].shape[-1]:
            raise UnsupportedError("the bias is a vector of the result's columns")
        self.operator.float_element(bias)
        return b.biased(block, b.arguments[self.operator.index("bias")], column)


def _packet(b: CubeBuilder, matrix: _Matrix, shape: tuple[int, int], name: str) -> SSAValue:
    """Room in L1 for a packet of an operand."""
    element = buffer_of(matrix.buffer).element_type
    rows, columns = shape
    width = align(columns, c0_of(element))
    return b.alloc((rows, width), element, Space.L1, Layout.NZ, name=name)


def _load(
    b: CubeBuilder, packet: SSAValue, matrix: _Matrix, offset: Number, sizes: tuple[Number, Number]
) -> None:
    b.to_l1(b.access(packet, [0, 0]), matrix.buffer, offset, (matrix.row, matrix.column), sizes)


def _from_l1(b: CubeBuilder, packet: SSAValue, block: Block) -> LoadLeft:
    def load(buffer: SSAValue, step: Index, k: Number) -> None:
        window = b.access(packet, [0, step])
        b.emit(LoadL0Op, [b.access(buffer, [0, 0]), window], [block.m, k])

    return load
