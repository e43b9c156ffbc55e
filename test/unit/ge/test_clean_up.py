"""What every clean-up pass keeps: it is idempotent, deterministic, and linear in the graph."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from xdsl.dialects.builtin import (
    DenseArrayBase,
    FloatAttr,
    IntAttr,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    f32,
    i64,
)
from xdsl.ir import SSAValue
from xdsl.parser import Parser
from xdsl.passes import PassPipeline

from compiler.constants import vector
from compiler.context import context
from compiler.universe import UNIVERSE
from dialects.ge import ConstOp, DataOp, GraphOp, NetOutputOp, NodeOp, Op
from dialects.types import tensor_type
from dialects.weights import FileAttr

ROOT = Path(__file__).parents[3]
PASSES = [
    "ge-remove-identity",
    "ge-fold-constants",
    "ge-cancel-reshapes",
    "ge-cancel-transposes",
    "ge-cancel-broadcasts",
    "ge-cancel-casts",
    "ge-merge-duplicates",
    "ge-remove-dead-nodes",
    "ge-copy-stored-outputs",
    "ge-fuse-conv-bias",
    "ge-fuse-batch-norm-scale",
    "ge-fuse-conv-batch-norm",
    "ge-fuse-pad-conv",
    "ge-fuse-layer-norm",
    "ge-fuse-gelu",
    "ge-fuse-softmax",
    "ge-fuse-matmul-bias",
    "ge-fuse-attention",
]
MATRIX, VECTOR = tensor_type((8, 8), f32), tensor_type((64,), f32)


def run(name: str, module: ModuleOp) -> None:
    PassPipeline.parse_spec(UNIVERSE.all_passes, name).apply(context(), module)


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("example", PASSES)
def test_a_second_run_changes_nothing(name: str, example: str):
    stem = example.removeprefix("ge-").replace("-", "_")
    text = (ROOT / "test" / "transforms" / "ge" / f"{stem}.mlir").read_text()
    results: list[str] = []
    for _ in range(2):
        module = Parser(context(), text).parse_module()
        run(name, module)
        module.verify()
        once = str(module)
        run(name, module)
        assert str(module) == once
        results.append(once)
    assert results[0] == results[1]


def layer(number: int, x: SSAValue) -> list[NodeOp]:
    """Ten nodes with something for every pass to do; the last one goes on."""

    def op(kind: str, name: str, *values: SSAValue, **attributes: int | float) -> Op:
        from dialects.ge.catalogue import port_names

        inputs = dict(zip(port_names(kind, len(values)), values, strict=True))
        result = VECTOR if kind == "Flatten" else MATRIX
        held = {
            key: FloatAttr(value, f32) if isinstance(value, float) else IntegerAttr(value, i64)
            for key, value in attributes.items()
        }
        return Op.of(kind, f"{name}{number}", inputs, [result], held)

    perm = DenseArrayBase.from_list(i64, [1, 0])
    where = FileAttr(StringAttr("w"), IntAttr(256 * number), IntAttr(256))
    weight = ConstOp.make(f"w{number}", results=[MATRIX], value=where)
    same = ConstOp.make(f"v{number}", results=[MATRIX], value=where)
    first = op("Add", "add", x, weight.results[0])
    second = op("Add", "again", x, same.results[0])
    both = op("Mul", "mul", first.results[0], second.results[0])
    there = op("TransposeD", "there", both.results[0])
    back = op("TransposeD", "back", there.results[0])
    for transpose in (there, back):
        transpose.attributes["perm"] = perm
    flat = op("Flatten", "flat", back.results[0], axis=0)
    shape = ConstOp.make(f"s{number}", results=[tensor_type((2,), i64)], value=vector((8, 8), i64))
    view = op("Reshape", "view", flat.results[0], shape.results[0])
    cast = op("Cast", "cast", view.results[0], dst_type=0)
    dead = op("LeakyRelu", "dead", cast.results[0], negative_slope=0.5)
    last = op("Identity", "same", cast.results[0])
    return [weight, same, first, second, both, there, back, flat, shape, view, cast, dead, last]


def network(layers: int) -> ModuleOp:
    data = DataOp.make("x", results=[MATRIX], attributes={"index": IntegerAttr(0, i64)})
    nodes: list[NodeOp] = [data]
    for number in range(layers):
        nodes += layer(number, nodes[-1].results[0])
    output = NetOutputOp.make("Node_Output", {"input0": nodes[-1].results[0]})
    return ModuleOp([GraphOp("g", [*nodes, output])])


def test_the_passes_together_leave_what_counts():
    module = network(4)
    module.verify()
    run(",".join(PASSES), module)
    run("ge-remove-dead-nodes", module)
    module.verify()
    graph = module.body.block.first_op
    assert isinstance(graph, GraphOp)
    kinds = [node.label.rstrip("0123456789") for node in graph.nodes]
    assert kinds == ["x", *["w", "add", "mul"] * 4, "Node_Output"]


@pytest.mark.parametrize("name", PASSES)
def test_time_is_linear(name: str):
    """µs of CPU for each node of 13 000; the goal is 20, the limit allows for a slow machine."""
    module = network(1000)
    start = time.process_time()
    run(name, module)
    assert (time.process_time() - start) / 13_000 * 1e6 < 100


def speeds(layers: int) -> dict[str, float]:
    """ms of CPU for each pass, on a fresh network: `python -c` with this module prints them."""
    found: dict[str, float] = {}
    for name in PASSES:
        module = network(layers)
        start = time.process_time()
        run(name, module)
        found[name] = round((time.process_time() - start) * 1e3, 1)
    return found
