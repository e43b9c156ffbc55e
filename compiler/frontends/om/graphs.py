"""GraphDef to ge.graph: nodes in an order that defines values before their uses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from xdsl.dialects.builtin import IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.ir import Attribute, Block, Region, SSAValue

from compiler.errors import UserError
from compiler.frontends.om.attributes import (
    attributes_of,
    inline_value,
    names_list,
    text_at,
    type_of_descriptor,
)
from compiler.frontends.om.source import Source
from compiler.om.constants import FILE_CONSTANT, extent_of
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
from dialects.om import DATA_OFFSET_NAME, INLINE_NAME, RESERVED, PlacementAttr

KINDS: dict[str, type[NodeOp]] = {
    "Data": DataOp,
    "Const": ConstOp,
    FILE_CONSTANT: FileConstantOp,
    "Variable": VariableOp,
    "NetOutput": NetOutputOp,
}
BOOKKEEPING = (INPUT_PORTS_NAME, INPUT_PLACES_NAME, "_output_name_key", "_output_name_value")

MAX_DEPTH = 64
"""How deep graphs may be in nodes of graphs."""

PORT = re.compile(r"[A-Za-z_][\w$.]*", re.ASCII)
"""What MLIR's text takes for the name of a port."""


class GraphReader:
    """Reads the graphs of one model."""

    def __init__(self, model: ModelDef, weights: memoryview, source: Source):
        self.graphs = {graph.name: graph for graph in model.graph}
        self.weights = weights
        self.source = source
        self.read_already: set[str] = set()
        self.depth = 0

    def main_graphs(self) -> list[GraphOp]:
        """The main graph, then those that no node owns, or only nodes of their own."""
        names = list(self.graphs)
        owned = {
            name for graph in self.graphs.values() for op in graph.op for name in op.subgraph_name
        }
        first = [*names[:1], *(name for name in names if name not in owned)]
        found: list[GraphOp] = []
        for name in (*first, *names):
            found += self._not_yet(name)
        return found

    def _not_yet(self, name: str) -> list[GraphOp]:
        """The graph of that name; none where there is none or it has its place already."""
        if name in self.read_already or name not in self.graphs:
            return []
        self.read_already.add(name)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UserError(f"{self.source.path}: its graphs are nested more than {MAX_DEPTH} deep")
        graph = self._read(self.graphs[name])
        self.depth -= 1
        return [graph]

    def _read(self, graph: GraphDef) -> GraphOp:
        """One graph with the graphs its nodes own."""
        values: dict[str, SSAValue] = {}
        nodes: list[NodeOp] = []
        for op in in_order(graph):
            node = self._node(op, values)
            nodes.append(node)
            for index, result in enumerate(node.results):
                values[f"{op.name}:{index}"] = result
        return GraphOp(graph.name, nodes, attributes_of(graph.attr, RESERVED))

    def _node(self, op: OpDef, values: Mapping[str, SSAValue]) -> NodeOp:
        data = [name for name in op.input if not name.endswith(":-1")]
        after = [name.removesuffix(":-1") for name in op.input if name.endswith(":-1")]
        ports = _port_names(op, len(data))
        inputs = {p: _value(values, name, op) for p, name in zip(ports, data, strict=True) if name}
        payload = self._payload(op, _kind(op, len(inputs)))
        kind = KINDS[op.type] if "op_type" not in payload else Op
        results = () if kind is NetOutputOp else [type_of_descriptor(d) for d in op.output_desc]
        left_out = {*BOOKKEEPING, *RESERVED, *({"value"} if kind is ConstOp else ())}
        attributes = attributes_of(op.attr, left_out)
        attributes["placement"] = PlacementAttr.of(
            op.id,
            op.stream_id,
            op.input_i,
            op.output_i,
            op.workspace,
            workspace_bytes=op.workspace_bytes,
        )
        if kind is ConstOp:
            attributes |= _place_of_bytes(op)
        inner = [graph for name in op.subgraph_name for graph in self._not_yet(name)]
        return kind.make(
            op.name,
            inputs,
            results,
            attributes,
            after=after,
            subgraphs=[Region(Block([graph])) for graph in inner],
            **payload,
        )

    def _payload(self, op: OpDef, kind: type[NodeOp]) -> dict[str, Attribute]:
        """What a node has beside its attributes; an `op_type` makes it one like any other."""
        if kind is ConstOp and (value := self._weight(op)) is not None:
            return {"value": value}
        file = self.source.weight_file(op) if op.type == FILE_CONSTANT else None
        if kind is FileConstantOp and file is not None:
            return {"value": file}
        return {} if kind not in (ConstOp, FileConstantOp, Op) else {"op_type": StringAttr(op.type)}

    def _weight(self, op: OpDef) -> Attribute | None:
        """A constant's bytes: by reference to the weight partition, or inline where they can be.

        None where the IR has no such constant: it stays an attribute like any other.
        """
        tensor = op.attr["value"].t
        if tensor.data or not self.weights:
            return inline_value(tensor)
        extent = extent_of(op, len(self.weights), self.source.path)
        return self.source.reference(self.weights, *extent)


def _kind(op: OpDef, inputs: int) -> type[NodeOp]:
    """The operation for a node: one of its own where it is as such nodes are."""
    kind = KINDS.get(op.type, Op)
    is_source = not inputs and len(op.output_desc) == 1
    fits: dict[type[NodeOp], bool] = {
        Op: True,
        NetOutputOp: True,
        ConstOp: is_source and op.attr["value"].HasField("t") if "value" in op.attr else False,
        FileConstantOp: is_source and _names_file(op),
    }
    return kind if fits.get(kind, is_source) else Op


def _names_file(op: OpDef) -> bool:
    """Whether a FileConstant says which bytes of which file it is."""
    kinds = {LOCATION_NAME: "s", OFFSET_NAME: "i", LENGTH_NAME: "i"}
    has = {name: op.attr[name].WhichOneof("value") for name in kinds if name in op.attr}
    return (
        has == kinds
        and bool(op.attr[LOCATION_NAME].s)
        and all(
            text_at(op.attr, name).isprintable()
            for name in (LOCATION_NAME, REFERENCE_NAME)
            if name in op.attr
        )
        and min(op.attr[OFFSET_NAME].i, op.attr[LENGTH_NAME].i) >= 0
    )


def _place_of_bytes(op: OpDef) -> dict[str, Attribute]:
    """Where a constant's bytes are, when it is not where its placement says."""
    tensor = op.attr["value"].t
    if tensor.data:
        return {INLINE_NAME: UnitAttr()}
    if list(op.output_i) == [tensor.desc.data_offset]:
        return {}
    return {DATA_OFFSET_NAME: IntegerAttr(tensor.desc.data_offset, i64)}


def _value(values: Mapping[str, SSAValue], name: str, op: OpDef) -> SSAValue:
    if name not in values:
        raise UserError(f"operator '{op.name}' reads '{name}', which no operator before it makes")
    return values[name]


def _port_names(op: OpDef, count: int) -> list[str]:
    """The input ports: as the file names them, as the prototype does, or by number."""
    keys = names_list(op.attr, INPUT_PORTS_NAME)
    indices = names_list(op.attr, INPUT_PLACES_NAME)
    pairs = zip(indices, keys, strict=False)
    named = {i: key for i, key in pairs if isinstance(i, int) and isinstance(key, str)}
    names = [named.get(i, port) for i, port in enumerate(port_names(op.type, count))]
    are_names = len(set(names)) == count and all(map(PORT.fullmatch, names))
    return names if are_names else [f"__input{i}" for i in range(count)]


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
