"""The distinct kernels of real models, with random inputs for the operators they belong to."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from xdsl.context import Context
from xdsl.dialects.builtin import (
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    StringAttr,
)
from xdsl.ir import Attribute, SSAValue

from compiler.constants import constant_values
from compiler.context import context
from compiler.conversion.ge_to_davinci.operator import Operator
from compiler.frontends.onnx import ImportOptions, import_model
from compiler.om.contract import KERNEL_NAME
from compiler.pipelines import KERNELS, OfflinePass
from compiler.precision_modes import PrecisionMode
from compiler.weights.element_types import numpy_dtype
from conformance.kernel_check import Array, Case
from dialects.davinci import KernelOp
from dialects.davinci.types import ints
from dialects.ge import GraphOp, NodeOp, type_of
from dialects.ge.catalogue import signature
from dialects.types import element_name, tensor_of

WHOLE = frozenset({"Conv2D", "MatMulV2", "BatchMatMulV2", "ReduceSum", "AvgPoolV2"})
"""Operators that get small whole numbers: whatever the order of a sum, it is exact."""
DYNAMIC = {"batch": 2, "sequence": 33}
"""What dynamic dimensions are."""
POSITIVE = frozenset({"Log", "Pow", "RealDiv", "Reciprocal", "Rsqrt", "Sqrt", "BNInfer"})


@dataclass(frozen=True)
class _Scheduled(OfflinePass):
    """The pipeline up to the kernels."""

    def build(self, ctx: Context, op: ModuleOp) -> None:
        self._run(ctx, op, KERNELS)


def kernels(path: Path, precision: PrecisionMode) -> Iterator[tuple[Case, KernelOp]]:
    """Each distinct kernel of a model, with the first operator that launches it."""
    module = import_model(str(path), options=ImportOptions(input_shapes=_shapes(path)))
    _Scheduled(precision=precision).apply(context(), module)
    found = {op.label: op for op in module.body.block.ops if isinstance(op, KernelOp)}
    for graph in module.body.block.ops:
        for node in graph.nodes if isinstance(graph, GraphOp) else ():
            name = node.attributes.get(KERNEL_NAME)
            if isinstance(name, StringAttr) and name.data in found:
                yield _case(node), found.pop(name.data)


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Of the inputs: unnamed and named dimensions by DYNAMIC."""
    inputs = onnx.load(path, load_external_data=False).graph.input
    dims = {value.name: value.type.tensor_type.shape.dim for value in inputs}
    return {
        name: tuple(dim.dim_value or DYNAMIC.get(dim.dim_param, 1) for dim in shape)
        for name, shape in dims.items()
    }


def _case(node: NodeOp) -> Case:
    known = signature(type_of(node))
    attributes = {
        name: _plain(value)
        for name, value in node.attributes.items()
        if known is None or name in known.kinds
    }
    operator = Operator.of(node)
    inputs = {port: _drawn(operator, port, value) for port, value in node.named_inputs.items()}
    return Case(type_of(node), inputs, attributes, len(node.results))


def _plain(value: Attribute) -> Any:
    match value:
        case IntegerAttr():
            is_bool = isinstance(value.type, IntegerType) and value.type.width.data == 1
            return bool(value.value.data) if is_bool else value.value.data
        case FloatAttr():
            return value.value.data
        case StringAttr():
            return value.data
        case DenseArrayBase():
            return list(ints(value))
        case _:
            raise ValueError(f"no plain value for {value}")


def _drawn(operator: Operator, port: str, value: SSAValue) -> Array:
    """Constants that kernels depend on as they are, all others at random."""
    shape, element = tensor_of(value).get_shape(), element_name(tensor_of(value).element_type)
    assert element is not None
    dtype, constant = numpy_dtype(element), constant_values(value)
    if constant is not None and dtype.kind in "iu":
        return np.array(constant, dtype).reshape(shape)
    if (number := operator.number(port)) is not None:
        return np.full(shape, number, dtype)
    draw = np.random.default_rng(zlib.crc32(f"{operator.type} {port} {shape}".encode()))
    if port == "indices":
        rows = min(operator.inputs[0][1].shape)
        return draw.integers(-rows, rows, shape).astype(dtype)
    if operator.type in WHOLE or dtype.kind in "iu":
        return draw.integers(-3, 4, shape).astype(dtype)
    x = draw.standard_normal(shape)
    return (np.abs(x) + 0.125 if operator.type in POSITIVE else x).astype(dtype)
