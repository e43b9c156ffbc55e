"""ge-fuse-conv-batch-norm: the batch norm behind a convolution goes into its weights."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import AnyFloat, FloatAttr, ModuleOp, StringAttr
from xdsl.passes import ModulePass
from xdsl.utils.hints import isa

from compiler.constants import scalar
from compiler.matching import Matcher, constant
from compiler.rewrite import Names, all_graphs, editing
from compiler.transforms.ge.convert_batch_norm import DEFAULT_EPSILON, INPUTS, is_inference
from compiler.weights.arithmetic import Term, compute, new_constant
from dialects.ge import ConstOp, GraphOp, NodeOp, Op, type_of
from dialects.types import element_name, shape_of, tensor_of, tensor_type
from dialects.weights import FLOATS


@dataclass(frozen=True)
class GEFuseConvBatchNormPass(ModulePass):
    """Fold BatchNorm at inference, or BNInfer, into Conv2D or Conv3D: ConvBatchnormFusionPass.

    filter · scale / √(variance + ε) and (bias - mean) · scale / √(variance + ε) + offset become
    derived weights, computed when they are written. All of these must be constants, so that a
    refreshable weight is never folded; the convolution has no other reader.
    """

    name = "ge-fuse-conv-batch-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _fuse(graph)


def _fuse(graph: GraphOp) -> None:
    match, names = Matcher(graph), Names(graph)
    with editing(graph) as editor:
        for node in list(graph.nodes):
            conv = _convolution(match, node)
            if conv is not None:
                read = [*conv.operands, *node.operands]
                editor.fuse([conv, node], *_folded(names, conv, node))
                editor.remove_unread(read)


def _convolution(match: Matcher, node: NodeOp) -> NodeOp | None:
    """The convolution whose result a node normalises with constants."""
    if not (type_of(node) == "BNInfer" or (type_of(node) == "BatchNorm" and is_inference(node))):
        return None
    conv = match.own(node.input("x"), "Conv2D", "Conv3D")
    if conv is None or not match.is_free(node) or conv.input("offset_w") is not None:
        return None
    bias = conv.input("bias")
    values = [*node.operands[1:], conv.input("filter"), *([] if bias is None else [bias])]
    held = [constant(value) for value in values]
    if not all(node is not None and match.is_free(node) for node in held):
        return None
    elements = {tensor_of(value).element_type for value in values if value is not None}
    alike = len(elements) == 1 and element_name(*elements) in FLOATS
    alike = alike and _channels_second(conv)
    return conv if alike and conv.results[0].type == node.results[0].type else None


def _channels_second(conv: NodeOp) -> bool:
    return conv.attributes.get("data_format") in (StringAttr("NCHW"), StringAttr("NCDHW"))


def _folded(names: Names, conv: NodeOp, norm: NodeOp) -> tuple[ConstOp, ConstOp, Op]:
    filters, bias = constant(conv.input("filter")), constant(conv.input("bias"))
    assert filters is not None, "_convolution has looked"
    scale, offset, mean, variance = (_term(norm, port) for port in INPUTS[1:])
    spread = compute("Sqrt", compute("Add", variance, _epsilon(norm, variance)))
    factor = compute("RealDiv", scale, spread)
    shift = compute("Mul", mean, factor)
    if bias is not None:
        shift = compute("Mul", compute("Sub", mean, Term.of(bias)), factor)
    channels = len(shape_of(filters.results[0])) - 1
    column = factor.shaped(factor.type.get_shape()[0], *(1,) * channels)
    scaled = compute("Mul", Term.of(filters), column)
    new_filter = new_constant(names, f"{conv.label}_filter", filters, scaled)
    new_bias = new_constant(names, f"{conv.label}_bias", bias, compute("Sub", offset, shift))
    inputs = {**conv.named_inputs, "filter": new_filter.results[0], "bias": new_bias.results[0]}
    new = Op.of(type_of(conv), conv.label, inputs, norm.result_types[:1], conv.attributes)
    return new_filter, new_bias, new


def _term(norm: NodeOp, port: str) -> Term:
    held = constant(norm.input(port))
    assert held is not None, "_convolution has looked"
    return Term.of(held)


def _epsilon(norm: NodeOp, like: Term) -> Term:
    given = norm.attributes.get("epsilon", DEFAULT_EPSILON)
    assert isa(given, FloatAttr[AnyFloat]), "the prototype has checked it"
    element = like.type.element_type
    assert isinstance(element, AnyFloat)
    return Term(scalar(FloatAttr(given.value.data, element)), tensor_type((1,), element))
