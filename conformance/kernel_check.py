"""One operator as a kernel: scheduled and proved, and its numbers on both engines compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import (
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    f16,
    f32,
    i1,
    i8,
    i32,
    i64,
)
from xdsl.ir import Attribute

from compiler.constants import vector
from compiler.conversion.ge_to_davinci.functions import PLAIN, WITH_ATTRIBUTES
from compiler.conversion.ge_to_davinci.operator import Operator
from compiler.conversion.ge_to_davinci.registry import BUILDERS
from compiler.kernels.engines import UnsupportedError
from compiler.planning.cube import TilingError
from compiler.planning.local_memory import LocalMemoryError
from compiler.soc import Soc
from compiler.transforms.davinci.inject_sync import inject_sync
from compiler.transforms.davinci.multi_buffer import multi_buffer
from compiler.transforms.davinci.plan_memory import plan_memory
from compiler.transforms.davinci.verify_memory import verify_memory
from compiler.transforms.davinci.verify_sync import verify_sync
from dialects.davinci import KernelOp
from dialects.davinci.attributes import Pipe
from dialects.davinci.types import byte_size
from dialects.ge import ConstOp, DataOp, NodeOp, Op
from dialects.types import tensor_type
from runtime.kernel_engine import KernelError, run_kernel
from runtime.kernel_engine.engine import Order
from runtime.operator_engine import Node, TensorDesc
from runtime.operator_engine import run as run_operator

Array: TypeAlias = npt.NDArray[Any]
Value: TypeAlias = "int | bool | float | str | Sequence[int]"

_ELEMENTS: Mapping[str, Attribute] = {
    "float16": f16,
    "float32": f32,
    "int8": i8,
    "int32": i32,
    "bool": i1,
}

ROUNDING: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys((*PLAIN, *WITH_ATTRIBUTES, "Pow"), (4, 1)),
    **dict.fromkeys(("Abs", "Adds", "Ceil", "Floor", "LeakyRelu", "Muls", "Neg", "Relu"), (0, 0)),
    **dict.fromkeys(("Reciprocal", "Sqrt", "Square"), (1, 0)),
    "AvgPoolV2": (2, 0),
    "BNInfer": (8, 4),
    "InstanceNorm": (16, 1),
    "LRN": (8, 1),
    "LayerNorm": (16, 1),
    "PromptFlashAttention": (8, 4),
    "ReduceMean": (2, 0),
    "SoftmaxV2": (16, 2.0**-6),
}
"""How many units of the last place the engines differ by, units no smaller than those of a number.

Sums and products are compared on whole numbers, which are exact in any order.
"""

ORDERS: tuple[Order, ...] = ("program", Pipe.MTE2, Pipe.MTE1, Pipe.M, Pipe.V, Pipe.MTE3, Pipe.FIX)


class WrongKernelError(Exception):
    """A kernel that is not proved, or computes something else than its operator."""


@dataclass(frozen=True)
class Case:
    """An operator with its inputs."""

    type: str
    inputs: Mapping[str, Array]
    attributes: Mapping[str, Value]
    outputs: int | None = None
    """How many results the operator has here: all, unless said."""

    def __repr__(self) -> str:
        inputs = ", ".join(f"{port} {x.dtype}{list(x.shape)}" for port, x in self.inputs.items())
        return f"{self.type}({inputs}; {dict(self.attributes)})"

    def node(self) -> Node:
        """The operator as the operator engine takes it."""
        descs = tuple(TensorDesc(x.dtype, x.shape) for x in self.inputs.values())
        return Node("node", self.type, dict(self.attributes), descs)


def scheduled(case: Case, expected: Sequence[Array], target: Soc) -> KernelOp | None:
    """The kernel of an operator with tiles for `target`, proved; None where there is none."""
    operator = Operator.of(_ge_node(case, expected))
    try:
        kernel = BUILDERS[case.type](operator, target)
        multi_buffer(kernel)
        plan_memory(kernel)
    except (UnsupportedError, TilingError, LocalMemoryError):
        return None
    try:
        kernel.verify()
        inject_sync(kernel)
        proved(kernel)
    except Exception as error:
        raise WrongKernelError(f"{case!r}: {error}") from error
    return kernel


def proved(kernel: KernelOp) -> None:
    """PassFailedException unless a scheduled kernel is right by proof."""
    verify_memory(kernel)
    verify_sync(kernel)


def reference(case: Case) -> list[Array]:
    """What the operator engine computes."""
    results = run_operator(case.node(), case.inputs)[: case.outputs]
    return [np.ascontiguousarray(result) for result in results]


def compare(case: Case, kernel: KernelOp, expected: Sequence[Array], order: Order) -> None:
    """WrongKernelError unless the kernel engine computes the same up to the case's rounding."""
    results = [np.full_like(value, np.nan if value.dtype.kind == "f" else 1) for value in expected]
    arguments = [np.ascontiguousarray(value) for value in case.inputs.values()]
    spaces = [np.full(byte_size(type), 0x7F, np.uint8) for type in kernel.workspace_types]
    try:
        run_kernel(kernel, [*arguments, *results, *spaces], order=order)
    except (KernelError, ValueError) as error:
        raise WrongKernelError(f"{case!r} in order {order}: {error}") from error
    for found, wanted in zip(results, expected, strict=True):
        ulps, least = ROUNDING.get(case.type, (0, 0))
        worst = distance(found, wanted, least)
        if not worst <= ulps:
            raise WrongKernelError(f"{case!r} in order {order}: {worst:.3g} ulps off")


def distance(found: Array, wanted: Array, least: float) -> float:
    """The largest difference in units of the last place of what is wanted, at least of `least`."""
    if not wanted.size:
        return 0.0
    if wanted.dtype.kind != "f":
        return np.inf if (found != wanted).any() else 0.0
    unit = np.spacing(np.maximum(np.abs(wanted), wanted.dtype.type(least))).astype(np.float64)
    apart = np.abs(found.astype(np.float64) - wanted.astype(np.float64))
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    with np.errstate(invalid="ignore"):
        return float(np.where(same, 0.0, np.nan_to_num(apart / unit, nan=np.inf)).max())


def _ge_node(case: Case, expected: Sequence[Array]) -> NodeOp:
    sources = {port: _source(port, value) for port, value in case.inputs.items()}
    operands = {port: node.results[0] for port, node in sources.items()}
    results = [tensor_type(y.shape, _ELEMENTS[y.dtype.name]) for y in expected]
    attributes = {name: attribute_of(value) for name, value in case.attributes.items()}
    return Op.of(case.type, "node", operands, results, attributes)


def _source(name: str, value: Array) -> NodeOp:
    """Where an input comes from; 64-bit integers are constants."""
    if value.dtype == np.int64:
        dense = vector([int(number) for number in value], i64)
        return ConstOp.make(name, {}, [tensor_type(value.shape, i64)], value=dense)
    return DataOp.make(name, {}, [tensor_type(value.shape, _ELEMENTS[value.dtype.name])])


def attribute_of(value: Value) -> Attribute:
    """A node's attribute of a plain value."""
    match value:
        case bool():
            return IntegerAttr(int(value), i1)
        case int():
            return IntegerAttr(value, i64)
        case float():
            return FloatAttr(value, f32)
        case str():
            return StringAttr(value)
        case _:
            return DenseArrayBase.from_list(i64, list(value))
