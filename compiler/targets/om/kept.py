"""What an om.model keeps of the file it was read from: its order, its header, whole partitions."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import fields
from typing import Any

from xdsl.dialects.builtin import DictionaryAttr, IntegerAttr, StringAttr
from xdsl.ir import Attribute

from compiler.errors import UserError
from compiler.om.ge_ir_pb2 import GraphDef, ModelDef
from compiler.om.header import ModelFileHeader
from compiler.om.partitions import ORDER, PartitionType, partition_number
from compiler.targets.om.operators import is_inline, weight_offset
from dialects.ge import ConstOp
from dialects.om import ModelOp
from dialects.weights import FileAttr

TRAILING = "trailing"
"""The kind of an om.partition that is no partition: bytes behind the last one."""

HEX = "0x"
"""How a text in a header begins that is not readable; its bytes in hexadecimal follow."""

TEXTS = frozenset("checksum name userdefineinfo platform_version padd reserved".split())
"""The fields of a header that are bytes."""


NONE: Mapping[str, Attribute] = {}


def header_fields(told: DictionaryAttr | None) -> dict[str, Any]:
    """The fields of a header that a file has otherwise than we write them."""
    known = {field.name for field in fields(ModelFileHeader)}
    return {
        name: _value(name, value, known) for name, value in (told.data if told else NONE).items()
    }


def _value(name: str, value: Attribute, known: Container[str]) -> bytes | int:
    if name in known and name in TEXTS and isinstance(value, StringAttr):
        return _bytes(value.data)
    if name in known and name not in TEXTS and isinstance(value, IntegerAttr):
        return value.value.data
    raise UserError(f"header: there is no field '{name}' to be {value}")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix(HEX)) if text.startswith(HEX) else text.encode()


def partition_order(model: ModelOp, filled: Sequence[str]) -> list[str]:
    """The partitions in the order of the file. UserError when one with content is left out."""
    if model.partitions is None:
        ranks = {int(kind): rank for rank, kind in enumerate(ORDER)}
        return sorted(filled, key=lambda kind: ranks.get(partition_number(kind), len(ORDER)))
    order = [kind.data for kind in model.partitions]
    for kind in filled:
        if kind not in order and kind not in _dispensable(model):
            raise UserError(
                f"om.model '{model.label}' has a partition {kind}, which its list leaves out"
            )
    return order


def _dispensable(model: ModelOp) -> set[str]:
    """The partitions that a file may lack because nothing of the model is in them."""
    found = {PartitionType.MODEL_INOUT_INFO.name}
    if not constants_inside(model):
        found.add(PartitionType.WEIGHTS_DATA.name)
    if not any(True for _ in model.tasks):
        found.add(PartitionType.TASK_INFO.name)
    return found


def constants_inside(model: ModelOp) -> list[ConstOp]:
    """The constants whose bytes are in the weight partition."""
    nodes = (n for g in model.graphs for n in g.all_nodes if isinstance(n, ConstOp))
    return [node for node in nodes if not is_inline(node)]


def check_kept(model: ModelOp) -> None:
    """UserError for a constant whose bytes are not those in a weight partition that is kept."""
    kept = [op.value for op in model.kept if op.kind.data == PartitionType.WEIGHTS_DATA.name]
    for node in constants_inside(model) if kept else ():
        start = kept[0].offset.data + weight_offset(node)
        value = node.value
        if not isinstance(value, FileAttr) or (value.path, value.offset.data) != (
            kept[0].path,
            start,
        ):
            raise UserError(
                f"constant '{node.label}' is not what is at its place in the weight partition, "
                f"which om.model '{model.label}' keeps as it was"
            )


def sort_graphs(message: ModelDef, model: ModelOp) -> None:
    """Put the graphs into the order of the file."""
    if model.graph_order is None:
        return
    names = [name.data for name in model.graph_order]
    graphs = {graph.name: graph for graph in message.graph}
    if sorted(names) != sorted(graphs) or len(graphs) != len(message.graph):
        raise UserError(f"om.model '{model.label}': graph_order does not order its graphs")
    copies: list[GraphDef] = []
    for name in names:
        copies.append(GraphDef())
        copies[-1].CopyFrom(graphs[name])
    del message.graph[:]
    message.graph.extend(copies)
