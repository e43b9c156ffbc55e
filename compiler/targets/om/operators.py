"""OpDef and GraphDef: the nodes of a graph as the container holds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import cast

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr
from xdsl.ir import Attribute, Operation, OpResult, SSAValue

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.om.attributes import ListKind, TypedList, set_attribute
from compiler.om.buffers import joined_bytes
from compiler.om.contract import FUSION_GRAPH_NAME
from compiler.om.ge_ir_pb2 import AttrDef, DataType, GraphDef, ModelDef, OpDef
from compiler.sizes import dtype_of
from compiler.targets.om.descriptors import describe_tensor, dims_of, format_of
from compiler.targets.om.fields import restore_fields
from compiler.targets.om.values import set_all
from dialects.ge import (
    ConstOp,
    DataOp,
    FusedOp,
    GraphOp,
    NetOutputOp,
    NodeOp,
    Op,
    subgraphs_of,
    type_of,
)
from dialects.ge.catalogue import signature
from dialects.om import (
    DATA_OFFSET_NAME,
    FIELDS_NAME,
    INLINE_NAME,
    ORDER_NAME,
    RESERVED,
    VALUE_FIELDS_NAME,
    PlacementAttr,
    values_of,
)
from dialects.op import describe
from dialects.types import tensor_of


def add_graph(model: ModelDef, graph: GraphOp) -> None:
    """Append a graph, and after it the graphs that its nodes own."""
    _fill(model.graph.add(name=graph.label), graph)
    for node in graph.nodes:
        for inner in subgraphs_of(node):
            add_graph(model, inner)


def _fill(target: GraphDef, graph: GraphOp) -> None:
    """Write a graph into its message."""
    set_all(target.attr, _own(graph))
    for node in in_file_order(graph):
        add_node(target, node)
    target.input.extend(f"{data.label}:0" for data in graph.inputs)
    if graph.output is not None:
        target.output.extend(source_of(value) for value in graph.output.operands)
    restore_fields(target, graph.attributes.get(FIELDS_NAME))


def _own(op: Operation) -> dict[str, Attribute]:
    """GraphEngine's attributes of a node or graph."""
    return {name: value for name, value in op.attributes.items() if name not in RESERVED}


def in_file_order(graph: GraphOp) -> list[NodeOp]:
    """The nodes of a graph in the order in which a file has them."""
    nodes = list(graph.nodes)
    order = graph.attributes.get(ORDER_NAME)
    if not isinstance(order, DenseArrayBase):
        return nodes
    places = tuple(int(place) for place in order.get_values())
    if sorted(places) != list(range(len(nodes))):
        raise UserError(f"{describe(graph)}: {ORDER_NAME} does not order its {len(nodes)} nodes")
    return [node for _, node in sorted(zip(places, nodes, strict=True), key=lambda pair: pair[0])]


def source_of(value: SSAValue) -> str:
    """How an OpDef names the tensor it reads: `<producer>:<output index>`."""
    assert isinstance(value, OpResult) and isinstance(value.op, NodeOp)
    return f"{value.op.label}:{value.index}"


def ports_of(node: NodeOp) -> list[tuple[str, SSAValue | None]]:
    """The input ports in order; None at an optional one that is left out before another."""
    connected = node.named_inputs
    known = signature(type_of(node)) if isinstance(node, Op) else None
    if known is None:
        return list(connected.items())
    ports: list[tuple[str, SSAValue | None]] = []
    for port in known.inputs:
        if port.dynamic:
            ports += [(name, v) for name, v in connected.items() if port.covers(name)]
        else:
            ports.append((port.name, connected.get(port.name)))
    while ports and ports[-1][1] is None:
        ports.pop()
    # In a file of somebody else's the ports may be others than the prototype has.
    named = [name for name, value in ports if value is not None]
    return ports if named == list(connected) else list(connected.items())


def output_names(node: NodeOp) -> Sequence[str]:
    """The names of the output ports."""
    known = signature(type_of(node)) if isinstance(node, Op) else None
    names = known.outputs if known else ("y",)
    if len(node.results) <= len(names) and not any("*" in name for name in names):
        return names[: len(node.results)]
    return [f"{names[0].rstrip('*')}{i}" for i in range(len(node.results))]


def add_node(graph: GraphDef, node: NodeOp) -> None:
    """Append a node."""
    op = graph.op.add(name=node.label, type=type_of(node), has_out_attr=True)
    ports = ports_of(node)
    outputs = output_names(node)
    set_all(op.attr, _own(node))
    _name_ports(op, "input", [port for port, _ in ports])
    _name_ports(op, "output", outputs)
    op.input.extend(source_of(value) if value is not None else "" for _, value in ports)
    if isinstance(node, DataOp):
        op.input.append("")
    op.input.extend(f"{name}:-1" for name in node.control_inputs)
    op.is_input_const.extend(_is_const(value) for _, value in ports)
    _describe(op, node, ports, outputs)
    if isinstance(node, FusedOp):
        stands_for = op.attr[FUSION_GRAPH_NAME].g
        stands_for.name = node.graph.label
        _fill(stands_for, node.graph)
    if not _is_part(node):
        _place(op, node)
    if isinstance(node, ConstOp):
        _add_value(op, node)
    if isinstance(node, NetOutputOp):
        _name_sources(op, node)
    op.subgraph_name.extend(inner.label for inner in subgraphs_of(node))
    restore_fields(op, node.attributes.get(FIELDS_NAME))


def _is_part(node: NodeOp) -> bool:
    """Whether a node is in what a fused one stands for: it has no place of its own."""
    graph = node.parent_op()
    return graph is not None and isinstance(graph.parent_op(), FusedOp)


def _name_ports(op: OpDef, side: str, names: Sequence[str]) -> None:
    """The name → index map of the ports, in byte order of the names."""
    keys, values = _port_map(tuple(names))
    op.attr[f"_{side}_name_key"].CopyFrom(keys)
    op.attr[f"_{side}_name_value"].CopyFrom(values)


@lru_cache(1 << 12)
def _port_map(names: tuple[str, ...]) -> tuple[AttrDef, AttrDef]:
    indices = {name: i for i, name in enumerate(names)}
    keys = tuple(sorted(indices, key=str.encode))
    values = tuple(indices[key] for key in keys)
    made = AttrDef(), AttrDef()
    for attribute, items in zip(made, (keys, values), strict=True):
        set_attribute(attribute, TypedList(ListKind.NONE, items))
    return made


def _is_const(value: SSAValue | None) -> bool:
    return value is not None and isinstance(value.owner, ConstOp)


def _describe(
    op: OpDef,
    node: NodeOp,
    ports: Iterable[tuple[str, SSAValue | None]],
    outputs: Sequence[str],
) -> None:
    for port, value in ports:
        desc = op.input_desc.add()
        if value is not None:
            describe_tensor(desc, value, port, format_of(node, port))
            if isinstance(value.owner, ConstOp) and not is_inline(value.owner):
                desc.data_offset = weight_offset(value.owner)
    if isinstance(node, DataOp):
        describe_tensor(op.input_desc.add(), node.results[0], "x", _data_format(node))
    for port, result in zip(outputs, node.results, strict=True):
        layout = _data_format(node) if isinstance(node, DataOp) else format_of(node, port)
        describe_tensor(op.output_desc.add(), result, port, layout)


def _data_format(node: DataOp) -> str:
    return "NCHW" if len(dims_of(node.results[0].type)) == 4 else "ND"


def placement_of(node: NodeOp) -> PlacementAttr:
    """Where a node runs and its tensors lie; UserError when nobody has placed it."""
    placement = node.attributes.get("placement")
    if not isinstance(placement, PlacementAttr):
        raise UserError(f"{describe(node)} has no placement: pass 'om-plan-memory' gives it one")
    return placement


def is_inline(node: ConstOp) -> bool:
    """Whether a constant's bytes are in the graph, not in the weight partition."""
    return INLINE_NAME in node.attributes


def weight_offset(node: ConstOp) -> int:
    """Where a constant's bytes lie in the weight partition."""
    told = node.attributes.get(DATA_OFFSET_NAME)
    if isinstance(told, IntegerAttr):
        return told.value.data
    offsets = values_of(placement_of(node).outputs)
    if len(offsets) != 1:
        raise UserError(f"{describe(node)} has no place in the weight partition")
    return offsets[0]


def _place(op: OpDef, node: NodeOp) -> None:
    placement = placement_of(node)
    op.id = placement.id.data
    op.stream_id = placement.stream.data
    op.input_i.extend(values_of(placement.inputs))
    op.output_i.extend(values_of(placement.outputs))
    op.workspace.extend(values_of(placement.workspaces))
    op.workspace_bytes.extend(values_of(placement.workspace_bytes))


def _add_value(op: OpDef, node: ConstOp) -> None:
    """The weight of a Const: its bytes lie in the weight partition, or are the message's."""
    result = node.results[0]
    weight = weight_of(node.value)
    desc = op.attr["value"].t.desc
    dtype = dtype_of(tensor_of(result).element_type)
    desc.dtype = cast(DataType.ValueType, dtype.proto)
    desc.shape.SetInParent()
    desc.shape.dim.extend(tensor_of(result).get_shape())
    desc.layout = "ND"
    desc.device_type = "NPU"
    desc.size = desc.weight_size = weight.length
    if is_inline(node):
        op.attr["value"].t.data = joined_bytes(weight.chunks())
    else:
        desc.data_offset = weight_offset(node)
    restore_fields(desc, node.attributes.get(VALUE_FIELDS_NAME))


def _name_sources(op: OpDef, node: NetOutputOp) -> None:
    for value in node.operands:
        assert isinstance(value, OpResult) and isinstance(value.op, NodeOp)
        op.src_name.append(value.op.label)
        op.src_index.append(value.index)
