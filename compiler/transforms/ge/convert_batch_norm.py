"""ge-convert-batch-norm: BatchNorm at inference becomes BNInfer."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from compiler.rewrite import all_graphs, carry_location
from dialects.ge import NodeOp, Op, type_of

INPUTS = ("x", "scale", "offset", "mean", "variance")


@dataclass(frozen=True)
class GEConvertBatchNormPass(ModulePass):
    """What GraphEngine's BatchNormBnInferFusionPass does, where only the first result is used."""

    name = "ge-convert-batch-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            for node in list(graph.nodes):
                if type_of(node) == "BatchNorm" and _is_inference(node):
                    _replace(node)


def _is_inference(node: NodeOp) -> bool:
    return set(INPUTS) <= set(node.port_names) and not any(r.uses for r in node.results[1:])


def _replace(node: NodeOp) -> None:
    inputs = {port: value for port, value in node.named_inputs.items() if port in INPUTS}
    attributes = {"epsilon": node.attributes["epsilon"]}
    new = Op.of("BNInfer", node.label, inputs, node.result_types[:1], attributes)
    carry_location(node, new)
    Rewriter.replace_op(node, [new], [new.results[0], *[None] * (len(node.results) - 1)])
