"""ge-fuse-softmax: exponentials over their sum become SoftmaxV2."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, i64
from xdsl.passes import ModulePass

from compiler.matching import Matcher, axes_of
from compiler.rewrite import all_graphs, editing
from dialects.ge import GraphOp, NodeOp, Op, type_of
from dialects.types import shape_of


@dataclass(frozen=True)
class GEFuseSoftmaxPass(ModulePass):
    """Recognise e / Σ e with e = exp(x − max x) along one axis, as SoftmaxSmallOpFusionPass does.

    Only the form that subtracts the maximum: SoftmaxV2 computes it, and overflows as little.
    """

    name = "ge-fuse-softmax"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _fuse(graph)


def _fuse(graph: GraphOp) -> None:
    match = Matcher(graph)
    with editing(graph) as editor:
        for node in list(graph.nodes):
            parts = _parts(match, node) if type_of(node) in ("RealDiv", "Div") else None
            if parts is not None:
                peak = parts[0]
                axis = axes_of(peak, len(shape_of(peak.operands[0])))
                axes = {"axes": DenseArrayBase.from_list(i64, list(axis or ()))}
                x = {"x": peak.operands[0]}
                editor.fuse(parts, Op.of("SoftmaxV2", node.label, x, node.result_types, axes))


def _parts(match: Matcher, node: NodeOp) -> list[NodeOp] | None:
    """Maximum, difference, exponential, sum and quotient."""
    power = match.own(node.operands[0], "Exp", readers=2)
    total = match.own(node.operands[1], "ReduceSum")
    if power is None or total is None or total.operands[0] is not power.results[0]:
        return None
    shifted = match.own(power.operands[0], "Sub")
    peak = match.own(shifted.operands[1], "ReduceMax") if shifted is not None else None
    if shifted is None or peak is None or peak.operands[0] is not shifted.operands[0]:
        return None
    rank = len(shape_of(peak.operands[0]))
    axes = axes_of(peak, rank)
    same = axes is not None and len(axes) == 1 and axes == axes_of(total, rank)
    plain = match.is_free(node) and not power.attributes.keys() & {"base", "scale", "shift"}
    kept = peak.flag("keep_dims") and total.flag("keep_dims")
    typed = node.results[0].type == peak.operands[0].type
    return [peak, shifted, power, total, node] if same and plain and kept and typed else None
