"""The graphs that a control-flow node owns: their arguments, their nodes, what they capture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import NoneType, i64
from xdsl.ir import Attribute, Block, Region, SSAValue

from compiler.constants import number_attribute, scalar, vector
from compiler.conversion.onnx_to_ge.values import boolean, ge_type, integer
from compiler.om.contract import PARENT_INDEX_NAME
from dialects.ge import ConstOp, DataOp, GraphOp, NetOutputOp, NodeOp, Op
from dialects.onnx.graph import GraphOp as OnnxGraph
from dialects.types import RankedTensor, tensor_type


@dataclass
class Nodes:
    """Nodes while they are made, for a graph of their own or beside their maker.

    They are called `<label>/<name>`.
    """

    label: str
    nodes: list[NodeOp] = field(default_factory=list[NodeOp])

    def op(
        self,
        type: str,
        name: str,
        inputs: Mapping[str, SSAValue],
        result: Attribute,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> SSAValue:
        """A node of one result."""
        return self._add(Op.of(type, self._called(name), inputs, [result], attributes or {}))

    def owner(
        self,
        type: str,
        inputs: Mapping[str, SSAValue],
        results: Sequence[Attribute],
        graphs: Sequence[Region],
    ) -> list[SSAValue]:
        """The node that owns graphs and is called like the label; its results."""
        node = Op.of(type, self.label, inputs, results, {}, subgraphs=graphs)
        self.nodes.append(node)
        return list(node.results)

    def const(self, name: str, value: Attribute, type: RankedTensor) -> SSAValue:
        """A small constant."""
        return self._add(ConstOp.make(self._called(name), results=[type], value=value))

    def vector(self, name: str, values: Sequence[int]) -> SSAValue:
        """A small constant of one dimension, in int64 as shapes are."""
        return self.const(name, vector(values, i64), tensor_type((len(values),), i64))

    def scalar(self, name: str, value: int, element: Attribute = i64) -> SSAValue:
        """A small constant of one number."""
        return self.const(name, scalar(number_attribute(value, element)), tensor_type((), element))

    def argument(self, index: int, type: Attribute) -> SSAValue:
        """What the owner of the graph has at its input `index`."""
        place = {"index": integer(index), PARENT_INDEX_NAME: integer(index)}
        name = self._called(f"input_{index}")
        return self._add(DataOp.make(name, results=[type], attributes=place))

    def bind(self, values: Iterable[SSAValue], first: int) -> dict[SSAValue, SSAValue]:
        """Captured ONNX values as arguments, from the owner's input `first` on."""
        return {
            value: self.argument(first + place, ge_type(value.type))
            for place, value in enumerate(values)
        }

    def graph(self, outputs: Sequence[SSAValue]) -> Region:
        """The nodes as a graph, with what it gives its owner in order."""
        ports = {f"input{index}": value for index, value in enumerate(outputs)}
        end = {"_inner_net_output": boolean(True)}
        name = self._called("Node_Output")
        self.nodes.append(NetOutputOp.make(name, ports, attributes=end))
        return Region(Block([GraphOp(self.label, self.nodes)]))

    def _called(self, name: str) -> str:
        return f"{self.label}/{name}"

    def _add(self, node: NodeOp) -> SSAValue:
        self.nodes.append(node)
        return node.results[0]

    def name_of_next(self, what: str) -> str:
        """A name that no other node of the list has."""
        return f"{what}_{len(self.nodes)}"


def graph_in(region: Region | None) -> OnnxGraph:
    """The ONNX graph of a graph attribute."""
    assert region is not None, "the schema requires it"
    graph = region.block.first_op
    assert isinstance(graph, OnnxGraph)
    return graph


def captured(*graphs: OnnxGraph) -> list[SSAValue]:
    """The ONNX values around some graphs that they use, by name."""
    ops = [op for graph in graphs for op in graph.walk()]
    inside = {block for op in ops for region in op.regions for block in region.blocks}
    found: dict[SSAValue, None] = {}
    for value in (value for op in ops for value in op.operands):
        block = value.owner if isinstance(value.owner, Block) else value.owner.parent
        if block not in inside and not isinstance(value.type, NoneType):
            found[value] = None
    return sorted(found, key=lambda value: value.name_hint or "")
