"""CPU time from ONNX to GraphEngine operators for graphs of 10,000 and 100,000 nodes."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bench.compiler import cpu_seconds_of

WIDTH = 64
SMALL, LARGE = 10_000, 100_000
REPEATS = 3
GOAL = 2.0
"""CPU seconds for the small graph, a process and its imports included."""
TIMES = 12.0
"""How many times as long ten times as many nodes may take."""

CONVERT = """
import sys
from compiler.endings import collect_rarely
from compiler.context import context
from compiler.conversion.onnx_to_ge import ConvertOnnxToGEPass
from compiler.frontends.onnx import import_model
collect_rarely()  # as ascend-opt and atc do
ConvertOnnxToGEPass().apply(context(), import_model(sys.argv[1]))
"""
"""Large graphs never become text: neither do these."""

BLOCK: tuple[tuple[str, dict[str, int | list[int]]], ...] = (
    ("MatMul", {}),
    ("Add", {}),
    ("Relu", {}),
    ("Transpose", {"perm": [1, 0]}),
    ("Softmax", {"axis": -1}),
    ("Transpose", {"perm": [1, 0]}),
    ("ReduceMean", {"axes": [1], "keepdims": 1}),
    ("Sub", {}),
    ("Sigmoid", {}),
    ("Mul", {}),
)
"""Ten operators in a row; those of two inputs take a weight, or what entered the block."""


def chain(nodes: int, path: Path) -> None:
    """Write a chain of blocks, each with weights of its own."""
    made: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    value = "x"
    matrix = np.random.default_rng(0).standard_normal((WIDTH, WIDTH)).astype(np.float32)
    for _ in range(nodes // len(BLOCK)):
        entered = value
        for operator, attributes in BLOCK:
            name = f"{operator}_{len(made)}"
            inputs = [value]
            if operator in ("MatMul", "Add"):
                array = matrix if operator == "MatMul" else matrix[0]
                weights.append(numpy_helper.from_array(array, f"{name}.weight"))
                inputs.append(f"{name}.weight")
            elif operator in ("Sub", "Mul"):
                inputs.append(entered)
            node = helper.make_node(operator, inputs, [name], name)
            node.attribute.extend(helper.make_attribute(*pair) for pair in attributes.items())
            made.append(node)
            value = name
    shape = [WIDTH, WIDTH]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    result = helper.make_tensor_value_info(value, TensorProto.FLOAT, shape)
    graph = helper.make_graph(made, "chain", [given], [result], weights)
    imports = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)


def main() -> None:
    """Print the figures with their goals; exit 1 when one is missed."""
    found: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for nodes in (SMALL, LARGE):
            path = Path(folder) / f"{nodes}.onnx"
            chain(nodes, path)
            convert = ("-c", CONVERT, str(path))
            found[nodes] = median(cpu_seconds_of(*convert) for _ in range(REPEATS))
    ratio = found[LARGE] / found[SMALL]
    print(
        f"large_graphs: {SMALL:,} nodes {found[SMALL]:.2f} s CPU (< {GOAL} s), {LARGE:,} nodes "
        f"{found[LARGE]:.1f} s, {ratio:.1f} times that (≤ {TIMES})"
    )
    sys.exit(found[SMALL] >= GOAL or ratio > TIMES)


if __name__ == "__main__":
    main()
