"""ge-fuse-layer-norm: mean, deviation, scale and shift, spelled out, become LayerNorm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, ModuleOp, f32, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from compiler.matching import Matcher, axes_of, either_way, number
from compiler.rewrite import all_graphs, editing
from dialects.ge import GraphOp, NodeOp, Op, type_of
from dialects.types import shape_of


@dataclass(frozen=True)
class GEFuseLayerNormPass(ModulePass):
    """Recognise (x − mean) / √(variance + ε) · gamma + beta, as LayerNormONNXFusionPass does.

    Mean and variance are over the last axes, gamma and beta have their shape. The square is a Pow
    by 2 or a product; equal differences have been merged before.
    """

    name = "ge-fuse-layer-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in all_graphs(op):
            _fuse(graph)


def _fuse(graph: GraphOp) -> None:
    match = Matcher(graph)
    with editing(graph) as editor:
        for node in list(graph.nodes):
            norm = _standardised(match, node) if type_of(node) == "RealDiv" else None
            affine = _affine(match, norm) if norm is not None else None
            if norm is not None and affine is not None:
                scale, shift, gamma, beta = affine
                new = _layer_norm(norm, shift, gamma, beta)
                editor.fuse([*norm.nodes, scale, shift], new)


class _Norm(NamedTuple):
    """x with mean 0 and variance 1 over the axes from `axis` on."""

    x: SSAValue
    axis: int
    epsilon: float
    nodes: list[NodeOp]


def _standardised(match: Matcher, quotient: NodeOp) -> _Norm | None:
    root = match.own(quotient.operands[1], "Sqrt")
    plus = match.own(root.operands[0], "Add") if root is not None else None
    if root is None or plus is None or not match.is_free(quotient):
        return None
    for value, addend in either_way(plus):
        epsilon, variance = number(addend), match.own(value, "ReduceMean")
        if epsilon is None or variance is None:
            continue
        square = match.own(variance.operands[0], "Pow", "Mul", "Square")
        middle = _difference(match, square, quotient) if square is not None else None
        if middle is None or square is None:
            continue
        mean, difference = middle
        axis = _last_axes(mean, variance)
        if axis is not None:
            nodes = [mean, difference, square, variance, plus, root, quotient]
            return _Norm(difference.operands[0], axis, epsilon, nodes)
    return None


def _difference(match: Matcher, square: NodeOp, quotient: NodeOp) -> tuple[NodeOp, NodeOp] | None:
    """Mean and difference from it, where that is what is squared and what is divided."""
    value = square.operands[0]
    twice = type_of(square) == "Mul"
    difference = match.own(value, "Sub", readers=3 if twice else 2)
    if difference is None or quotient.operands[0] is not value:
        return None
    if (twice and square.operands[1] is not value) or (
        type_of(square) == "Pow" and number(square.operands[1]) != 2
    ):
        return None
    mean = match.own(difference.operands[1], "ReduceMean")
    same = mean is not None and mean.operands[0] is difference.operands[0]
    return (mean, difference) if mean is not None and same else None


def _last_axes(mean: NodeOp, variance: NodeOp) -> int | None:
    """The first of the axes that both are over, which must be the last ones."""
    rank = len(shape_of(mean.operands[0]))
    axes = axes_of(mean, rank)
    kept = mean.flag("keep_dims") and variance.flag("keep_dims")
    if not kept or axes is None or axes != axes_of(variance, rank):
        return None
    return axes[0] if axes == tuple(range(axes[0], rank)) else None


def _affine(match: Matcher, norm: _Norm) -> tuple[NodeOp, NodeOp, SSAValue, SSAValue] | None:
    """The multiplication with gamma and the addition of beta behind a normalisation."""
    shape = shape_of(norm.x)[norm.axis :]
    scale = match.reader(norm.nodes[-1], "Mul")
    shift = match.reader(scale, "Add") if scale is not None else None
    if scale is None or shift is None or shift.results[0].type != norm.x.type:
        return None
    gamma = _other(scale, norm.nodes[-1])
    beta = _other(shift, scale)
    return (scale, shift, gamma, beta) if shape_of(gamma) == shape_of(beta) == shape else None


def _other(node: NodeOp, operand: NodeOp) -> SSAValue:
    left, right = node.operands
    return right if left is operand.results[0] else left


def _layer_norm(norm: _Norm, shift: NodeOp, gamma: SSAValue, beta: SSAValue) -> Op:
    axis = IntegerAttr(norm.axis, i64)
    attributes = {
        "begin_norm_axis": axis,
        "begin_params_axis": axis,
        "epsilon": FloatAttr(norm.epsilon, f32),
    }
    inputs = {"x": norm.x, "gamma": gamma, "beta": beta}
    return Op.of("LayerNorm", shift.label, inputs, shift.result_types, attributes)
