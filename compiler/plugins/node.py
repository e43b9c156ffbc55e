"""An ONNX model as ATC's pre-check sees it: plain data, no weights, nothing inferred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from compiler.atc_names import operator_kind

Value = int | float | str | Sequence[int] | Sequence[float] | None
"""An attribute's value; None for tensors, graphs and the like."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelNode:
    """A node: its operator, the opset the model imports of its domain (None: it imports none).

    `inputs` says of each whether it is given, `outputs` whether somebody uses it. The operator may
    be a function of the model's own.
    """

    name: str
    domain: str
    opset: int | None
    operator: str
    attributes: Mapping[str, Value] = field(default_factory=dict[str, Value])
    inputs: Sequence[bool] = ()
    outputs: Sequence[bool] = ()
    graphs: Sequence[GraphOutline] = ()
    is_function: bool = False

    @property
    def kind(self) -> str:
        """The operator as ATC writes it, `<domain>::<opset>::<operator>`."""
        return operator_kind(self.domain, self.opset, self.operator)


class GraphOutline(NamedTuple):
    """A graph: the names of its inputs, outputs and constants, and its nodes in order."""

    inputs: Sequence[str]
    outputs: Sequence[str]
    constants: Sequence[str]
    nodes: Sequence[ModelNode]


class ModelOutline(NamedTuple):
    """A model: the opset it imports of each domain, its graph, its inputs of open shape."""

    opsets: Mapping[str, int]
    graph: GraphOutline
    open_inputs: Sequence[str] = ()
