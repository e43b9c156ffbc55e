"""Kernels of matrix products: MatMulV2 and BatchMatMulV2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from compiler.conversion.ge_to_davinci.cube import Block, CubeBuilder, Products, Rows, check_result
from compiler.conversion.ge_to_davinci.index import Index, delinearize, linearize
from compiler.conversion.ge_to_davinci.matrix import MatrixOperand
from compiler.conversion.ge_to_davinci.operator import Operator, Tensor, UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import broadcast_strides
from compiler.planning.cube import CubeProblem, Matrix, Tile, choose_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import c0_of, element_bytes


def build_matmul(operator: Operator, soc: Soc) -> KernelOp:
    """x1 · x2 + bias, either operand transposed, batches with NumPy's broadcasting."""
    return product_of(operator, soc).build()


def matmul_tile(operator: Operator, soc: Soc) -> Tile:
    """The tile that a product is best cut into."""
    return choose_tile(product_of(operator, soc).problem, soc)


def product_of(operator: Operator, soc: Soc) -> Product:
    """The product that an operator is; UnsupportedError where the cube cannot do it."""
    x1, x2 = operator.input("x1"), operator.input("x2")
    if x1 is None or x2 is None or operator.input("offset_w"):
        raise UnsupportedError("takes two operands and a bias")
    if len(x1.shape) < 2 or len(x2.shape) < 2:
        raise UnsupportedError("operands have at least two dimensions")
    if operator.cube_element(x1, soc) != x2.element:
        raise UnsupportedError("operands of two element types")
    check_result(operator, x1)
    flip1 = operator.int("transpose_x1", operator.int("adj_x1", 0))
    flip2 = operator.int("transpose_x2", operator.int("adj_x2", 0))
    return Product(operator, soc, x1, x2, bool(flip1), bool(flip2))


@dataclass(frozen=True)
class Product:
    """A matrix product, either operand transposed, in batches."""

    operator: Operator
    soc: Soc
    x1: Tensor
    x2: Tensor
    flip1: bool
    flip2: bool

    def build(self) -> KernelOp:
        """The kernel of cube cores alone."""
        b, n = CubeBuilder(self.operator, "AIC", self.soc), self.problem.n
        target = b.arguments[len(self.operator.inputs)]

        def store(block: Block) -> None:
            place = self.row(block.left) * n + block.right.first
            b.store(target, place, (n, 1), block, relu=self.operator.relu)

        self.products(b, store).build()
        return b.kernel

    def products(self, b: CubeBuilder, end: Callable[[Block], None]) -> Products:
        """The loops of the product, in a function for cube cores; `end` stores a block."""
        problem = self.problem
        tile = self.operator.tile(Tile) or choose_tile(problem, self.soc)
        left = self._operand(b, "x1", self.x1, self._left)
        right = self._operand(b, "x2", self.x2, self._right)

        def begin(block: Block) -> Block:
            return self._biased(b, block)

        return Products(b, problem, tile, self.x1.element, left, right, begin, end)

    def row(self, rows: Rows) -> Index:
        """The first of some rows of the result, counted through all batches."""
        return (rows.batch * self.problem.images + rows.image) * self.problem.m + rows.first

    @property
    def problem(self) -> CubeProblem:
        """The product's numbers."""
        output = self.operator.outputs[0]
        batch, images = self._batches
        return CubeProblem(
            m=self._left.rows,
            n=self._right.rows,
            k=self._left.k,
            left=self._left,
            right=self._right,
            element_bytes=element_bytes(self.x1.element),
            result_bytes=element_bytes(output.element),
            unit=c0_of(self.x1.element),
            batch=prod(batch),
            images=prod(images),
            biased=self.operator.input("bias") is not None,
        )

    @property
    def _batches(self) -> tuple[Sequence[int], Sequence[int]]:
        """The batch dimensions: those along which x2 changes, or else those where it does not."""
        batch = self.operator.outputs[0].shape[:-2]
        if prod(self.x2.shape[:-2]) > 1:
            return batch, ()
        return (), () if self._joined else batch

    @property
    def _joined(self) -> bool:
        """Whether the rows of all batches are those of one matrix."""
        batch = self.operator.outputs[0].shape[:-2]
        return (
            not self.flip1
            and prod(self.x2.shape[:-2]) == 1
            and prod(self.x1.shape[:-2]) == prod(batch)
        )

    @property
    def _left(self) -> Matrix:
        rows, columns = self.x1.shape[-2:]
        copies, size = prod(self.x1.shape[:-2]), element_bytes(self.x1.element)
        if self._joined:
            rows, copies = rows * copies, 1
        if self.flip1:
            return Matrix(columns, rows, 1, columns, size, copies)
        return Matrix(rows, columns, columns, 1, size, copies)

    @property
    def _right(self) -> Matrix:
        rows, columns = self.x2.shape[-2:]
        copies, size = prod(self.x2.shape[:-2]), element_bytes(self.x2.element)
        if self.flip2:
            return Matrix(rows, columns, columns, 1, size, copies)
        return Matrix(columns, rows, 1, columns, size, copies)

    def _operand(self, b: CubeBuilder, port: str, tensor: Tensor, matrix: Matrix) -> MatrixOperand:
        batch, images = self._batches
        dims = [*batch, *images]
        strides = [s * matrix.rows * matrix.k for s in broadcast_strides(tensor.shape[:-2], dims)]
        if not dims:
            strides = []

        def place(rows: Rows) -> Index:
            places = delinearize(rows.batch, batch) + delinearize(rows.image, images)
            return linearize([*places, rows.first], [*strides, matrix.row])

        buffer = b.arguments[self.operator.index(port)]
        name = {"x1": "a_l1", "x2": "b_l1"}[port]
        return MatrixOperand(b, buffer, name, matrix.row, matrix.column, place)

    def _biased(self, b: CubeBuilder, block: Block) -> Block:
        bias = self.operator.input("bias")
        if bias is None:
            return block
        if bias.size != self.operator.outputs[0].shape[-1]:
            raise UnsupportedError("the bias is a vector of the result's columns")
        return b.biased(block, b.arguments[self.operator.index("bias")], block.right.first)
