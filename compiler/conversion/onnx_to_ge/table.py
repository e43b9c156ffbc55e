"""Which rule converts which ONNX operator: those that operators.csv alone cannot describe."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects.builtin import i32, i64
from xdsl.ir import SSAValue

from compiler.conversion.onnx_to_ge import (
    arithmetic,
    control_flow,
    elementwise,
    fills,
    flex_attention,
    indexing,
    movement,
    products,
    randomness,
    recurrent,
    reductions,
    scan,
    shapes,
    spatial,
)
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.rows import row_for

Rule = Callable[[Emitter], list[SSAValue]]

RULES: dict[str, Rule] = {
    "ArgMax": reductions.arg("ArgMaxV2", i64),
    "ArgMin": reductions.arg("ArgMin", i32),
    "AveragePool": spatial.average_pool,
    "BatchNormalization": arithmetic.batch_normalization,
    "Bernoulli": randomness.bernoulli,
    "Cast": arithmetic.cast,
    "CastLike": arithmetic.cast_like,
    "Clip": arithmetic.clip,
    "Compress": indexing.compress,
    "Concat": shapes.concat,
    "ConstantOfShape": fills.constant_of_shape,
    "Conv": spatial.conv,
    "Dropout": shapes.dropout,
    "EyeLike": fills.eye_like,
    "Flatten": shapes.flatten,
    "GRU": recurrent.gru,
    "Gather": indexing.gather,
    "GatherND": indexing.gather_nd,
    "Gemm": products.gemm,
    "If": control_flow.if_,
    "LRN": arithmetic.lrn,
    "LSTM": recurrent.lstm,
    "Loop": control_flow.loop,
    "MatMul": products.matmul,
    "Max": arithmetic.chain("Maximum"),
    "MaxPool": spatial.max_pool,
    "Min": arithmetic.chain("Minimum"),
    "Multinomial": randomness.multinomial,
    "NonMaxSuppression": indexing.non_max_suppression,
    "OneHot": indexing.one_hot,
    "PRelu": elementwise.prelu,
    "Pad": movement.pad,
    "RandomNormal": randomness.NORMAL.drawn,
    "RandomNormalLike": randomness.NORMAL.drawn_like,
    "RandomUniform": randomness.UNIFORM.drawn,
    "RandomUniformLike": randomness.UNIFORM.drawn_like,
    "ReduceL1": reductions.lp_norm(1),
    "ReduceL2": reductions.lp_norm(2),
    "ReduceLogSum": reductions.reduce("ReduceSum", after="Log"),
    "ReduceLogSumExp": reductions.reduce("ReduceLogSumExp"),
    "ReduceMax": reductions.reduce("ReduceMax"),
    "ReduceMean": reductions.reduce("ReduceMean"),
    "ReduceMin": reductions.reduce("ReduceMin"),
    "ReduceProd": reductions.reduce("ReduceProd"),
    "ReduceSum": reductions.reduce("ReduceSum"),
    "ReduceSumSquare": reductions.square_sum,
    "Reshape": shapes.reshape,
    "Scan": scan.scan,
    "ScatterND": indexing.scatter_nd,
    "SequenceMap": control_flow.sequence_map,
    "Shape": shapes.shape,
    "Slice": movement.slice_,
    "Softmax": arithmetic.softmax,
    "SpaceToDepth": shapes.space_to_depth,
    "Split": movement.split,
    "Squeeze": shapes.squeeze,
    "Sum": arithmetic.total,
    "TopK": indexing.top_k,
    "Transpose": shapes.transpose,
    "Unique": indexing.unique,
    "Unsqueeze": shapes.unsqueeze,
}
"""Rules for what becomes several nodes, or depends on shapes and attributes."""


OTHER_DOMAINS: dict[tuple[str, str], Rule] = {
    ("ai.onnx.preview", "FlexAttention"): flex_attention.flex_attention,
}
"""Rules by domain and operator."""


def rule_for(domain: str, op_type: str, opset: int) -> Rule | None:
    """The rule for an operator in a model that imports that opset of its domain."""
    if domain != "ai.onnx":
        return OTHER_DOMAINS.get((domain, op_type))
    if op_type in RULES:
        return RULES[op_type]
    row = row_for(op_type, opset)
    return row.convert if row is not None and row.is_simple else None
