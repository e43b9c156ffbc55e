"""The conversion itself: one fresh ge graph from one ONNX graph, in order."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, TensorType, UnrankedTensorType
from xdsl.ir import Attribute, Operation, OpResult, SSAValue
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

from compiler.conversion.onnx_to_ge.ai_cpu import on_ai_cpu
from compiler.conversion.onnx_to_ge.creation import constant_payload
from compiler.conversion.onnx_to_ge.emitter import (
    Emitter,
    Expansion,
    NoForm,
    boolean,
    ge_type,
    integer,
    strings,
)
from compiler.conversion.onnx_to_ge.naming import (
    initializer_labels,
    node_labels,
    number_expansions,
)
from compiler.conversion.onnx_to_ge.table import rule_for
from compiler.errors import UnsupportedOperator, UserError
from compiler.om.dtypes import BY_MLIR
from dialects.ge import ConstOp, DataOp, GraphOp, NetOutputOp, NodeOp
from dialects.onnx.attributes import SparseAttr
from dialects.onnx.graph import GraphOp as OnnxGraph
from dialects.onnx.graph import InitializerOp
from dialects.onnx.node import NodeOp as OnnxNode
from dialects.types import element_name, tensor_of

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
    """One graph on its way from ONNX to GraphEngine."""

    def __init__(self, graph: OnnxGraph):
        self.graph = graph
        self.nodes: list[NodeOp] = []
        self.values: dict[SSAValue, SSAValue] = {}
        self.expansions: dict[Operation, Expansion] = {}
        self.initializers = initializer_labels(graph)
        self.labels = node_labels(graph)

    def run(self) -> GraphOp:
        """Convert everything; the ONNX graph stays as it is."""
        self._inputs()
        for op in self.graph.body.block.ops:
            if isinstance(op, InitializerOp):
                self._constant(op, self.initializers[op.label], op.value)
            elif isinstance(op, OnnxNode):
                self._node(op)
        number_expansions(self.graph, self.expansions)
        names = self._outputs()
        attributes: dict[str, Attribute] = {"attr_model_out_nodes_name": strings(*names)}
        return GraphOp(self.graph.label, self.nodes, attributes)

    def _inputs(self) -> None:
        for index, (name, value) in enumerate(self.graph.inputs.items()):
            type: Attribute = value.type
            if isinstance(type, UnrankedTensorType):
                hint = f"give it one (atc --input_shape='{name}:1,3,224,224')"
                raise UserError(f"input '{name}' has no shape: {hint}")
            if not isinstance(value.type, TensorType):
                raise UserError(f"input '{name}' is {type}: only tensors can be compiled")
            attributes = {"index": integer(index)}
            type = ge_type(type)
            dtype = BY_MLIR.get(element_name(tensor_of(value).element_type) or "")
            if dtype is not None:
                attributes["data_type"] = integer(dtype.cpp)
            self._add(value, DataOp.make(name, results=[type], attributes=attributes))

    def _constant(self, op: Operation, label: str, payload: Attribute) -> None:
        if isinstance(payload, ArrayAttr | SparseAttr):
            raise UserError(f"constant '{label}': only dense numbers can be compiled")
        type = ge_type(op.results[0].type)
        node = ConstOp.make(label, results=[type], value=payload)
        node.location = op.location
        self._add(op.results[0], node)

    def _node(self, op: OnnxNode) -> None:
        label = self.labels[op]
        if op.domain == "ai.onnx" and op.op_type == "Constant":
            return self._constant(op, label, constant_payload(Emitter(op, label, self.values)))
        if op.schema is None:
            kind = f"{op.domain}::{op.opset}::{op.op_type}"
            message = f"ONNX node '{label}': nobody knows the operator {kind}"
            raise UnsupportedOperator(label, kind, message)
        emit, results = self._apply(op, label)
        for result, value in zip(op.results, results, strict=False):
            value.name_hint = result.name_hint
            self.values[result] = value
        self.expansions[op] = emit.expansion
        self.nodes += [node for _, node in emit.expansion.nodes]
        return None

    def _apply(self, op: OnnxNode, label: str) -> tuple[Emitter, list[SSAValue]]:
        """What the node becomes: GraphEngine's form, or ONNX's on the AI CPU where it has none."""
        emit = Emitter(op, label, self.values)
        rule = rule_for(op.op_type, op.opset or NEWEST) if op.domain == "ai.onnx" else None
        reason = f"GraphEngine has no operator for {op.domain}::{op.opset}::{op.op_type}"
        if rule is not None:
            try:
                return emit, rule(emit)
            except NoForm as missing:
                reason = str(missing)
            except VerifyException as unknown:
                reason = f"a shape is not known: {unknown}"
            emit.discard()
        emit = Emitter(op, label, self.values)
        return emit, on_ai_cpu(emit, reason)

    def _outputs(self) -> list[str]:
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
