"""The operator engine: what each GraphEngine operator type computes, with NumPy."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

from runtime.operator_engine import (
    ai_cpu,
    attention,
    broadcast,
    categories,
    convolution,
    creation,
    deformable_convolution,
    elementwise,
    indexing,
    layout,
    linear_quantization,
    loss,
    matmul,
    movement,
    normalization,
    onnx_attention,
    onnx_caches,
    pooling,
    quantized,
    randomness,
    recurrent,
    reduction,
    resize,
    sampling,
    sequences,
    string_casts,
    suppression,
    transposed_convolution,
)
from runtime.operator_engine.convolution import goes_into
from runtime.operator_engine.node import (
    Array,
    Inputs,
    Kernel,
    KernelTable,
    Member,
    Node,
    OperatorError,
    TensorDesc,
)
from runtime.precision import saturated

KERNELS: KernelTable = {
    **attention.KERNELS,
    **broadcast.KERNELS,
    **categories.KERNELS,
    **convolution.KERNELS,
    **creation.KERNELS,
    **deformable_convolution.KERNELS,
    **elementwise.KERNELS,
    **indexing.KERNELS,
    **layout.KERNELS,
    **linear_quantization.KERNELS,
    **loss.KERNELS,
    **matmul.KERNELS,
    **movement.KERNELS,
    **normalization.KERNELS,
    **onnx_attention.KERNELS,
    **onnx_caches.KERNELS,
    **pooling.KERNELS,
    **quantized.KERNELS,
    **randomness.KERNELS,
    **recurrent.KERNELS,
    **reduction.KERNELS,
    **resize.KERNELS,
    **sampling.KERNELS,
    **sequences.KERNELS,
    **string_casts.KERNELS,
    **suppression.KERNELS,
    **transposed_convolution.KERNELS,
}


def kernel_for(node: Node) -> Kernel:
    """The kernel of a node's operator type; OperatorError when there is none."""
    kernel = KERNELS.get(node.type)
    if kernel is None and node.type.startswith(ai_cpu.PREFIX):
        return ai_cpu.run_onnx
    if kernel is None:
        raise node.error("there is no kernel for this operator type")
    return kernel


VECTOR = frozenset(
    {
        *broadcast.KERNELS,
        *elementwise.KERNELS,
        *normalization.KERNELS,
        *pooling.KERNELS,
        *reduction.KERNELS,
        "Cast",
        "CastLike",
    }
)
"""Operators that the vector unit computes; the others belong to the cube, or move data."""


def run(node: Node, inputs: Inputs, *, saturates: bool = False) -> Sequence[Array]:
    """Compute a node: input arrays by port name (`x0`, `x1`, … of a dynamic port) → its outputs.

    `saturates` is the overflow mode of the vector unit. Raises OperatorError, naming the node, for
    operands or attributes that do not fit.
    """
    if node.members:
        return _run_members(node, inputs, saturates=saturates)
    kernel = kernel_for(node)
    with _computing(node, inputs):
        outputs = kernel(node, inputs)
    outputs = outputs[: len(node.outputs) or None]  # a model may leave out the last ones
    return [saturated(y) for y in outputs] if saturates and node.type in VECTOR else outputs


def _run_members(node: Node, inputs: Inputs, *, saturates: bool) -> Sequence[Array]:
    """What several nodes compute one after the other, each result in the type that it has."""
    given, made = list(inputs.values()), list[Array]()
    results: Sequence[Array] = ()
    for member in node.members:
        sources = member.sources
        read = {port: given[at] if at >= 0 else made[-1 - at] for port, at in sources}
        results = run(member.node, read, saturates=saturates)
        made.append(results[0])
    return results


def run_convolution(node: Node, inputs: Inputs, out: Array) -> None:
    """Compute a convolution that `goes_into` its result; raises OperatorError as `run` does."""
    with _computing(node, inputs):
        convolution.convolution_into(node, inputs, out)


@contextmanager
def _computing(node: Node, inputs: Inputs) -> Generator[None]:
    """What goes wrong in a kernel names the node."""
    try:
        # A device computes infinities and NaNs without a word.
        with np.errstate(all="ignore"):
            yield
    except KeyError as missing:
        raise node.error(f"input {missing} is not connected") from None
    except (ValueError, IndexError, TypeError) as error:
        shapes = ", ".join(f"{port}: {_kind(x)}" for port, x in inputs.items())
        raise node.error(f"{error} (inputs {shapes})") from error


def _kind(value: Any) -> str:
    """What an input is, for an error."""
    if not isinstance(value, np.ndarray):
        return "a handle"
    array = cast("Array", value)
    return f"{array.dtype}{list(array.shape)}"


__all__ = [
    "KERNELS",
    "VECTOR",
    "Array",
    "Inputs",
    "Member",
    "Node",
    "OperatorError",
    "TensorDesc",
    "goes_into",
    "kernel_for",
    "run",
    "run_convolution",
]
