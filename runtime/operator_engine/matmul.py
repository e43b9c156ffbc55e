"""Matrix products, plain and batched; products accumulate in float32."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.operator_engine.node import Array, Inputs, Kernel, KernelTable, Node
from runtime.precision import cube_operand, fixpipe, widen


def _oriented(x: Array, transposed: bool) -> Array:
    return np.swapaxes(x, -1, -2) if transposed and x.ndim > 1 else x


def _matmul(transpose_left: str, transpose_right: str) -> Kernel:
    """x1, x2, bias? → y; the two names are those of the attributes that transpose x1 and x2."""

    def kernel(node: Node, inputs: Inputs) -> Sequence[Array]:
        x1, x2 = inputs["x1"], inputs["x2"]
        left = _oriented(cube_operand(x1), node.flag(transpose_left, False))
        left = left - node.integer("offset_x", 0) if x1.dtype.kind == "i" else left
        right = _oriented(cube_operand(x2), node.flag(transpose_right, False))
        inner = right.shape[-2] if right.ndim > 1 else right.shape[0]
        if left.shape[-1] != inner:
            raise node.error(f"cannot multiply {left.shape} by {right.shape}")
        y = np.asarray(left @ right)
        if "bias" in inputs:
            y = y + cube_operand(inputs["bias"])
        return [fixpipe(y, node.result_dtype(x1.dtype))]

    return kernel


def _determinant(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["x"]
    return [np.asarray(np.linalg.det(widen(x))).astype(x.dtype, copy=False)]


def _einsum(node: Node, inputs: Inputs) -> Sequence[Array]:
    operands = list(inputs.values())
    equation = node.text("equation").replace(" ", "")
    wide = [widen(x) for x in operands]
    return [np.asarray(np.einsum(equation, *wide, optimize=True)).astype(operands[0].dtype)]


_PLAIN = _matmul("transpose_x1", "transpose_x2")
_BATCHED = _matmul("adj_x1", "adj_x2")

KERNELS: KernelTable = {
    "BatchMatMul": _BATCHED,
    "BatchMatMulV2": _BATCHED,
    "BatchMatMulV3": _BATCHED,
    "Einsum": _einsum,
    "MatMul": _PLAIN,
    "MatMulV2": _PLAIN,
    "MatMulV3": _PLAIN,
    "MatrixDeterminant": _determinant,
}
