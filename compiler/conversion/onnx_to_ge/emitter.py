"""What a conversion rule works with: the inputs of one ONNX node, and the ge nodes it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from xdsl.dialects.builtin import NoneType, StringAttr
from xdsl.ir import Attribute, SSAValue

from compiler.constants import number_attribute, scalar, vector
from compiler.conversion.onnx_to_ge.subgraphs import Nodes
from compiler.conversion.onnx_to_ge.values import ge_type, strings
from compiler.errors import UserError
from dialects.ge import ConstOp, NodeOp, Op
from dialects.onnx.graph import GraphOp as OnnxGraph
from dialects.onnx.node import NodeOp as OnnxNode
from dialects.types import RankedTensor, tensor_type

T = TypeVar("T")


@dataclass
class Expansion:
    """The nodes that one ONNX node became, in GraphEngine's visiting order of its inner graph.

    `order` lists the inner names, those of Data helpers included: they move the counter that
    numbers the nodes. An empty order means one node, which keeps the ONNX name. An inner name
    follows the ONNX name and `_`; `+name` follows it immediately, `=name` stands by itself.
    """

    label: str
    order: tuple[str, ...] = ()
    nodes: list[tuple[str, NodeOp]] = field(default_factory=list[tuple[str, NodeOp]])

    def number(self, base: int) -> int:
        """Name the nodes from a counter value on; the value after them."""
        for inner, node in self.nodes:
            if self.order:
                number = base + self.order.index(inner)
                name = f"PartitionedCall_{self._inner_name(inner)}_{number}"
                node.properties["node_name"] = StringAttr(name)
        return base + len(self.order)

    def _inner_name(self, inner: str) -> str:
        if inner.startswith("="):
            return inner[1:]
        return self.label + inner[1:] if inner.startswith("+") else f"{self.label}_{inner}"


class NoForm(Exception):
    """A node that ONNX allows and GraphEngine cannot express; the message says what it cannot."""


Body = Callable[[OnnxGraph, Nodes, Mapping[SSAValue, SSAValue]], list[SSAValue]]
"""Converts a graph inside a node: what it makes of the ONNX values it knows; its outputs."""


class Emitter:
    """Reads one ONNX node and makes its ge nodes.

    `values` are the ge values of the ONNX values around it; `body` converts graphs inside it.
    """

    def __init__(self, node: OnnxNode, label: str, values: Mapping[SSAValue, SSAValue], body: Body):
        self.node = node
        self.opset = node.opset
        self.schema = node.schema
        self.values = values
        self.body = body
        self.expansion = Expansion(label)
        self.nodes = Nodes(label)
        """Nodes with names of their own, beside the expansion."""

    def fail(self, reason: str) -> UserError:
        """The error for a node that cannot be converted."""
        opset = f" (opset {self.node.opset})" if self.node.opset else ""
        return UserError(
            f"ONNX node '{self.expansion.label}', {self.node.op_type}{opset}: {reason}"
        )

    def no_form(self, reason: str) -> NoForm:
        """Raised where GraphEngine cannot express this node: the AI CPU runs it as ONNX does."""
        return NoForm(f"{self.node.op_type} {reason}")

    def input(self, name: str) -> SSAValue | None:
        """The ge value at an input of the ONNX schema; None when it is left out."""
        value = self.node.input(name) if name in self._inputs else None
        return None if value is None else self.values[value]

    @property
    def _inputs(self) -> set[str]:
        known = self.schema
        return {parameter.name for parameter in known.inputs} if known else set()

    @property
    def inputs(self) -> list[SSAValue | None]:
        """All inputs by position."""
        return [self.values.get(value) for value in self.node.operands]

    def needed(self, name: str) -> SSAValue:
        """The ge value at an input that the schema requires."""
        value = self.input(name)
        if value is None:
            raise self.fail(f"input '{name}' is missing")
        return value

    def has(self, attribute: str) -> bool:
        """Whether the operator has an attribute in the model's opset."""
        known = self.schema
        return known is not None and attribute in known.attributes

    def integer(self, attribute: str) -> int:
        """An attribute of kind INT that the schema requires or has a default for."""
        return self._given(attribute, self.node.integer(attribute))

    def number(self, attribute: str) -> float:
        """An attribute of kind FLOAT that the schema requires or has a default for."""
        return self._given(attribute, self.node.number(attribute))

    def _given(self, attribute: str, value: T | None) -> T:
        if value is None:
            raise self.fail(f"attribute '{attribute}' is missing")
        return value

    @property
    def first(self) -> SSAValue:
        """The first input, which the schema requires."""
        value = self.inputs[0]
        assert value is not None
        return value

    def kept_results(self) -> list[Attribute]:
        """The types of the results, without those left out at the end.

        NoForm where one before the end is left out: no port of GraphEngine's can be.
        """
        types = self.result_types
        while isinstance(types[-1], NoneType):
            types.pop()
        if any(isinstance(type, NoneType) for type in types):
            raise self.no_form("leaves out an output before its last")
        return types

    @property
    def result_types(self) -> list[Attribute]:
        """The types of the node's results in ge."""
        return [ge_type(result.type) for result in self.node.results]

    def expand(self, *order: str) -> None:
        """Announce several nodes, by inner name in visiting order."""
        self.expansion.order = order

    def op(
        self,
        type: str,
        inputs: Mapping[str, SSAValue | None],
        attributes: Mapping[str, Attribute] | None = None,
        *,
        inner: str = "",
        results: Sequence[Attribute] | None = None,
    ) -> SSAValue:
        """Make a node; without `results` it yields what the ONNX node yields. Its first result."""
        types = self.result_types[:1] if results is None else results
        return self.ops(type, inputs, attributes, inner=inner, results=types)[0]

    def ops(
        self,
        type: str,
        inputs: Mapping[str, SSAValue | None],
        attributes: Mapping[str, Attribute] | None = None,
        *,
        inner: str = "",
        results: Sequence[Attribute],
    ) -> list[SSAValue]:
        """Make a node of several results; all of them."""
        connected = {port: value for port, value in inputs.items() if value is not None}
        node = Op.of(type, self.expansion.label, connected, results, self._noted(attributes))
        self._add(inner, node)
        return list(node.results)

    def const(self, inner: str, value: Attribute, type: RankedTensor) -> SSAValue:
        """Make a helper constant."""
        node = ConstOp.make(
            self.expansion.label, results=[type], attributes=self._noted(None), value=value
        )
        self._add(inner, node)
        return node.results[0]

    def vector(self, inner: str, values: Sequence[float], element: Attribute) -> SSAValue:
        """Make a helper constant of one dimension."""
        return self.const(inner, vector(values, element), tensor_type((len(values),), element))

    def scalar(self, inner: str, value: float, element: Attribute) -> SSAValue:
        """Make a helper constant of one number."""
        return self.const(inner, scalar(number_attribute(value, element)), tensor_type((), element))

    @property
    def made(self) -> list[NodeOp]:
        """Every node made so far."""
        return [*(node for _, node in self.expansion.nodes), *self.nodes.nodes]

    def discard(self) -> None:
        """Undo every node made so far."""
        for node in reversed(self.made):
            node.erase()

    def _noted(self, attributes: Mapping[str, Attribute] | None) -> dict[str, Attribute]:
        """The attributes, and on nodes of an expansion the ONNX node they come from."""
        noted = dict(attributes or {})
        if self.expansion.order:
            noted["_datadump_original_op_names"] = strings(self.expansion.label)
        return noted

    def _add(self, inner: str, node: NodeOp) -> None:
        names, made = self.expansion.order, self.expansion.nodes
        assert inner in names if names else not made, f"'{inner}' is none of {names}"
        node.location = self.node.location
        self.expansion.nodes.append((inner, node))


Rule = Callable[[Emitter], list[SSAValue]]
"""Makes the ge nodes of one ONNX node; a value for each of its results, or for the first ones."""
