"""Tiles that are set by hand: what cannot be is one clear error, what can is what is built."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, f16

from compiler.conversion.ge_to_davinci import ConvertGEToDavinciPass
from compiler.errors import UserError
from compiler.transforms.davinci.lower_tiles import DavinciLowerTilesPass
from compiler.transforms.davinci.select_tiles import DavinciSelectTilesPass
from dialects.davinci import AllocOp
from dialects.davinci.attributes import Space
from dialects.davinci.types import buffer_of, space_of
from dialects.ge import DataOp, GraphOp, Op
from dialects.types import tensor_type

MATRIX = tensor_type((512, 512), f16)


@pytest.fixture
def tiled() -> Callable[[str], ModuleOp]:
    """A product and a Relu with tiles set by hand."""

    def make(sizes: str) -> ModuleOp:
        x = DataOp.make("x", {}, [MATRIX])
        operands = {"x1": x.results[0], "x2": x.results[0]}
        product = Op.of("MatMulV2", "product", operands, [MATRIX])
        relu = Op.of("Relu", "relu", {"x": product.results[0]}, [MATRIX])
        module = ModuleOp([GraphOp("graph", [x, product, relu])])
        ConvertGEToDavinciPass().apply(Context(), module)
        DavinciSelectTilesPass(sizes=(sizes,)).apply(Context(), module)
        return module

    return make


WRONG = {
    "MatMulV2:m=4096": r"with m = 4096, .*: the buffers do not fit the",
    "MatMulV2:width=3": "width is no size of a tile: m, n, k",
    "MatMulV2:m": "sizes are <operator>:m=64,n=128, not 'MatMulV2:m'",
    "MatMulV2:m=0": "sizes are <operator>:m=64,n=128, not 'MatMulV2:m=0'",
    "Conv2D:m=16": "no operator or kernel 'Conv2D' to cut",
    "Relu:m=16": "Relu is cut when it is lowered",
}


@pytest.mark.parametrize("sizes", WRONG)
def test_sizes_that_cannot_be(tiled: Callable[[str], ModuleOp], sizes: str) -> None:
    with pytest.raises(UserError, match=WRONG[sizes]):
        tiled(sizes)


def test_sizes_are_those_of_the_buffers(tiled: Callable[[str], ModuleOp]) -> None:
    module = tiled("MatMulV2:m=48,n=80,k=32")
    DavinciLowerTilesPass().apply(Context(), module)
    allocs = [op for op in module.walk() if isinstance(op, AllocOp)]
    shapes = {space_of(buffer_of(op.buffer)): buffer_of(op.buffer).get_shape() for op in allocs}
    assert shapes[Space.L0A] == (48, 32)
    assert shapes[Space.L0B] == (80, 32)
    assert shapes[Space.L0C] == (48, 80)
