"""Shapes, types and formats of the tensors of tasks, in the columns of the vendor's profiler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import SSAValue

from compiler.simulator.tables import Row
from compiler.sizes import dtype_of
from compiler.targets.om.descriptors import dims_of, format_of
from compiler.targets.om.operators import output_names
from dialects.ge import NodeOp
from dialects.om import ModelOp
from dialects.types import tensor_of


def tensor_columns(model: ModelOp) -> Mapping[str, Row]:
    """The columns of every node of a static model, by its name."""
    return {node.label: _columns(node) for graph in model.graphs for node in graph.all_nodes}


def _columns(node: NodeOp) -> Row:
    outputs = [format_of(node, port) for port in output_names(node)]
    inputs = [format_of(node, port) for port in node.port_names]
    return {
        **_side("Input", node.operands, inputs),
        **_side("Output", node.results, outputs),
    }


def _side(side: str, values: Sequence[SSAValue], formats: Sequence[str]) -> Row:
    shapes = [",".join(map(str, dims_of(value.type))) for value in values]
    types = [dtype_of(tensor_of(value).element_type).name.removeprefix("DT_") for value in values]
    return {
        f"{side} Shapes": f'"{";".join(shapes)}"',
        f"{side} Data Types": ";".join(types),
        f"{side} Formats": ";".join(formats),
    }
