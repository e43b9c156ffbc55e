"""How the graphs of two models differ: operators by name, their inputs, attributes and tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from google.protobuf.message import Message

from compiler.inspection.differences import Difference, changed, matched
from compiler.inspection.summary import value_of
from compiler.om.constants import CONST_TYPES, FILE_CONSTANT
from compiler.om.contract import (
    HASH_NAME,
    LENGTH_NAME,
    LOCATION_NAME,
    OFFSET_NAME,
    REFERENCE_NAME,
    SAMPLE_NAME,
)
from compiler.om.dtypes import proto_name
from compiler.om.external import digest_of, without_digest
from compiler.om.ge_ir_pb2 import AttrDef, GraphDef, ModelDef, OpDef, TensorDescriptor

CONSTANT_TYPES = frozenset({*CONST_TYPES, FILE_CONSTANT})
OF_WEIGHTS = frozenset(
    {
        *(LOCATION_NAME, OFFSET_NAME, LENGTH_NAME, REFERENCE_NAME, SAMPLE_NAME, HASH_NAME),
        *("value", "dtype", "shape", "original_shape"),
    }
)
"""Attributes of constants that say what `weight_differences` compares."""

COMPARED = frozenset({"name", "type", "input", "attr", "input_desc", "output_desc", "src_name"})
"""Fields of an operator that are compared in ways of their own."""


def graph_differences(old: ModelDef, new: ModelDef) -> Iterator[Difference]:
    """The differences of two models' attributes and graphs; those of weights' bytes aside.

    The main graphs are compared whatever they are called, others by name.
    """
    yield from changed("name", old.name, new.name)
    yield from _attribute_differences(old.attr, new.attr)
    if old.graph and new.graph:
        yield from changed("main graph", old.graph[0].name, new.graph[0].name)
    graphs = [_by_name(model) for model in (old, new)]
    yield from matched("", *graphs, shown=_size, compare=_compare_graphs)


def _by_name(model: ModelDef) -> dict[str, GraphDef]:
    return {f"graph {g.name}" if number else "": g for number, g in enumerate(model.graph)}


def _size(graph: GraphDef) -> str:
    return f"{len(graph.op)} operators"


def _compare_graphs(old: GraphDef, new: GraphDef) -> Iterator[Difference]:
    yield from _attribute_differences(old.attr, new.attr)
    names = [{op.name: base_name(op) for op in graph.op} for graph in (old, new)]
    ops = [{base_name(op): op for op in graph.op} for graph in (old, new)]
    yield from matched(
        "operator",
        *ops,
        shown=lambda op: op.type,
        compare=partial(_compare_operators, names[0], names[1]),
    )
    yield from changed("order of operators", *_orders(*ops))


def _orders(
    old: Mapping[str, OpDef], new: Mapping[str, OpDef]
) -> tuple[list[str] | str, list[str] | str]:
    """The operators that both have, in the order of each; one word where they are many."""
    orders = [[name for name in side if name in other] for side, other in ((old, new), (new, old))]
    return (orders[0], orders[1]) if orders[0] == orders[1] else ("one", "another")


def base_name(op: OpDef) -> str:
    """An operator's name without the hash that an external constant has behind it."""
    return without_digest(op.name, digest_of(op))


def _compare_operators(
    old_names: Mapping[str, str], new_names: Mapping[str, str], old: OpDef, new: OpDef
) -> Iterator[Difference]:
    constants = {old.type, new.type} <= CONSTANT_TYPES
    if not constants:
        yield from changed("type", old.type, new.type)
    yield from changed("inputs", _edges(old.input, old_names), _edges(new.input, new_names))
    skipped = OF_WEIGHTS if constants else frozenset[str]()
    yield from _attribute_differences(old.attr, new.attr, skipped)
    for side in ("input_desc", "output_desc"):
        yield from _tensor_differences(side, getattr(old, side), getattr(new, side))
    yield from _field_differences(old, new, COMPARED | {"output_i"} if constants else COMPARED)


def _edges(edges: Sequence[str], names: Mapping[str, str]) -> list[str]:
    split = (edge.rpartition(":") for edge in edges)
    return [f"{names.get(producer, producer)}{colon}{index}" for producer, colon, index in split]


def _attribute_differences(
    old: Mapping[str, AttrDef],
    new: Mapping[str, AttrDef],
    skipped: frozenset[str] = frozenset(),
) -> Iterator[Difference]:
    sides = [
        {name: side[name] for name in sorted(side) if name not in skipped} for side in (old, new)
    ]
    yield from matched("attribute", *sides, shown=value_of, compare=_compare_attributes)


def _compare_attributes(old: AttrDef, new: AttrDef) -> Iterator[Difference]:
    if old == new:
        return
    values = value_of(old), value_of(new)
    yield Difference((), *(values if values[0] != values[1] else ("one", "another")))


def _tensor_differences(
    side: str, old: Sequence[TensorDescriptor], new: Sequence[TensorDescriptor]
) -> Iterator[Difference]:
    what = side.removesuffix("_desc")
    sides = [{str(i): desc for i, desc in enumerate(descs)} for descs in (old, new)]
    yield from matched(what, *sides, shown=tensor_type, compare=_compare_tensors)


def tensor_type(desc: TensorDescriptor) -> str:
    """Type, shape and format of a tensor."""
    dtype = proto_name(desc.dtype)
    return f"{dtype.removeprefix('DT_')} {list(desc.shape.dim)} {desc.layout}"


def _compare_tensors(old: TensorDescriptor, new: TensorDescriptor) -> Iterator[Difference]:
    yield from changed("tensor", tensor_type(old), tensor_type(new))
    yield from _attribute_differences(old.attr, new.attr)
    yield from _field_differences(old, new, frozenset({"dtype", "shape", "layout", "attr"}))


def _field_differences(old: Message, new: Message, skipped: frozenset[str]) -> Iterator[Difference]:
    for field in old.DESCRIPTOR.fields:
        if field.name in skipped:
            continue
        values = [getattr(message, field.name) for message in (old, new)]
        if values[0] != values[1]:
            shown = [list(value) if field.is_repeated else value for value in values]
            yield Difference((field.name,), *map(str, shown))
