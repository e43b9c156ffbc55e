"""Dynamic models: control flow, constants, shapes that come with the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from compiler.om.attributes import set_attribute
from compiler.om.dtypes import BY_NAME
from runtime.device import Memory
from runtime.errors import AclError
from runtime.executor.dynamic import truth
from runtime.loaded_model import Buffer
from runtime.model_registry import Models

F32 = np.float32


@pytest.mark.parametrize(
    ("value", "chosen"),
    [
        (np.zeros(0, F32), False),
        (np.zeros((4, 0), F32), False),
        (np.zeros((1,), F32), True),
        (np.array(0, F32), False),
        (np.array(1e-7, F32), False),
        (np.array(-2e-7, F32), True),
        (np.array(1e-15, np.float64), True),
        (np.array(0, np.int64), False),
        (np.array(True), True),
    ],
)
def test_truth_of_conditions(value: Any, chosen: bool) -> None:
    assert truth(value, "if") is chosen


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.complex64])
def test_scalars_without_truth_name_the_node(dtype: Any) -> None:
    with pytest.raises(AclError, match=r"node 'n/if' \(If\): a scalar condition of"):
        truth(np.array(1, dtype), "n/if")


class Run:
    """A device on which dynamic models run."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.models = Models(self.memory)

    def __call__(self, om: bytes, *inputs: Any) -> Buffer:
        """Runs a model; its only output gets memory from the device."""
        model = self.models[self.models.load(om)]
        given: list[Buffer] = []
        for value in map(np.asarray, inputs):
            made = self.memory.allocate(value.nbytes + 64)
            made.memory[: value.nbytes] = np.frombuffer(value.tobytes(), np.uint8)
            given.append(Buffer(made.address, value.nbytes, value.shape))
        output = Buffer(0, 0)
        model.execute(given, [output])
        return output

    def floats(self, output: Buffer) -> Any:
        """An output as float32."""
        assert output.dims is not None
        return self.memory.view(output.address, output.size, "y").view(F32).reshape(output.dims)


@pytest.fixture
def run() -> Run:
    return Run()


def _branches(builder: Any, op_type: str, names: list[str]) -> bytes:
    """y = x · 2, x · 3, … in the branch that input `choice` picks."""
    root = builder.graph("main")
    kind = np.int32 if op_type == "Case" else np.int64
    builder.op(root, "choice", "Data", [""], (kind, []), {"index": 0})
    builder.op(root, "x", "Data", [""], (F32, [-1]), {"index": 1})
    owner = builder.op(root, "owner", op_type, ["choice:0", "x:0"], (F32, [-1]))
    owner.subgraph_name.extend(names)
    builder.op(root, "out", "NetOutput", ["owner:0"])
    for factor, name in enumerate(names, start=2):
        graph = builder.graph(name)
        builder.op(graph, "inner", "Data", [""], (F32, [-1]), {"_parent_node_index": 1})
        builder.op(graph, "scaled", "Muls", ["inner:0"], (F32, [-1]), {"value": float(factor)})
        output = builder.op(graph, f"{name}_out", "NetOutput", ["scaled:0"])
        set_attribute(output.input_desc[0].attr["_parent_node_index"], 0)
    return builder.pack()


def test_if_takes_one_branch(run: Run, dynamic_builder: Callable[..., Any]) -> None:
    om, x = _branches(dynamic_builder(), "If", ["then", "else"]), np.array([1, 2], F32)
    assert run.floats(run(om, np.int64(1), x)).tolist() == [2, 4]
    assert run.floats(run(om, np.int64(0), x)).tolist() == [3, 6]


@pytest.mark.parametrize(("choice", "factor"), [(0, 2), (1, 3), (2, 4), (7, 4), (-1, 4)])
def test_case_takes_the_last_branch_for_others(
    choice: int, factor: int, run: Run, dynamic_builder: Callable[..., Any]
) -> None:
    om = _branches(dynamic_builder(), "Case", ["a", "b", "c"])
    assert run.floats(run(om, np.int32(choice), np.array([1], F32))).tolist() == [factor]


def test_called_graph(run: Run, dynamic_builder: Callable[..., Any]) -> None:
    builder = dynamic_builder()
    root, inner = builder.graph("main"), builder.graph("inner")
    builder.op(root, "x", "Data", [""], (F32, [-1]), {"index": 0})
    owner = builder.op(root, "call", "PartitionedCall", ["x:0"], (F32, [-1]))
    owner.subgraph_name.append("inner")
    builder.op(root, "out", "NetOutput", ["call:0"])
    builder.op(inner, "data", "Data", [""], (F32, [-1]), {"_parent_node_index": 0})
    builder.op(inner, "neg", "Neg", ["data:0"], (F32, [-1]))
    builder.op(inner, "inner_out", "NetOutput", ["neg:0"])
    output = run(builder.pack(), np.array([1, 2, 3], F32))
    assert (run.floats(output).tolist(), output.dtype) == ([-1, -2, -3], 0)


@pytest.mark.parametrize("inline", [True, False])
def test_constants_lie_in_the_graph_or_in_the_weights(
    inline: bool, run: Run, dynamic_builder: Callable[..., Any]
) -> None:
    builder, value = dynamic_builder(), np.array([10, 20], F32)
    root = builder.graph("main")
    builder.op(root, "x", "Data", [""], (F32, [-1, 2]), {"index": 0})
    const = builder.op(root, "c", "Const", [], (F32, [2]))
    tensor = const.attr["value"].t
    tensor.desc.CopyFrom(const.output_desc[0])
    if inline:
        tensor.data = value.tobytes()
    else:
        tensor.desc.data_offset = 512
        builder.weights = bytes(512) + value.tobytes()
    builder.op(root, "y", "Add", ["x:0", "c:0"], (F32, [-1, 2]))
    builder.op(root, "out", "NetOutput", ["y:0"])
    output = run(builder.pack(), np.array([[1, 2], [3, 4], [5, 6]], F32))
    assert output.dims == (3, 2)
    assert run.floats(output).tolist() == [[11, 22], [13, 24], [15, 26]]


def test_constant_without_bytes_names_the_node(
    run: Run, dynamic_builder: Callable[..., Any]
) -> None:
    builder = dynamic_builder()
    root = builder.graph("main")
    const = builder.op(root, "c", "Const", [], (F32, [2]))
    const.attr["value"].t.desc.dtype = BY_NAME["DT_FLOAT"].proto
    const.attr["value"].t.desc.shape.dim.append(2)
    builder.op(root, "out", "NetOutput", ["c:0"])
    with pytest.raises(AclError, match=r"node 'c' \(Const\): its 8 bytes are neither"):
        run(builder.pack())


def test_kernel_errors_name_the_node_at_run_time(
    run: Run, dynamic_builder: Callable[..., Any]
) -> None:
    builder = dynamic_builder()
    root = builder.graph("main")
    builder.op(root, "a", "Data", [""], (F32, [-1]), {"index": 0})
    builder.op(root, "b", "Data", [""], (F32, [-1]), {"index": 1})
    builder.op(root, "sum", "Add", ["a:0", "b:0"], (F32, [-1]))
    builder.op(root, "out", "NetOutput", ["sum:0"])
    with pytest.raises(AclError, match=r"node 'sum' \(Add\)") as caught:
        run(builder.pack(), np.zeros(3, F32), np.zeros(4, F32))
    assert caught.value.code == 507011


def test_operator_without_kernel_does_not_load(
    run: Run, dynamic_builder: Callable[..., Any]
) -> None:
    builder = dynamic_builder()
    root = builder.graph("main")
    builder.op(root, "x", "Data", [""], (F32, [-1]), {"index": 0})
    builder.op(root, "odd", "NoSuchOperator", ["x:0"], (F32, [-1]))
    with pytest.raises(AclError, match=r"node 'odd' \(NoSuchOperator\): there is no kernel"):
        run.models.load(builder.pack())
