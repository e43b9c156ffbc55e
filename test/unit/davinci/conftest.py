"""Kernels for the tests: one node through the whole chain, executed on the kernel engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import (
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    f16,
    f32,
    i1,
    i64,
)
from xdsl.ir import Attribute

from compiler.constants import vector
from compiler.conversion.ge_to_davinci import ConvertGEToDavinciPass
from compiler.transforms.davinci.inject_sync import DavinciInjectSyncPass
from compiler.transforms.davinci.plan_memory import DavinciPlanMemoryPass
from compiler.transforms.davinci.verify_sync import DavinciVerifySyncPass
from dialects.davinci import KernelOp
from dialects.ge import ConstOp, DataOp, GraphOp, NodeOp, Op
from dialects.types import tensor_type
from runtime.kernel_engine import run_kernel
from runtime.kernel_engine.engine import Order

Array: TypeAlias = NDArray[Any]
Attributes: TypeAlias = "Mapping[str, int | bool | float | str | Sequence[int]]"

_ELEMENTS = {np.dtype(np.float16): f16, np.dtype(np.float32): f32}


def _attribute(value: int | bool | float | str | Sequence[int]) -> Attribute:
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


def _source(name: str, value: Array) -> NodeOp:
    if value.dtype == np.int64:
        dense = vector([int(number) for number in value], i64)
        return ConstOp.make(name, {}, [tensor_type(value.shape, i64)], value=dense)
    return DataOp.make(name, {}, [tensor_type(value.shape, _ELEMENTS[value.dtype])])


def module_of(
    op_type: str, inputs: Mapping[str, Array], output: Array, attributes: Attributes
) -> ModuleOp:
    """A graph of one node; integer inputs are constants."""
    sources = {port: _source(port, value) for port, value in inputs.items()}
    operands = {port: node.results[0] for port, node in sources.items()}
    result = tensor_type(output.shape, _ELEMENTS[output.dtype])
    known = {name: _attribute(value) for name, value in attributes.items()}
    node = Op.of(op_type, "node", operands, [result], known)
    return ModuleOp([GraphOp("graph", [*sources.values(), node])])


Schedule: TypeAlias = Callable[[str, Mapping[str, Array], Array, Attributes], KernelOp]


@pytest.fixture(scope="session")
def schedule() -> Schedule:
    """A node as a scheduled, proved kernel."""

    def make(
        op_type: str, inputs: Mapping[str, Array], output: Array, attributes: Attributes
    ) -> KernelOp:
        module = module_of(op_type, inputs, output, attributes)
        context = Context()
        for step in (
            ConvertGEToDavinciPass(),
            DavinciPlanMemoryPass(),
            DavinciInjectSyncPass(),
            DavinciVerifySyncPass(),
        ):
            step.apply(context, module)
        module.verify()
        kernels = [op for op in module.body.block.ops if isinstance(op, KernelOp)]
        assert len(kernels) == 1, f"{op_type} got no kernel"
        return kernels[0]

    return make


Execute: TypeAlias = "Callable[..., Array]"

ORDERS: tuple[Order, ...] = ("producers", "consumers", "program")


@pytest.fixture(scope="session")
def execute(schedule: Schedule) -> Execute:
    """What a node computes on the kernel engine, the same in every order of execution."""

    def run(
        op_type: str,
        inputs: Mapping[str, Array],
        shape: Sequence[int],
        attributes: Attributes = {},  # noqa: B006  # never written
        *,
        dtype: Any = None,
    ) -> Array:
        first = next(iter(inputs.values()))
        output = np.zeros(tuple(shape), dtype or first.dtype)
        kernel = schedule(op_type, inputs, output, attributes)
        results: list[Array] = []
        for order in ORDERS:
            result = np.full_like(output, np.nan)
            run_kernel(kernel, [*inputs.values(), result], order=order)
            results.append(result)
        for other in results[1:]:
            np.testing.assert_array_equal(other, results[0])
        return results[0]

    return run


@pytest.fixture
def random() -> np.random.Generator:
    """The same numbers in every run."""
    return np.random.default_rng(7)
