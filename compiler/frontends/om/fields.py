"""What of a file's messages the IR has no words for, as fields that its operations carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xdsl.dialects.builtin import DenseArrayBase, StringAttr, i64

from compiler.om.ge_ir_pb2 import GraphDef, ModelDef, OpDef
from compiler.om.message_text import message_text
from compiler.om.patches import Patch, difference
from compiler.om.task_pb2 import ModelTaskDef
from compiler.targets.om.model import Partitions
from compiler.targets.om.tasks import task_list
from dialects.ge import ConstOp, GraphOp, NodeOp
from dialects.om import FIELDS_NAME, ORDER_NAME, VALUE_FIELDS_NAME, FieldsAttr, ModelOp
from dialects.op import names_attr


def keep_task_fields(model: ModelOp, written: ModelTaskDef) -> None:
    """Note what of the task list, the tasks aside, the writer would not make."""
    found = difference(written, task_list(model), {"task"})
    if found is not None:
        model.properties["task_fields"] = _attribute(found)


def keep_model_fields(model: ModelOp, written: ModelDef) -> None:
    """Note what of the model, its graphs and its nodes the writer would not make."""
    derived = Partitions(model, {}).model_def()
    graphs = {graph.name: graph for graph in derived.graph}
    originals = {graph.name: graph for graph in written.graph}
    for graph in _graphs(model):
        _keep_graph(graph, originals[graph.label], graphs[graph.label])
    if [graph.name for graph in written.graph] != list(graphs):
        model.properties["graph_order"] = names_attr(tuple(g.name for g in written.graph))
    found = difference(written, derived, {"graph"})
    if found is not None:
        model.properties["fields"] = _attribute(found)


def _graphs(model: ModelOp) -> Iterator[GraphOp]:
    return (op for op in model.walk() if isinstance(op, GraphOp))


def _keep_graph(graph: GraphOp, written: GraphDef, derived: GraphDef) -> None:
    originals = {op.name: op for op in written.op}
    for node, op in zip(graph.nodes, derived.op, strict=True):
        _keep_node(node, originals[node.label], op)
    places = {op.name: place for place, op in enumerate(written.op)}
    order = [places[node.label] for node in graph.nodes]
    if order != sorted(order):
        graph.attributes[ORDER_NAME] = DenseArrayBase.from_list(i64, order)
    found = difference(written, derived, {"op"})
    if found is not None:
        graph.attributes[FIELDS_NAME] = _attribute(found)


def _keep_node(node: NodeOp, written: OpDef, derived: OpDef) -> None:
    is_const = isinstance(node, ConstOp)
    found = difference(written, derived, {"attr/value"} if is_const else ())
    if found is not None:
        node.attributes[FIELDS_NAME] = _attribute(found)
    if is_const:
        value = difference(written.attr["value"].t.desc, derived.attr["value"].t.desc)
        if value is not None:
            node.attributes[VALUE_FIELDS_NAME] = _attribute(value)


def _attribute(found: Patch[Any]) -> FieldsAttr:
    return FieldsAttr(names_attr(found.paths), StringAttr(message_text(found.payload)))
