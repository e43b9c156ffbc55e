"""GraphDef to ge.graph: nodes in an order that defines values before their uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, Block, Region, SSAValue

from compiler.constants import dense_from_raw
from compiler.errors import UserError
from compiler.frontends.om.attributes import (
    attributes_of,
    names_list,
    type_of_descriptor,
)
from compiler.frontends.om.source import Source
from compiler.om.contract import (
    INPUT_PLACES_NAME,
    INPUT_PORTS_NAME,
    LENGTH_NAME,
    LOCATION_NAME,
    OFFSET_NAME,
    REFERENCE_NAME,
)
from compiler.om.ge_ir_pb2 import GraphDef, ModelDef, OpDef
from dialects.ge import (
    ConstOp,
    DataOp,
    FileConstantOp,
    GraphOp,
    NetOutputOp,
    NodeOp,
    Op,
    VariableOp,
)
from dialects.ge.catalogue import port_names
from dialects.om import PlacementAttr
from dialects.types import RankedTensor

KINDS: dict[str, type[NodeOp]] = {
    "Data": DataOp,
    "Const": ConstOp,
    "FileConstant": FileConstantOp,
    "Variable": VariableOp,
    "NetOutput": NetOutputOp,
}
BOOKKEEPING = (INPUT_PORTS_NAME, INPUT_PLACES_NAME, "_output_name_key", "_output_name_value")


class GraphReader:
    """Reads the graphs of one model."""

    def __init__(self, model: ModelDef, weights: memoryview, source: Source):
        self.graphs = {graph.name: graph for graph in model.graph}
        self.weights = weights
        self.source = source

    def main_graphs(self) -> list[GraphOp]:
        """The graphs that no node owns, the main graph first."""
        owned = {
            name for graph in self.graphs.values() for op in graph.op for name in op.subgraph_name
        }
        return [self.read(graph) for name, graph in self.graphs.items() if name not in owned]

    def read(self, graph: GraphDef) -> GraphOp:
        """One graph with the graphs its nodes own."""
        values: dict[str, SSAValue] = {}
        nodes: list[NodeOp] = []
        for op in in_order(graph):
            node = self._node(op, values)
            nodes.append(node)
            for index, result in enumerate(node.results):
                values[f"{op.name}:{index}"] = result
        return GraphOp(graph.name, nodes, attributes_of(graph.attr, ()))

    def _node(self, op: OpDef, values: Mapping[str, SSAValue]) -> NodeOp:
        data = [name for name in op.input if not name.endswith(":-1")]
        after = [name.removesuffix(":-1") for name in op.input if name.endswith(":-1")]
        ports = _port_names(op, len(data))
        inputs = {p: _value(values, name, op) for p, name in zip(ports, data, strict=True) if name}
        kind = KINDS.get(op.type, Op)
        results = () if op.type == "NetOutput" else [type_of_descriptor(d) for d in op.output_desc]
        attributes = attributes_of(op.attr, (*BOOKKEEPING, "value"))
        attributes["placement"] = PlacementAttr.of(
            op.id,
            op.stream_id,
            op.input_i,
            op.output_i,
            op.workspace,
            workspace_bytes=op.workspace_bytes,
        )
        regions = [Region(Block([self.read(self.graphs[name])])) for name in op.subgraph_name]
        return kind.make(
            op.name,
            inputs,
            results,
            attributes,
            after=after,
            subgraphs=regions,
            **self._payload(op, kind),
        )

    def _payload(self, op: OpDef, kind: type[NodeOp]) -> dict[str, Attribute]:
        if kind is ConstOp:
            return {"value": self._weight(op)}
        if kind is FileConstantOp:
            attr = op.attr
            reference = attr[REFERENCE_NAME].s.decode() if REFERENCE_NAME in attr else None
            location, offset = attr[LOCATION_NAME].s.decode(), attr[OFFSET_NAME].i
            length = attr[LENGTH_NAME].i
            return {"value": self.source.weight_file(location, offset, length, reference)}
        return {"op_type": StringAttr(op.type)} if kind is Op else {}

    def _weight(self, op: OpDef) -> Attribute:
        """A constant's bytes: inline, or by reference to the weight partition."""
        tensor = op.attr["value"].t
        if tensor.data:
            return dense_from_raw(tensor.data, cast(RankedTensor, type_of_descriptor(tensor.desc)))
        start, length = tensor.desc.data_offset, tensor.desc.weight_size
        if start + length > len(self.weights):
            raise UserError(
                f"{self.source.path}: constant '{op.name}' needs bytes {start} to {start + length}"
                f" of a weight partition of {len(self.weights)}"
            )
        return self.source.reference(self.weights, start, length)


def _value(values: Mapping[str, SSAValue], name: str, op: OpDef) -> SSAValue:
    if name not in values:
        raise UserError(f"operator '{op.name}' reads '{name}', which no operator before it makes")
    return values[name]


def _port_names(op: OpDef, count: int) -> list[str]:
    """The input ports: as the file names them, as the prototype does, or by number."""
    keys = names_list(op.attr, INPUT_PORTS_NAME)
    indices = names_list(op.attr, INPUT_PLACES_NAME)
    named = dict(zip(indices, keys, strict=False))
    return [named.get(i, port) for i, port in enumerate(port_names(op.type, count))]


def in_order(graph: GraphDef) -> Iterator[OpDef]:
    """The operators in file order, moved back only where they would precede a producer."""
    by_name = {op.name: op for op in graph.op}
    done: set[str] = set()
    entered: set[str] = set()
    for root in graph.op:
        stack = [root]
        while stack:
            op = stack.pop()
            if op.name in done:
                continue
            sources = (name.rpartition(":")[0] for name in op.input)
            missing = [n for n in sources if n in by_name and n not in done]
            if not missing:
                done.add(op.name)
                yield op
            elif op.name in entered:
                raise UserError(f"graph '{graph.name}': operator '{op.name}' depends on itself")
            else:
                entered.add(op.name)
                stack += [op, *(by_name[name] for name in reversed(missing))]
