"""An operator as a kernel at the tile level, and back."""

from __future__ import annotations

from xdsl.ir import SSAValue

from compiler.conversion.ge_to_davinci.operator import Operator, Tensor
from dialects.davinci import KernelOp, ReturnOp, TileOp
from dialects.davinci.functions import CUBE, VECTOR
from dialects.types import tensor_of

ON_CUBE = frozenset({"BatchMatMulV2", "Conv2D", "MatMulV2"})
"""The operators that cube cores compute."""


def tile_kernel(operator: Operator, soc: str) -> KernelOp:
    """The kernel of an operator on tensors; how it is cut and where it runs is open."""
    kernel = KernelOp.make(
        operator.kernel_name(soc),
        [tensor.type for tensor in operator.tensors],
        op_type=operator.type,
        core_type=CUBE if operator.type in ON_CUBE else VECTOR,
        soc=soc,
    )
    values = kernel.body.block.args
    ins = dict(zip((port for port, _ in operator.inputs), values, strict=False))
    outs = values[len(ins) :]
    for port, value in ins.items():
        value.name_hint = port
    for value in outs:
        value.name_hint = "y"
    tile = TileOp.of(
        operator.type,
        ins,
        outs,
        dict(operator.attributes),
        constants=dict(operator.constants),
        numbers=dict(operator.numbers),
    )
    kernel.body.block.add_ops([tile, ReturnOp(tile.results)])
    return kernel


def operator_of(tile: TileOp) -> Operator:
    """The operator that is applied at the tile level, with the tiles that were chosen for it."""
    return Operator(
        tile.op_type.data,
        tuple((port, _tensor(value)) for port, value in tile.named_ins.items()),
        tuple(_tensor(value) for value in tile.outs),
        tuple(sorted(tile.attributes.items())),
        tuple(tile.known.items()),
        tuple(tile.known_numbers.items()),
        tuple(tile.sizes.items()),
    )


def tiles_of(kernel: KernelOp) -> list[TileOp]:
    """The operators of a kernel at the tile level, in order."""
    return [op for op in kernel.body.block.ops if isinstance(op, TileOp)]


def _tensor(value: SSAValue) -> Tensor:
    type = tensor_of(value)
    return Tensor(type.get_shape(), type.element_type)
