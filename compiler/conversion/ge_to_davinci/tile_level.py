"""An operator as a kernel at the tile level, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xdsl.ir import SSAValue

from compiler.conversion.ge_to_davinci.operator import Operator, Part, Tensor
from dialects.davinci import EmptyOp, KernelOp, ReturnOp, TileOp
from dialects.davinci.functions import CUBE, MIX, VECTOR
from dialects.types import tensor_of

ON_CUBE = frozenset({"BatchMatMulV2", "Conv2D", "MatMulV2"})
"""The operators that cube cores compute."""

ON_BOTH = frozenset({"PromptFlashAttention"})
"""The operators that cube and vector cores compute together."""


def tile_kernel(operator: Operator, soc: str) -> KernelOp:
    """The kernel of an operator on tensors; how it is cut and where it runs is open."""
    kernel = KernelOp.make(
        operator.kernel_name(soc),
        [tensor.type for tensor in operator.tensors],
        op_type=operator.type,
        core_type=_core_type(operator.type),
        soc=soc,
    )
    body = kernel.body.block
    ins, outs = body.args[: len(operator.inputs)], body.args[len(operator.inputs) :]
    for (port, _), value in zip(operator.inputs, ins, strict=True):
        value.name_hint = port
    for value in outs:
        value.name_hint = "y"
    *before, last = operator.parts or (Part(operator, tuple(range(len(ins)))),)
    made: list[SSAValue] = []
    for part in before:
        room = EmptyOp(part.operator.outputs[0].type)
        body.add_op(room)
        made.append(_add(kernel, part, ins, made, [room.tensor]).results[0])
    body.add_op(ReturnOp(_add(kernel, last, ins, made, outs).results))
    return kernel


def _add(
    kernel: KernelOp,
    part: Part,
    ins: Sequence[SSAValue],
    made: Sequence[SSAValue],
    outs: Sequence[SSAValue],
) -> TileOp:
    """Append a part of a kernel's operator, which computes into `outs`."""
    operator = part.operator
    values = [ins[place] if place >= 0 else made[-1 - place] for place in part.sources]
    tile = TileOp.of(
        operator.type,
        dict(zip((port for port, _ in operator.inputs), values, strict=True)),
        outs,
        dict(operator.attributes),
        constants=dict(operator.constants),
        numbers=dict(operator.numbers),
    )
    kernel.body.block.add_op(tile)
    return tile


def _core_type(op_type: str) -> str:
    return MIX if op_type in ON_BOTH else CUBE if op_type in ON_CUBE else VECTOR


def tiles_of(kernel: KernelOp) -> list[TileOp]:
    """The operators of a kernel at the tile level, in order, those of all its functions."""
    return [op for op in kernel.body.walk() if isinstance(op, TileOp)] if kernel.is_tiled else []


def operator_of(kernel: KernelOp) -> Operator:
    """The operator that a kernel at the tile level computes, cut as the first one in it."""
    tiles = tiles_of(kernel)
    first = operator_at(tiles[0])
    if len(tiles) == 1:
        return first
    args = kernel.body.block.args
    places: dict[SSAValue, int] = {value: place for place, value in enumerate(args)}
    parts: list[Part] = []
    for tile in tiles:
        parts.append(Part(operator_at(tile), tuple(places[value] for value in tile.ins)))
        places |= dict.fromkeys((tile.results[0], *tile.outs), -len(parts))
    count = len(args) - len(tiles[-1].outs)
    names = {value: port for port, value in reversed(tiles[0].named_ins.items())}
    inputs = ((names.get(v, f"__input{i}"), _tensor(v)) for i, v in enumerate(args[:count]))
    outputs = tuple(_tensor(value) for value in args[count:])
    return replace(first, inputs=tuple(inputs), outputs=outputs, parts=tuple(parts))


def operator_at(tile: TileOp) -> Operator:
    """The operator that is applied, with the tiles that were chosen for it."""
    return Operator(
        tile.op_type.data,
        tuple((port, _tensor(value)) for port, value in tile.named_ins.items()),
        tuple(_tensor(value) for value in tile.outs),
        tuple(sorted(tile.attributes.items())),
        tuple(tile.known.items()),
        tuple(tile.known_numbers.items()),
        tuple(tile.sizes.items()),
    )


def _tensor(value: SSAValue) -> Tensor:
    type = tensor_of(value)
    return Tensor(type.get_shape(), type.element_type)
