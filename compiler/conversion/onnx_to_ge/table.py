"""Which rule converts which ONNX operator: those that operators.csv alone cannot describe."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.ir import SSAValue

from compiler.conversion.onnx_to_ge import (
    arithmetic,
    control_flow,
    elementwise,
    flex_attention,
    products,
    scan,
    shapes,
    spatial,
)
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.rows import row_for

Rule = Callable[[Emitter], list[SSAValue]]

RULES: dict[str, Rule] = {
    "AveragePool": spatial.average_pool,
    "BatchNormalization": arithmetic.batch_normalization,
    "Cast": arithmetic.cast,
    "CastLike": arithmetic.cast_like,
    "Clip": arithmetic.clip,
    "Concat": shapes.concat,
    "ConstantOfShape": shapes.constant_of_shape,
    "Conv": spatial.conv,
    "Dropout": arithmetic.dropout,
    "Flatten": shapes.flatten,
    "Gather": shapes.gather,
    "Gemm": products.gemm,
    "If": control_flow.if_,
    "LRN": arithmetic.lrn,
    "Loop": control_flow.loop,
    "MatMul": products.matmul,
    "Max": arithmetic.chain("Maximum"),
    "MaxPool": spatial.max_pool,
    "Min": arithmetic.chain("Minimum"),
    "PRelu": elementwise.prelu,
    "ReduceMax": arithmetic.reduce("ReduceMax"),
    "ReduceMean": arithmetic.reduce("ReduceMean"),
    "ReduceMin": arithmetic.reduce("ReduceMin"),
    "ReduceProd": arithmetic.reduce("ReduceProd"),
    "ReduceSum": arithmetic.reduce("ReduceSum"),
    "Reshape": shapes.reshape,
    "Scan": scan.scan,
    "SequenceMap": control_flow.sequence_map,
    "Shape": shapes.shape,
    "Softmax": arithmetic.softmax,
    "Squeeze": shapes.squeeze,
    "Sum": arithmetic.total,
    "Transpose": shapes.transpose,
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
