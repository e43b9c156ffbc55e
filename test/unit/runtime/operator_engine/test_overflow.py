"""Overflow in float16: the cube's results saturate, the vector unit's become infinite."""

import numpy as np
import pytest

from runtime.operator_engine import Node, run

HALF = np.dtype(np.float16)
LARGE = np.full((2, 2), 40000, np.float16)


@pytest.mark.parametrize("op_type", ["MatMulV2", "BatchMatMulV2"])
@pytest.mark.parametrize("sign", [1, -1])
def test_products_saturate(op_type: str, sign: int):
    [y] = run(Node("product", op_type), {"x1": LARGE, "x2": sign * LARGE})
    assert (y == sign * np.finfo(HALF).max).all()


def test_convolutions_saturate():
    node = Node("conv", "Conv2D", {"strides": [1, 1, 1, 1], "pads": [0] * 4, "data_format": "NCHW"})
    image, weight = LARGE.reshape(1, 1, 2, 2), LARGE.reshape(1, 1, 2, 2)
    [y] = run(node, {"x": image, "filter": weight})
    assert y.dtype == HALF
    assert (y == np.finfo(HALF).max).all()


def test_elementwise_results_overflow():
    [y] = run(Node("sum", "Add"), {"x1": LARGE, "x2": LARGE})
    assert np.isinf(y).all()
