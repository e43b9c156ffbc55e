"""The findings of a pre-flight as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from compiler.plugins.node import ModelOutline
from compiler.plugins.preflight import Finding, graphs_of
from compiler.plugins.refusal import Refusal
from compiler.plugins.registered import PLUGINS, atc_opsets, covers


def report(model: ModelOutline, findings: Sequence[Finding]) -> Iterator[str]:
    """One paragraph for each reason: operator, why, the nodes, what would do; then the sum."""
    if not findings:
        yield "ATC would take every node of the model."
        return
    for why, nodes in _by_refusal(findings).items():
        yield f"{why.summary}"
        if names := ", ".join(filter(None, nodes)):
            yield f"    {_counted(len(nodes), 'node')}: {names}"
        if hints := list(_hints(why)):
            yield f"    instead: {', or '.join(hints)}"
    yield summary(findings)
    yield from _advice(model)


def summary(findings: Sequence[Finding]) -> str:
    """How much ATC would refuse: so many operators, or the model as a whole."""
    nodes = sum(bool(found.node) for found in findings)
    if nodes:
        return f"ATC would refuse {_counted(nodes, 'operator')}"
    return f"ATC would refuse the model: {findings[0].refusal.reason}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _by_refusal(findings: Iterable[Finding]) -> dict[Refusal, list[str]]:
    found: dict[Refusal, list[str]] = {}
    for finding in findings:
        found.setdefault(finding.refusal, []).append(finding.node)
    return found


def _hints(why: Refusal) -> Iterator[str]:
    if why.opset is not None:
        yield f"opset {why.opset}"
    if why.rewrite:
        yield why.rewrite


def _advice(model: ModelOutline) -> Iterator[str]:
    """The opset for which ATC has most plugins, when it is not the model's."""
    own = model.opsets.get("ai.onnx")
    if own is None:
        return
    nodes = [node for graph in graphs_of(model.graph) for node in graph.nodes]
    kinds = Counter(node.operator for node in nodes if node.domain == "ai.onnx")
    left = {opset: _missing(kinds, opset) for opset in {*PLUGINS, own}}
    best = min(PLUGINS, key=lambda opset: (left[opset], abs(opset - own)))
    if left[best] < left[own]:
        rest = f"all but {_counted(left[best], 'node')}" if left[best] else "every node"
        yield f"Export the model with opset {best}: ATC has a plugin for {rest} of ONNX's then."


def _missing(kinds: Mapping[str, int], opset: int) -> int:
    counted = kinds.items()
    return sum(n for kind, n in counted if not covers(atc_opsets("ai.onnx", kind), opset))
