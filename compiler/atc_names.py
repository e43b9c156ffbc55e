"""How ATC's ONNX importer names things: initializers, nodes without a name, operators."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

G = TypeVar("G")

_NAMELESS_CONSTANT = re.compile(
    r"(.*_[01]_(?:then_branch|else_branch|body)/)?Constant_\d+", re.DOTALL
)
_INITIALIZER = re.compile(r"(.*)_Initializer_\d+", re.DOTALL)


def initializer_names(names: Sequence[str]) -> Mapping[str, str]:
    """`<name>_Initializer_<k>` for each initializer of a graph, k its place in alphabetical
    order."""
    return {name: f"{name}_Initializer_{place}" for place, name in enumerate(sorted(names))}


def initializer_of(label: str) -> str:
    """The initializer that a node of this name is; the name itself where it is none."""
    made = _INITIALIZER.fullmatch(label)
    return made[1] if made else label


def nameless_node(op_type: str, count: int) -> str:
    """What a node without a name is called; one counter numbers all of a model."""
    return f"{op_type}_{count}"


def graph_label(owner: str, place: int, name: str) -> str:
    """The name of a graph that a node owns."""
    return f"{owner}_{place}_{name}"


def constant_name(label: str, origin: str | None) -> str:
    """What users call the constant that a node of this label is: a Constant without a name as its
    output, behind the names of the graphs it is in. `origin` is its name in ONNX, or its output's.
    """
    made = _NAMELESS_CONSTANT.fullmatch(label)
    return f"{made[1] or ''}{origin}" if made and origin else label


class Node(NamedTuple, Generic[G]):
    """What naming looks at: a node's name, if it has one, and the graphs in it by attribute."""

    op_type: str
    name: str
    graphs: Sequence[tuple[str, G]]


def labels(root: G, nodes: Callable[[G], Iterable[Node[G]]]) -> Iterator[tuple[G, str, list[str]]]:
    """Every graph level by level, what its names begin with, and the names of its nodes.

    A node has its own name, or `<OpType>_<k>` with one counter for all nameless nodes, and in a
    graph inside another the name of that graph before it.
    """
    nameless = 0
    waiting = deque([(root, "")])
    while waiting:
        graph, prefix = waiting.popleft()
        found: list[str] = []
        for node in nodes(graph):
            label = prefix + (node.name or nameless_node(node.op_type, nameless))
            nameless += not node.name
            found.append(label)
            for name, inner in node.graphs:
                place = _place(node.op_type, name)
                waiting.append((inner, f"{graph_label(label, place, name)}/"))
        yield graph, prefix, found


def _place(op_type: str, graph: str) -> int:
    """The place of a graph at its owner: a While has its condition before the body."""
    return int(graph == "else_branch") if op_type == "If" else 1


def operator_kind(domain: str, opset: int | None, op_type: str) -> str:
    """An operator as messages have it, its domain spelled out: `ai.onnx::17::Conv`."""
    return f"{domain}::{opset}::{op_type}"
