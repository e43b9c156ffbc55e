"""The operator engine: what each GraphEngine operator type computes, with NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.operator_engine import (
    broadcast,
    convolution,
    creation,
    elementwise,
    indexing,
    layout,
    matmul,
    movement,
    normalization,
    pooling,
    reduction,
)
from runtime.operator_engine.node import (
    Array,
    Inputs,
    Kernel,
    KernelTable,
    Node,
    OperatorError,
    TensorDesc,
)

KERNELS: KernelTable = {
    **broadcast.KERNELS,
    **convolution.KERNELS,
    **creation.KERNELS,
    **elementwise.KERNELS,
    **indexing.KERNELS,
    **layout.KERNELS,
    **matmul.KERNELS,
    **movement.KERNELS,
    **normalization.KERNELS,
    **pooling.KERNELS,
    **reduction.KERNELS,
}


def kernel_for(node: Node) -> Kernel:
    """The kernel of a node's operator type; OperatorError when there is none."""
    kernel = KERNELS.get(node.type)
    if kernel is None:
        raise node.error("there is no kernel for this operator type")
    return kernel


def run(node: Node, inputs: Inputs) -> Sequence[Array]:
    """Compute a node: input arrays by port name (`x0`, `x1`, … of a dynamic port) → its outputs.

    Raises OperatorError, naming the node, for operands or attributes that do not fit.
    """
    kernel = kernel_for(node)
    try:
        # A device computes infinities and NaNs without a word.
        with np.errstate(all="ignore"):
            return kernel(node, inputs)
    except KeyError as missing:
        raise node.error(f"input {missing} is not connected") from None
    except (ValueError, IndexError, TypeError) as error:
        shapes = ", ".join(f"{port}: {x.dtype}{list(x.shape)}" for port, x in inputs.items())
        raise node.error(f"{error} (inputs {shapes})") from error


__all__ = [
    "KERNELS",
    "Array",
    "Inputs",
    "Node",
    "OperatorError",
    "TensorDesc",
    "kernel_for",
    "run",
]
