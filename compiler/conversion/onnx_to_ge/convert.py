"""The conversion itself: one fresh ge graph from one ONNX graph, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnrankedTensorType
from xdsl.ir import Attribute, Operation, OpResult, SSAValue
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

from compiler.atc_names import operator_kind
from compiler.conversion.onnx_to_ge.ai_cpu import on_ai_cpu
from compiler.conversion.onnx_to_ge.constant import constant_payload, weight_attribute
from compiler.conversion.onnx_to_ge.custom import convert_custom
from compiler.conversion.onnx_to_ge.emitter import Emitter, Expansion, NoForm
from compiler.conversion.onnx_to_ge.naming import initializer_labels, node_labels, number_expansions
from compiler.conversion.onnx_to_ge.refused import mark_refused
from compiler.conversion.onnx_to_ge.subgraphs import Nodes
from compiler.conversion.onnx_to_ge.table import rule_for
from compiler.conversion.onnx_to_ge.values import boolean, ge_type, integer, strings
from compiler.errors import UnsupportedOperator, UserError
from compiler.om.contract import DIM_PARAMS_NAME
from compiler.sizes import dtype_of
from dialects.ge import ConstOp, DataOp, GraphOp, NetOutputOp, NodeOp
from dialects.onnx.ascend import ascend_operators
from dialects.onnx.graph import GraphOp as OnnxGraph
from dialects.onnx.graph import InitializerOp
from dialects.onnx.node import NodeOp as OnnxNode
from dialects.onnx.types import UNKNOWN
from dialects.types import RankedTensor

NEWEST = 1000
"""The opset of a node outside a model: later than any."""


@dataclass(frozen=True)
class ConvertOnnxToGEPass(ModulePass):
    """Convert each `onnx.graph` to a `ge.graph` as ATC's ONNX importer does.

    Node names, operator types, ports, attributes and helper constants are those of ATC. An
    operator that has no GraphEngine form is an error that names the ONNX node.
    """

    name = "convert-onnx-to-ge"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in list(op.body.block.ops):
            if isinstance(graph, OnnxGraph):
                converted = Conversion(graph).run()
                op.body.block.insert_op_before(converted, graph)
                graph.detach()
                graph.erase(safe_erase=False)


class Conversion:
    """One model on its way from ONNX to GraphEngine."""

    def __init__(self, graph: OnnxGraph):
        self.graph = graph
        self.expansions: dict[Operation, Expansion] = {}
        self.labels = node_labels(graph)

    def run(self) -> GraphOp:
        """Convert everything; the ONNX graph stays as it is."""
        main = _Graph(self, self.graph, [], {})
        main.add_inputs()
        main.convert()
        number_expansions(self.graph, self.expansions)
        names = main.add_outputs()
        attributes: dict[str, Attribute] = {"attr_model_out_nodes_name": strings(*names)}
        return GraphOp(self.graph.label, main.nodes, attributes)

    def body(
        self, graph: OnnxGraph, into: Nodes, known: Mapping[SSAValue, SSAValue]
    ) -> list[SSAValue]:
        """Convert a graph inside a node; the ge values of its outputs."""
        inner = _Graph(self, graph, into.nodes, dict(known), f"{into.label}/")
        inner.convert()
        return [inner.values[value] for value in graph.outputs.values()]


def shared_dim_params(graph: OnnxGraph) -> list[dict[str, Attribute]]:
    """For each input the names of its open dimensions, where one of them is somewhere else too."""
    named = graph.input_dim_params
    count = Counter(name for names in named for name in names if name)
    shared = {name for name, places in count.items() if places > 1}
    return [
        {DIM_PARAMS_NAME: strings(*(name if name in shared else "" for name in names))}
        if shared.intersection(names)
        else {}
        for names in named
    ]


class _Graph:
    """One graph of the model: its nodes so far, and the ge values of its ONNX values."""

    def __init__(
        self,
        model: Conversion,
        graph: OnnxGraph,
        nodes: list[NodeOp],
        values: dict[SSAValue, SSAValue],
        prefix: str = "",
    ):
        self.model = model
        self.graph = graph
        self.nodes = nodes
        self.values = values
        self.initializers = initializer_labels(graph, prefix)

    def convert(self) -> None:
        """Convert the constants and nodes, in order."""
        for op in self.graph.body.block.ops:
            if isinstance(op, InitializerOp):
                self._constant(op, self.initializers[op.label], op.value)
            elif isinstance(op, OnnxNode):
                self._node(op)

    def add_inputs(self) -> None:
        """Add the Data nodes of a model."""
        params = shared_dim_params(self.graph)
        for index, (name, value) in enumerate(self.graph.inputs.items()):
            type: Attribute = value.type
            if isinstance(type, UnrankedTensorType):
                hint = f"give it one (--input-shape='{name}:1,3,224,224')"
                raise UserError(f"input '{name}' has no shape: {hint}")
            if type == UNKNOWN:
                raise UserError(f"input '{name}' has no type")
            type = cast(RankedTensor, ge_type(type))
            number = dtype_of(type.element_type).cpp
            attributes = {"index": integer(index), "data_type": integer(number)} | params[index]
            self._add(value, DataOp.make(name, results=[type], attributes=attributes))

    def _constant(self, op: Operation, label: str, payload: Attribute) -> None:
        try:
            payload = weight_attribute(payload)
        except ValueError as error:
            raise UserError(f"constant '{label}': {error}") from None
        type = ge_type(op.results[0].type)
        node = ConstOp.make(label, results=[type], value=payload)
        node.location = op.location
        self._add(op.results[0], node)

    def _node(self, op: OnnxNode) -> None:
        label = self.model.labels[op]
        if op.domain == "ai.onnx" and op.op_type == "Constant":
            self._constant(op, label, constant_payload(self._emitter(op, label)))
            return mark_refused(op, label, self.nodes[-1:])
        emit = self._emitter(op, label)
        if emit.schema is None and (op.domain, op.op_type) not in ascend_operators():
            kind = operator_kind(op.domain, op.opset, op.op_type)
            message = f"ONNX node '{label}': nobody knows the operator {kind}"
            raise UnsupportedOperator(label, kind, message)
        emit, results = self._apply(emit)
        for result, value in zip(op.results, results, strict=False):
            value.name_hint = result.name_hint
            self.values[result] = value
        self.model.expansions[op] = emit.expansion
        self.nodes += emit.made
        return mark_refused(op, label, emit.made)

    def _apply(self, emit: Emitter) -> tuple[Emitter, list[SSAValue]]:
        """What the node becomes: GraphEngine's form, or ONNX's on the AI CPU where it has none."""
        op = emit.node
        if emit.schema is None:
            return emit, convert_custom(emit)
        rule = rule_for(op.domain, op.op_type, emit.opset or NEWEST)
        if rule is None:
            kind = operator_kind(op.domain, emit.opset, op.op_type)
            reason = f"GraphEngine has no operator for {kind}"
        else:
            try:
                return emit, rule(emit)
            except NoForm as missing:
                reason = str(missing)
            except VerifyException as unknown:
                reason = f"a shape is not known: {unknown}"
            emit.discard()
            emit = self._emitter(op, emit.expansion.label)
        return emit, on_ai_cpu(emit, reason)

    def _emitter(self, op: OnnxNode, label: str) -> Emitter:
        return Emitter(op, label, self.values, self.model.body)

    def add_outputs(self) -> list[str]:
        """Add Node_Output; the names of the outputs as a user of the model sees them."""
        names: list[str] = []
        inputs: dict[str, SSAValue] = {}
        for index, (name, value) in enumerate(self.graph.outputs.items()):
            source = self.values[value]
            assert isinstance(source, OpResult) and isinstance(source.op, NodeOp)
            inputs[f"input{index}"] = source
            names.append(f"{source.op.label}:{source.index}:{name}")
        attributes = {"_inner_net_output": boolean(True)}
        self.nodes.append(NetOutputOp.make("Node_Output", inputs, attributes=attributes))
        return names

    def _add(self, value: SSAValue, node: NodeOp) -> None:
        self.nodes.append(node)
        node.results[0].name_hint = value.name_hint
        self.values[value] = node.results[0]
