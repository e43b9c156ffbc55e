"""Kernels with a parameter for each channel: BiasAdd and BNInfer."""

from __future__ import annotations

from xdsl.dialects.builtin import f32

from compiler.conversion.ge_to_davinci.elements import computed
from compiler.conversion.ge_to_davinci.expression import Value, cast, unary
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import broadcast_strides, pointwise
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


def _inputs(operator: Operator, *ports: str) -> list[Value]:
    return [Value("input", operator.at(port).element, number=i) for i, port in enumerate(ports)]


def build_bias_add(operator: Operator, soc: Soc) -> KernelOp:
    """x + bias of the channel."""
    rank = len(operator.outputs[0].shape)
    axis = 1 if operator.text("data_format", "NHWC") == "NCHW" or rank == 2 else rank - 1
    operands = [("x", _full(operator)), ("bias", _channel_strides(operator, "bias", axis))]
    x, bias = _inputs(operator, "x", "bias")
    root = computed(lambda x, bias: x + bias, x, bias)
    return pointwise(operator, soc, operands, root)


def build_bn_infer(operator: Operator, soc: Soc) -> KernelOp:
    """(x − mean) · scale / √(variance + ε) + offset, as x · factor + shift in f32."""
    epsilon = operator.float("epsilon", 1e-5)
    ports = ("scale", "offset", "mean", "variance")
    operands = [("x", _full(operator))]
    operands += [(port, _channel_strides(operator, port, 1)) for port in ports]
    x, scale, offset, mean, variance = (
        cast(value, f32) for value in _inputs(operator, "x", *ports)
    )
    factor = scale / unary("sqrt", variance + epsilon)
    root = cast(x * factor + (offset - mean * factor), operator.outputs[0].element)
    return pointwise(operator, soc, operands, root)
