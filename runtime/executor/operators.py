"""OM operators (`OpDef`) as the nodes and operands the operator engine takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compiler.om.attributes import DType, TypedList, get_attribute
from compiler.om.contract import (
    ELEMENT_TYPE_NAME,
    FUSION_GRAPH_NAME,
    INPUT_PLACES_NAME,
    INPUT_PORTS_NAME,
    PARENT_INDEX_NAME,
)
from compiler.om.ge_ir_pb2 import GraphDef, OpDef, TensorDescriptor
from runtime.errors import failure
from runtime.operator_engine import Member, Node, TensorDesc
from runtime.operator_engine.dtypes import from_proto, stand_in


@dataclass(frozen=True, slots=True)
class Operand:
    """A connected input: its port, its place among the data inputs, and who makes the tensor."""

    port: str
    place: int
    producer: str
    output: int
    desc: TensorDesc


def tensor_desc(desc: TensorDescriptor, node: str) -> TensorDesc:
    """A tensor description; AclError for element types that cannot be computed with."""
    dtype = from_proto(int(desc.dtype))
    if ELEMENT_TYPE_NAME in desc.attr:
        dtype = stand_in(desc.attr[ELEMENT_TYPE_NAME].s.decode())
    if dtype is None:
        raise failure(f"node '{node}' has a tensor of data type {int(desc.dtype)}, which "
            "the simulated device cannot compute with"
        )  # fmt: skip
    return TensorDesc(dtype, tuple(desc.shape.dim), desc.layout or "ND")


def constant_desc(op: OpDef) -> TensorDesc:
    """The tensor that a Const holds; its output says where elements are not GraphEngine's."""
    held = op.attr["value"].t.desc
    made = op.output_desc[0] if op.output_desc else held
    return tensor_desc(made if ELEMENT_TYPE_NAME in made.attr else held, op.name)


def edges(op: OpDef) -> Iterator[tuple[str, int]]:
    """(producer, output) of every data input in order; the producer is '' where none is connected.

    Control edges, whose output is -1, are left out.
    """
    for edge in op.input:
        producer, _, output = edge.rpartition(":")
        if output != "-1":
            yield producer, int(output) if producer else 0


def operands(op: OpDef) -> tuple[Operand, ...]:
    """The connected inputs of an operator in port order."""
    inputs = list(edges(op))
    connected = [place for place, (producer, _) in enumerate(inputs) if producer]
    # GraphEngine describes open optional inputs too; other writers may leave them out.
    dense = len(op.input_desc) == len(connected)
    names = _port_names(op, len(inputs))
    return tuple(
        Operand(names[place], place, *inputs[place], _input_desc(op, rank if dense else place))
        for rank, place in enumerate(connected)
    )


def _input_desc(op: OpDef, place: int) -> TensorDesc:
    if place >= len(op.input_desc):
        message = f"node '{op.name}' has {len(op.input_desc)} input descriptions, needs {place + 1}"
        raise failure(message)
    return tensor_desc(op.input_desc[place], op.name)


def _port_names(op: OpDef, count: int) -> list[str]:
    """The input ports: as the file names them, else as the operator's prototype does."""
    named: dict[int, str] = {}
    if INPUT_PORTS_NAME in op.attr and INPUT_PLACES_NAME in op.attr:
        keys, places = op.attr[INPUT_PORTS_NAME].list.s, op.attr[INPUT_PLACES_NAME].list.i
        for key, place in zip(keys, places, strict=False):
            named[place] = key.decode("utf-8", "surrogateescape")
    if all(place in named for place in range(count)):
        return [named[place] for place in range(count)]
    from dialects.ge.catalogue import port_names

    default = port_names(op.type, count)
    return [named.get(place, default[place]) for place in range(count)]


def node_of(op: OpDef, inputs: tuple[Operand, ...]) -> Node:
    """What a kernel is told about an operator."""
    return Node(
        op.name,
        op.type,
        {name: attribute(op, name) for name in op.attr if not name.startswith("_")},
        tuple(operand.desc for operand in inputs),
        tuple(tensor_desc(desc, op.name) for desc in op.output_desc),
        _members(op.attr[FUSION_GRAPH_NAME].g) if FUSION_GRAPH_NAME in op.attr else (),
    )


def _members(graph: GraphDef) -> tuple[Member, ...]:
    """The nodes that a fused one stands for; its inputs are numbered by Data nodes."""
    places: dict[str, int] = {}
    found: list[Member] = []
    for op in graph.op:
        if op.type == "Data":
            places[op.name] = op.attr[PARENT_INDEX_NAME].i
        elif op.type not in ("NetOutput", "_RetVal"):
            read = operands(op)
            sources = tuple((operand.port, places[operand.producer]) for operand in read)
            found.append(Member(node_of(op, read), sources))
            places[op.name] = -len(found)
    return tuple(found)


def attribute(op: OpDef, name: str) -> Any:
    """An attribute as a plain Python value: data types as C++ numbers; None when it is absent."""
    if name not in op.attr:
        return None
    value = get_attribute(op.attr[name])
    if isinstance(value, TypedList):
        return list(value.items)
    return value.cpp if isinstance(value, DType) else value
