"""Which way the matrices of a model lie, and which modules of PyTorch they belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from onnx import GraphProto, NodeProto

from compiler.safetensors import IN_OUT, OUT_IN

_OTHER = {IN_OUT: OUT_IN, OUT_IN: IN_OUT}


@dataclass(frozen=True, slots=True)
class Matrices:
    """The weights of products: `layouts` by name of the weight, those used in both ways left out;
    `modules`, name of the weight by the dotted path of a module, as exporters name its nodes."""

    layouts: Mapping[str, str]
    modules: Mapping[str, str]


def matrices_of(graph: GraphProto, weights: Collection[str]) -> Matrices:
    """Those of the weights that the nodes of a graph multiply with, or look up rows of."""
    turned = {node.output[0]: node.input[0] for node in graph.node if _turns(node)}
    uses: dict[str, set[str]] = {}
    modules: dict[str, set[str]] = {}
    for node in graph.node:
        for value, layout in _matrices(node):
            weight = turned.get(value, value)
            if weight in weights:
                uses.setdefault(weight, set()).add(_OTHER[layout] if value in turned else layout)
                modules.setdefault(_module(node), set()).add(weight)
    return Matrices(
        {name: min(found) for name, found in uses.items() if len(found) == 1},
        {path: min(found) for path, found in modules.items() if path and len(found) == 1},
    )


def _turns(node: NodeProto) -> bool:
    """Whether a node transposes a matrix."""
    perm = [list(a.ints) for a in node.attribute if a.name == "perm"]
    return node.op_type == "Transpose" and perm in ([], [[1, 0]])


def _matrices(node: NodeProto) -> Iterator[tuple[str, str]]:
    """The operands of a node that may be weights, and which way they lie then."""
    flags = {a.name: a.i for a in node.attribute}
    match node.op_type:
        case "MatMul":
            yield node.input[0], OUT_IN
            yield node.input[1], IN_OUT
        case "Gemm":
            yield node.input[0], IN_OUT if flags.get("transA") else OUT_IN
            yield node.input[1], OUT_IN if flags.get("transB") else IN_OUT
        case "Conv":
            yield node.input[1], OUT_IN
        case "Gather":
            yield node.input[0], IN_OUT
        case _:
            pass


def _module(node: NodeProto) -> str:
    """`layers.0.q_proj` of a node `/layers.0/q_proj/MatMul`; "" of one that has no such name."""
    path, _, _ = node.name.rpartition("/")
    return path.removeprefix("/").replace("/", ".")
