"""ge-convert-batch-norm: BatchNorm at inference becomes BNInfer."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f32
from xdsl.passes import ModulePass

from compiler.rewrite import all_graphs, editing
from dialects.ge import NodeOp, Op, type_of

INPUTS = ("x", "scale", "offset", "mean", "variance")
DEFAULT_EPSILON = FloatAttr(1e-4, f32)
"""Of BatchNorm's prototype."""


@dataclass(frozen=True)
class GEConvertBatchNormPass(ModulePass):
    """What GraphEngine's BatchNormBnInferFusionPass does, where only the first result is used."""

    name = "ge-convert-batch-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            with editing(graph) as editor:
                for node in list(graph.nodes):
                    if type_of(node) == "BatchNorm" and is_inference(node):
                        editor.replace(node, _bn_infer(node))


def is_inference(node: NodeOp) -> bool:
    """Whether only the first result is used, made from statistics that are given.

    The prototype's default of `is_training` is true, and training ignores given statistics.
    """
    return (
        node.integer("is_training") == 0
        and set(INPUTS) <= set(node.port_names)
        and not any(result.uses for result in node.results[1:])
    )


def _bn_infer(node: NodeOp) -> Op:
    inputs = {port: value for port, value in node.named_inputs.items() if port in INPUTS}
    epsilon = node.attributes.get("epsilon", DEFAULT_EPSILON)
    return Op.of("BNInfer", node.label, inputs, node.result_types[:1], {"epsilon": epsilon})
