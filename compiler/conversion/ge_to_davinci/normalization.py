"""Kernels with a parameter for each channel: BiasAdd and BNInfer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xdsl.dialects.builtin import Float32Type, f32

from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import Scratch, broadcast_strides, pointwise
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.soc import Soc
from dialects.davinci import KernelOp


def _channel_strides(operator: Operator, port: str, axis: int) -> tuple[int, ...]:
    """The strides of a vector of channels along the output's dimensions."""
    shape, vector = operator.outputs[0].shape, operator.input(port)
    channels = shape[axis : axis + 1] if axis >= 0 else ()
    if vector is None or not channels or vector.shape != channels:
        raise UnsupportedError(f"'{port}' is a vector of the channels")
    return tuple(int(i == axis) for i in range(len(shape)))


def _full(operator: Operator) -> tuple[int, ...]:
    shape = operator.outputs[0].shape
    return broadcast_strides(shape, shape)


def build_bias_add(operator: Operator, soc: Soc) -> KernelOp:
    """x + bias of the channel."""
    rank = len(operator.outputs[0].shape)
    axis = 1 if operator.text("data_format", "NHWC") == "NCHW" or rank == 2 else rank - 1

    def compute(b: VectorBuilder, tiles: Sequence[Tile], result: Tile, _: Scratch) -> None:
        b.binary("add", result, tiles[0], tiles[1])

    operands = [("x", _full(operator)), ("bias", _channel_strides(operator, "bias", axis))]
    return pointwise(operator, soc, operands, compute, 0)


def build_bn_infer(operator: Operator, soc: Soc) -> KernelOp:
    """(x − mean) · scale / √(variance + ε) + offset, as x · factor + shift in f32."""
    epsilon = operator.float("epsilon", 1e-5)

    def compute(b: VectorBuilder, tiles: Sequence[Tile], result: Tile, scratch: Scratch) -> None:
        x, *parameters = tiles
        factor, shift, mean, variance = (_narrow(b, p, scratch) for p in parameters)
        b.scalar("adds", variance, variance, epsilon)
        b.unary("sqrt", variance, variance)
        b.binary("div", factor, factor, variance)
        b.binary("mul", mean, mean, factor)
        b.binary("sub", shift, shift, mean)
        work = result if isinstance(result.element, Float32Type) else scratch(f32)
        source = x
        if work is not result:
            b.cast(work, x)
            source = work
        b.binary("mul", work, source, replace(factor, sizes=x.sizes))
        b.binary("add", work, work, replace(shift, sizes=x.sizes))
        if work is not result:
            b.cast(result, work)

    ports = ("scale", "offset", "mean", "variance")
    operands = [("x", _full(operator))]
    operands += [(port, _channel_strides(operator, port, 1)) for port in ports]
    return pointwise(operator, soc, operands, compute, 4)


def _narrow(b: VectorBuilder, tile: Tile, scratch: Scratch) -> Tile:
    """A repeated operand's own elements in f32, each once."""
    sizes = [
        1 if stride == 0 else size for size, stride in zip(tile.sizes, tile.strides, strict=True)
    ]
    once = replace(tile, sizes=tuple(sizes))
    shape = [
        1 if stride == 0 else size for size, stride in zip(scratch.shape, tile.strides, strict=True)
    ]
    wide = b.tile(shape, f32, "parameter", sizes=sizes)
    if isinstance(tile.element, Float32Type):
        b.unary("copy", wide, once)
    else:
        b.cast(wide, once)
    repeated = [i for i, stride in enumerate(tile.strides) if stride == 0]
    return wide.repeated(*repeated)
