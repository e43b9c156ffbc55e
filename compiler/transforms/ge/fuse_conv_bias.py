"""ge-fuse-conv-bias: a constant added to every channel of a convolution becomes its bias."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from compiler.constants import reshaped
from compiler.matching import Matcher, constant, either_way, is_per_channel
from compiler.rewrite import Names, all_graphs, editing
from dialects.ge import ConstOp, GraphOp, NodeOp, Op, type_of
from dialects.types import shape_of, tensor_of, tensor_type


@dataclass(frozen=True)
class GEFuseConvBiasPass(ModulePass):
    """Turn Add behind Conv2D or Conv3D into the convolution's bias, as AABiasaddConvFusion does.

    The convolution has no bias and no other reader, channels come second, and the constant has the
    shape [C, 1, …] or [1, C, 1, …].
    """

    name = "ge-fuse-conv-bias"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _fuse(graph)


def _fuse(graph: GraphOp) -> None:
    match, names = Matcher(graph), Names(graph)
    with editing(graph) as editor:
        for node in list(graph.nodes):
            found = _convolution(match, node) if type_of(node) == "Add" else None
            if found is not None:
                conv, bias = found
                editor.fuse([conv, node], *_biased(names, conv, bias))


def _convolution(match: Matcher, node: NodeOp) -> tuple[NodeOp, ConstOp] | None:
    """The convolution that an Add adds a constant to."""
    for product, addend in either_way(node):
        conv, bias = match.own(product, "Conv2D", "Conv3D"), constant(addend)
        if conv is None or bias is None or not match.is_free(node):
            continue
        free = conv.input("bias") is None and conv.input("offset_w") is None
        if free and product.type == node.results[0].type and is_per_channel(addend, product):
            return conv, bias
    return None


def _biased(names: Names, conv: NodeOp, bias: ConstOp) -> tuple[ConstOp, Op]:
    channels = tensor_type((shape_of(conv.results[0])[1],), tensor_of(bias.results[0]).element_type)
    constant = ConstOp.make(
        names.fresh(f"{conv.label}_bias"),
        results=[channels],
        value=reshaped(bias.value, channels),
    )
    inputs = {**conv.named_inputs, "bias": constant.results[0]}
    return constant, Op.of(type_of(conv), conv.label, inputs, conv.result_types, conv.attributes)
