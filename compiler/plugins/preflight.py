"""Everything that ATC would refuse of a model, in the order in which it would come to it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from compiler.atc_names import initializer_names
from compiler.plugins.node import GraphOutline, ModelNode, ModelOutline
from compiler.plugins.refusal import WRONG_PARAMETERS, Refusal, refusal


class Stage(IntEnum):
    """Where ATC stops when something is wrong: only what is found by then is reported."""

    INPUTS = 0
    OUTPUTS = 1
    PRE_CHECK = 2
    PARAMETERS = 3


class Finding(NamedTuple):
    """Something that ATC refuses: in which graph of the model, when, and at which node."""

    graph: int
    stage: Stage
    node: str
    refusal: Refusal


def preflight(model: ModelOutline) -> list[Finding]:
    """All findings; ATC reports those that have the graph and the stage of the first one."""
    found = [
        finding
        for number, graph in enumerate(graphs_of(model.graph))
        for finding in _in_graph(number, graph)
    ]
    return sorted(found, key=lambda finding: (finding.graph, finding.stage))


def graphs_of(graph: GraphOutline) -> Iterator[GraphOutline]:
    """A graph, and those inside its nodes level by level."""
    level = deque([graph])
    while level:
        inner = level.popleft()
        yield inner
        level.extend(own for node in inner.nodes for own in node.graphs)


def names_of(graph: GraphOutline) -> Iterator[str]:
    """The names of what ATC makes of a graph: its nodes, then its inputs, then its constants."""
    constants = initializer_names(graph.constants)
    yield from (node.name for node in graph.nodes)
    yield from (name for name in graph.inputs if name not in constants)
    yield from constants.values()


def _in_graph(number: int, graph: GraphOutline) -> Iterator[Finding]:
    if number == 0 and not graph.inputs:
        yield Finding(number, Stage.INPUTS, "", _empty("input"))
    if not graph.outputs:
        yield Finding(number, Stage.OUTPUTS, "", _empty("output"))
    count = Counter(names_of(graph))
    for name in (name for name, times in count.items() if times > 1):
        yield Finding(number, Stage.PRE_CHECK, name, _repeated(name))
    yield from _refused(number, graph.nodes)


def _refused(number: int, nodes: Sequence[ModelNode]) -> Iterator[Finding]:
    for node in nodes:
        if (why := refusal(node)) is not None:
            late = why.code == WRONG_PARAMETERS
            yield Finding(number, Stage.PARAMETERS if late else Stage.PRE_CHECK, node.name, why)


def _empty(what: str) -> Refusal:
    return Refusal("E16001", what, f"the model has no {what}", rewrite=f"give it an {what}")


def _repeated(name: str) -> Refusal:
    return Refusal(
        "E13009", name, "another node, input or constant has this name", rewrite="rename"
    )
