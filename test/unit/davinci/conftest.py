"""Kernels for the tests: one node through the whole chain, executed on the kernel engine."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import (
    ModuleOp,
)
from xdsl.ir import Attribute

from compiler.constants import dense_from_raw
from compiler.conversion.ge_to_davinci import ConvertGEToDavinciPass
from compiler.pipelines import KERNELS as KERNEL_PASSES
from compiler.pipelines import PROVE
from compiler.soc import DEFAULT_SOC
from compiler.universe import UNIVERSE
from compiler.weights import numpy_dtype
from conformance.kernel_check import attribute_of
from dialects.davinci import KernelOp
from dialects.davinci.types import byte_size
from dialects.ge import ConstOp, DataOp, GraphOp, NodeOp, Op
from dialects.types import ELEMENT_TYPES, tensor_type
from runtime.kernel_engine import run_kernel
from runtime.kernel_engine.engine import Order
from runtime.operator_engine import KERNELS, Node
from runtime.operator_engine.node import TensorDesc

Array: TypeAlias = NDArray[Any]
Attributes: TypeAlias = "Mapping[str, int | bool | float | str | Sequence[int]]"

_ELEMENTS: dict[Any, Attribute] = {
    np.dtype(numpy_dtype(name)): ELEMENT_TYPES[name]
    for name in ("f16", "f32", "bf16", "i1", "i8", "ui8", "i16", "i32", "i64")
}


def _source(name: str, value: Array, constant: bool) -> NodeOp:
    type = tensor_type(value.shape, _ELEMENTS[value.dtype])
    if constant:
        return ConstOp.make(name, {}, [type], value=dense_from_raw(value.tobytes(), type))
    return DataOp.make(name, {}, [type])


def module_of(
    op_type: str,
    inputs: Mapping[str, Array],
    outputs: Sequence[Array],
    attributes: Attributes,
    constants: Container[str] | None = None,
) -> ModuleOp:
    """A graph of one node; its constants are the inputs of integers where nothing says which."""
    if constants is None:
        constants = [port for port, value in inputs.items() if value.dtype == np.int64]
    sources = {port: _source(port, value, port in constants) for port, value in inputs.items()}
    operands = {port: node.results[0] for port, node in sources.items()}
    results = [tensor_type(output.shape, _ELEMENTS[output.dtype]) for output in outputs]
    known = {name: attribute_of(value) for name, value in attributes.items()}
    node = Op.of(op_type, "node", operands, results, known)
    return ModuleOp([GraphOp("graph", [*sources.values(), node])])


Schedule: TypeAlias = Callable[..., KernelOp]


@pytest.fixture(scope="session")
def schedule() -> Schedule:
    """A node as a scheduled, proved kernel."""

    def make(
        op_type: str,
        inputs: Mapping[str, Array],
        outputs: Sequence[Array] | Array,
        attributes: Attributes,
        constants: Container[str] | None = None,
        soc: str = DEFAULT_SOC,
    ) -> KernelOp:
        outputs = [outputs] if isinstance(outputs, np.ndarray) else outputs
        module = module_of(op_type, inputs, outputs, attributes, constants)
        for name in (*KERNEL_PASSES, *PROVE):
            options = {"soc": soc} if name == ConvertGEToDavinciPass.name else {}
            UNIVERSE.all_passes[name]()(**options).apply(Context(), module)
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


Agrees: TypeAlias = "Callable[..., None]"


@pytest.fixture(scope="session")
def agrees(schedule: Schedule) -> Agrees:
    """Whether a node's kernel computes what the operator engine does, bit for bit by default.

    `constants` names the inputs that are known; `tolerance` is relative and absolute; `result`
    is the type of the result where it is not that of the first input; only the first `results`
    are asked for.
    """

    def check(
        op_type: str,
        inputs: Mapping[str, Array],
        attributes: Attributes = {},  # noqa: B006  # never written
        *,
        constants: Container[str] = (),
        tolerance: tuple[float, float] = (0.0, 0.0),
        result: Any = None,
        results: int | None = None,
        soc: str = DEFAULT_SOC,
    ) -> None:
        outputs = (TensorDesc(np.dtype(result), ()),) if result else ()
        node = Node("node", op_type, dict(attributes), outputs=outputs)
        with np.errstate(all="ignore"):
            expected = KERNELS[op_type](node, inputs)[:results]
        kernel = schedule(op_type, inputs, expected, attributes, constants, soc)
        given = [np.ascontiguousarray(value) for value in inputs.values()]
        for order in ORDERS:
            found = [np.full(x.shape, _garbage(x.dtype), x.dtype) for x in expected]
            spaces = [np.full(byte_size(w), 0x7F, np.uint8) for w in kernel.workspace_types]
            run_kernel(kernel, [*given, *found, *spaces], order=order)
            for one, other in zip(found, expected, strict=True):
                _assert_close(one, other, tolerance)

    return check


def _garbage(dtype: np.dtype[Any]) -> float:
    return 1 if dtype.kind in "iub" else np.nan


def _assert_close(found: Array, expected: Array, tolerance: tuple[float, float]) -> None:
    """Equal, or within a relative and an absolute tolerance where one is given."""
    if not any(tolerance):
        np.testing.assert_array_equal(found, expected)
        return
    wide, other = found.astype(np.float64), expected.astype(np.float64)
    np.testing.assert_allclose(wide, other, *tolerance)


@pytest.fixture
def random() -> np.random.Generator:
    """The same numbers in every run."""
    return np.random.default_rng(7)
