"""Nodes that one kernel computes: the same numbers as one by one, on both engines, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, StringAttr, f16, i64
from xdsl.ir import Attribute

from compiler.constants import dense_from_raw
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.pipelines import FUSE, OfflinePass
from compiler.targets.om import OMTarget
from dialects.davinci import KernelOp, TileOp
from dialects.ge import ConstOp, DataOp, GraphOp, NetOutputOp, NodeOp, Op
from dialects.types import tensor_type
from runtime.device import Memory
from runtime.model_registry import Models
from runtime.settings import ENGINE_VARIABLE, Engine

Array = NDArray[Any]


class Step(NamedTuple):
    """A node: its type, its name, what it reads by port, the shape it makes, its attributes."""

    type: str
    name: str
    reads: Mapping[str, str]
    shape: tuple[int, ...]
    attributes: Mapping[str, Attribute] = {}  # never written


CONV = {
    "strides": DenseArrayBase.from_list(i64, [1, 1, 1, 1]),
    "pads": DenseArrayBase.from_list(i64, [1, 1, 1, 1]),
    "data_format": StringAttr("NCHW"),
}
CASES: dict[str, tuple[dict[str, tuple[int, ...]], list[Step]]] = {
    "conv, relu": (
        {"x": (2, 20, 9, 9), "w": (24, 20, 3, 3), "b": (24,)},
        [
            Step("Conv2D", "conv", {"x": "x", "filter": "w", "bias": "b"}, (2, 24, 9, 9), CONV),
            Step("Relu", "relu", {"x": "conv"}, (2, 24, 9, 9)),
        ],
    ),
    "product, relu": (
        {"x": (70, 40), "w": (40, 50), "b": (50,)},
        [
            Step("MatMulV2", "product", {"x1": "x", "x2": "w", "bias": "b"}, (70, 50)),
            Step("Relu", "relu", {"x": "product"}, (70, 50)),
        ],
    ),
    "product, gelu": (
        {"x": (700, 40), "w": (40, 800), "b": (800,)},
        [
            Step("MatMulV2", "product", {"x1": "x", "x2": "w", "bias": "b"}, (700, 800)),
            Step("Gelu", "gelu", {"x": "product"}, (700, 800)),
        ],
    ),
    "products, scaled, plus a row": (
        {"x": (3, 33, 40), "w": (3, 40, 50), "row": (50,)},
        [
            Step("BatchMatMulV2", "product", {"x1": "x", "x2": "w"}, (3, 33, 50)),
            Step("Mul", "twice", {"x1": "product", "x2": "two"}, (3, 33, 50)),
            Step("Add", "sum", {"x1": "twice", "x2": "row"}, (3, 33, 50)),
        ],
    ),
    "x · sigmoid(x) + row": (
        {"x": (30, 500), "row": (500,)},
        [
            Step("Sigmoid", "gate", {"x": "x"}, (30, 500)),
            Step("Mul", "swish", {"x1": "x", "x2": "gate"}, (30, 500)),
            Step("Add", "sum", {"x1": "swish", "x2": "row"}, (30, 500)),
        ],
    ),
    "broadcast in between": (
        {"column": (30, 1), "other": (30, 1), "x": (30, 500)},
        [
            Step("Add", "total", {"x1": "column", "x2": "other"}, (30, 1)),
            Step("Exp", "scale", {"x": "total"}, (30, 1)),
            Step("Mul", "scaled", {"x1": "x", "x2": "scale"}, (30, 500)),
        ],
    ),
    "a number": (
        {"x": (7, 33)},
        [
            Step("Mul", "twice", {"x1": "x", "x2": "two"}, (7, 33)),
            Step("Add", "more", {"x1": "twice", "x2": "two"}, (7, 33)),
            Step("Tanh", "tanh", {"x": "more"}, (7, 33)),
        ],
    ),
}


def _module(inputs: Mapping[str, tuple[int, ...]], steps: Sequence[Step]) -> ModuleOp:
    two = dense_from_raw(np.float16(2).tobytes(), tensor_type((), f16))
    assert two is not None
    nodes: dict[str, NodeOp] = {"two": ConstOp.make("two", {}, [tensor_type((), f16)], value=two)}
    for name, shape in inputs.items():
        nodes[name] = DataOp.make(name, {}, [tensor_type(shape, f16)])
    for step in steps:
        reads = {port: nodes[source].results[0] for port, source in step.reads.items()}
        result = [tensor_type(step.shape, f16)]
        nodes[step.name] = Op.of(step.type, step.name, reads, result, step.attributes)
    last = nodes[steps[-1].name].results[0]
    output = NetOutputOp.make("Node_Output", {"input0": last})
    return ModuleOp([GraphOp("graph", [*nodes.values(), output])])


@pytest.fixture
def built() -> Callable[..., ModuleOp]:
    """A case as an offline model, fused or not."""

    def build(case: str, soc: str = "Ascend910B4", *, fused: bool = True) -> ModuleOp:
        module = _module(*CASES[case])
        options = OfflinePass(soc=soc, disable=() if fused else FUSE, prove=True)
        options.build(Context(), module)
        return module

    return build


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Array]:
    """What an offline model gives on an engine."""

    def compute(module: ModuleOp, soc: str, engine: Engine, inputs: list[Array]) -> Array:
        monkeypatch.setenv(ENGINE_VARIABLE, engine)
        OMTarget(output=str(tmp_path / "m")).emit(Context(), module, StringIO())
        models = Models(Memory())
        (result,) = models[models.load(str(tmp_path / "m.om"))].run(inputs)
        return result.copy()

    return compute


@pytest.mark.parametrize("soc", ["Ascend910B4", "Ascend310B1"])
@pytest.mark.parametrize("case", CASES)
def test_numbers_are_those_of_the_nodes_one_by_one(
    built: Callable[..., ModuleOp],
    run: Callable[..., Array],
    case: str,
    soc: str,
    random: np.random.Generator,
) -> None:
    inputs = [random.standard_normal(s).astype(np.float16) for s in CASES[case][0].values()]
    modules = [built(case, soc, fused=fused) for fused in (True, False)]
    kernels = [[op for op in m.body.block.ops if isinstance(op, KernelOp)] for m in modules]
    assert len(kernels[0]) == 1
    assert len(kernels[1]) == len(CASES[case][1])
    for engine in Engine:
        one, each = (run(module, soc, engine, inputs) for module in modules)
        np.testing.assert_array_equal(one, each)


def test_a_chain_loads_each_input_once(built: Callable[..., ModuleOp]) -> None:
    text = str(built("x · sigmoid(x) + row"))
    assert text.count("davinci.load ") == 2
    assert text.count("davinci.store ") == 1


def test_parts_that_do_not_fit_together_come_apart(
    built: Callable[..., ModuleOp], monkeypatch: pytest.MonkeyPatch
) -> None:
    from compiler.conversion.ge_to_davinci import registry

    build = registry.BUILDERS["Conv2D"]

    def only_alone(operator: Operator, soc: Any) -> KernelOp:
        if operator.parts:
            raise UnsupportedError("too much")
        return build(operator, soc)

    monkeypatch.setitem(registry.BUILDERS, "Conv2D", only_alone)
    module = built("conv, relu")
    names = [node.label for node in module.walk() if isinstance(node, Op)]
    assert names == ["conv", "relu"]
    kernels = [op.op_type.data for op in module.walk() if isinstance(op, KernelOp)]
    assert kernels == ["Conv2D", "Relu"]
    assert not any(isinstance(op, TileOp) for op in module.walk())
