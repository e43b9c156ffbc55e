"""From a GraphProto to an `onnx.graph`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import onnx
from xdsl.dialects.builtin import StringAttr, UnrankedTensorType
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.rewriter import Rewriter

from compiler.errors import UserError
from compiler.frontends.onnx.attributes import convert_attribute
from compiler.frontends.onnx.opsets import (
    Opsets,
    check_operator,
    describe,
    domain_name,
    opset_imports,
)
from compiler.frontends.onnx.payloads import Payloads
from compiler.frontends.onnx.tensors import payload_of, sparse_attribute, type_of
from compiler.frontends.onnx.types import dim_params, parse_type
from dialects.onnx import OPERATORS, CustomOp, GraphOp, InitializerOp, NodeOp, NoneOp, OutputOp
from dialects.onnx.node import location_of
from dialects.onnx.schema import operator_name, schema
from dialects.onnx.types import NONE, UNKNOWN
from dialects.types import is_static, tensor_type

_NOT_IN_HINTS = re.compile(r"[^\w$.-]", re.ASCII)
_NO_HINT = re.compile(r"\d|(_\d+)+$", re.ASCII)
"""What a hint cannot begin with, and what xDSL would leave nothing of: numbers at its end."""


def build_model(model: onnx.ModelProto, payloads: Payloads) -> GraphOp:
    """The IR of a slim model whose functions are inlined."""
    opsets = opset_imports(model)
    return _Builder(payloads, opsets, {}).graph(model.graph, opsets)


class _Builder:
    """Builds one graph; `outer` are the values around it."""

    def __init__(self, payloads: Payloads, opsets: Opsets, outer: Mapping[str, SSAValue]):
        self.payloads = payloads
        self.opsets = opsets
        self.values = dict(outer)
        self.defined: set[str] = set()
        self.types: dict[str, Attribute] = {}
        self.ops: list[Operation] = []
        self.untyped: list[NodeOp] = []
        self.none: SSAValue | None = None

    def graph(self, graph: onnx.GraphProto, opsets: Opsets | None = None) -> GraphOp:
        """The graph; `opsets` for that of a model only."""
        for infos in (graph.value_info, graph.output, graph.input):
            for info in infos:
                self.types[info.name] = parse_type(info.type.SerializeToString())
        constants = {tensor.name for tensor in graph.initializer}
        constants |= {sparse.values.name for sparse in graph.sparse_initializer}
        inputs = [value for value in graph.input if value.name not in constants]
        block = Block(arg_types=[self.types[value.name] for value in inputs])
        for value, argument in zip(inputs, block.args, strict=True):
            self._define(value.name, argument, "the graph")
        self._initializers(graph)
        for node in graph.node:
            self._node(node)
        self.ops.append(self._output(graph))
        block.add_ops(self.ops)
        for op in self.untyped:
            _leave_out_unused(op, self.opsets)
        names = [value.name for value in inputs]
        return GraphOp.make(
            graph.name,
            block,
            names,
            opsets,
            [dim_params(value.type) for value in inputs],
        )

    def _define(self, name: str, value: SSAValue, who: str) -> None:
        if not name:
            raise UserError(f"{who} defines a value without a name")
        if name in self.defined:
            raise UserError(f"{who} defines '{name}', which is defined already")
        self.defined.add(name)
        self.values[name] = value
        hint = _NOT_IN_HINTS.sub("_", name)
        value.name_hint = f"v{hint}" if _NO_HINT.match(hint) else hint

    def _initializers(self, graph: onnx.GraphProto) -> None:
        for tensor in graph.initializer:
            self._initializer(tensor.name, *payload_of(tensor, self.payloads))
        for sparse in graph.sparse_initializer:
            type = tensor_type(tuple(sparse.dims), type_of(sparse.values).element_type)
            name = sparse.values.name
            self._initializer(name, sparse_attribute(sparse, self.payloads), type)

    def _initializer(self, name: str, payload: Attribute, type: Attribute) -> None:
        op = InitializerOp.make(name, payload, type)
        self.ops.append(op)
        self._define(name, op.output, "an initializer")

    def _node(self, node: onnx.NodeProto) -> None:
        inputs = self._inputs(node)
        results = [self.types.get(name, UNKNOWN) if name else NONE for name in node.output]
        attributes, graphs = self._attributes(node)
        if check_operator(node, self.opsets):
            kind = OPERATORS[operator_name(node.domain, node.op_type)]
            op: NodeOp = kind.make(node.name, inputs, results, attributes, graphs)
        else:
            op = CustomOp.make(
                node.name,
                inputs,
                results,
                attributes,
                graphs,
                op_domain=StringAttr(domain_name(node.domain)),
                operator=StringAttr(node.op_type),
            )
        self.ops.append(op)
        if any(type == UNKNOWN or isinstance(type, UnrankedTensorType) for type in results):
            self.untyped.append(op)
        for name, value in zip(node.output, op.results, strict=True):
            if name:
                self._define(name, value, describe(node))
        if not node.name and (first := next(filter(None, node.output), None)):
            op.location = location_of(first)

    def _inputs(self, node: onnx.NodeProto) -> list[SSAValue]:
        names = list(node.input)
        while names and not names[-1]:
            names.pop()
        return [self._value(name, node) for name in names]

    def _value(self, name: str, node: onnx.NodeProto) -> SSAValue:
        if not name:
            return self._no_value()
        value = self.values.get(name)
        if value is None:
            raise UserError(
                f"{describe(node)}: its input '{name}' is not defined before it"
                " (nodes must be in execution order)"
            )
        return value

    def _no_value(self) -> SSAValue:
        if self.none is None:
            op = NoneOp.make()
            self.ops.append(op)
            self.none = op.output
        return self.none

    def _attributes(self, node: onnx.NodeProto) -> tuple[dict[str, Attribute], dict[str, Region]]:
        attributes: dict[str, Attribute] = {}
        graphs: dict[str, Region] = {}
        for attribute in node.attribute:
            if attribute.name in attributes or attribute.name in graphs:
                raise UserError(f"{describe(node)}: gives its attribute '{attribute.name}' twice")
            if attribute.type == onnx.AttributeProto.GRAPH:
                inner = _Builder(self.payloads, self.opsets, self.values).graph(attribute.g)
                graphs[attribute.name] = Region(Block([inner]))
                continue
            value = convert_attribute(attribute, self.payloads)
            if value is None:
                raise UserError(f"{describe(node)}: attribute '{attribute.name}' has no value")
            attributes[attribute.name] = value
        return attributes, graphs

    def _output(self, graph: onnx.GraphProto) -> OutputOp:
        outputs: dict[str, SSAValue] = {}
        for output in graph.output:
            if output.name not in self.values:
                raise UserError(f"the graph's output '{output.name}' is never made")
            if output.name in outputs:
                raise UserError(f"the graph lists its output '{output.name}' twice")
            outputs[output.name] = _checked(output, self.values[output.name])
        return OutputOp.make(outputs)


def _checked(output: onnx.ValueInfoProto, value: SSAValue) -> SSAValue:
    """The value of an output. Inference compares results, but not inputs and initializers."""
    said = parse_type(output.type.SerializeToString())
    if is_static(said) and is_static(value.type) and said != value.type:
        raise UserError(f"the graph's output '{output.name}' is {value.type}, declared is {said}")
    return value


def _leave_out_unused(op: NodeOp, opsets: Opsets) -> None:
    """Leave out optional outputs that nobody uses and whose shape nobody knows (Dropout's mask)."""
    known = schema(op.OPERATOR, opsets.get(op.domain))
    for parameter, result in zip(known.outputs if known else (), op.results, strict=False):
        untyped = result.type == UNKNOWN or isinstance(result.type, UnrankedTensorType)
        if parameter.optional and untyped and not result.uses:
            Rewriter.replace_value_with_new_type(result, NONE)
