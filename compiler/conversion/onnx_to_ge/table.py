"""Which rule converts which ONNX operator: those that operators.csv alone cannot describe."""

from __future__ import annotations

from xdsl.dialects.builtin import i32, i64

from compiler.conversion.onnx_to_ge import (
    activations,
    arithmetic,
    casts,
    control_flow,
    convolution,
    elementwise,
    fills,
    flex_attention,
    indexing,
    movement,
    normalization,
    pooling,
    products,
    randomness,
    recurrent,
    reductions,
    resize,
    sampling,
    scan,
    shapes,
    unpooling,
)
from compiler.conversion.onnx_to_ge.emitter import Rule
from compiler.conversion.onnx_to_ge.rows import row_for

RULES: dict[str, Rule] = {
    "ArgMax": reductions.arg("ArgMaxV2", i64),
    "ArgMin": reductions.arg("ArgMin", i32),
    "AveragePool": pooling.average_pool,
    "BatchNormalization": normalization.batch_normalization,
    "Bernoulli": randomness.bernoulli,
    "BitShift": activations.bit_shift,
    "Cast": casts.cast_,
    "CastLike": casts.cast_like,
    "Clip": arithmetic.clip,
    "Col2Im": convolution.col2im,
    "Compress": indexing.compress,
    "Concat": shapes.concat,
    "ConstantOfShape": fills.constant_of_shape,
    "Conv": convolution.conv,
    "ConvTranspose": convolution.conv_transpose,
    "DeformConv": convolution.deform_conv,
    "Dropout": shapes.dropout,
    "Einsum": products.einsum,
    "EyeLike": fills.eye_like,
    "Flatten": shapes.flatten,
    "GRU": recurrent.gru,
    "Gather": indexing.gather,
    "GatherND": indexing.gather_nd,
    "Gemm": products.gemm,
    "GlobalLpPool": pooling.global_lp_pool,
    "GlobalMaxPool": pooling.global_max_pool,
    "GridSample": sampling.grid_sample,
    "Hardmax": activations.hardmax,
    "If": control_flow.if_,
    "IsInf": activations.is_inf,
    "LRN": normalization.lrn,
    "LSTM": recurrent.lstm,
    "LayerNormalization": normalization.layer_normalization,
    "LogSoftmax": activations.log_softmax,
    "Loop": control_flow.loop,
    "LpNormalization": normalization.lp_normalization,
    "LpPool": pooling.lp_pool,
    "MatMul": products.matmul,
    "Max": arithmetic.chain("Maximum"),
    "MaxPool": pooling.max_pool,
    "MaxRoiPool": pooling.max_roi_pool,
    "MaxUnpool": unpooling.max_unpool,
    "Mean": arithmetic.mean,
    "Min": arithmetic.chain("Minimum"),
    "Mod": activations.mod,
    "Multinomial": randomness.multinomial,
    "NonMaxSuppression": indexing.non_max_suppression,
    "OneHot": indexing.one_hot,
    "PRelu": elementwise.prelu,
    "Pad": movement.pad,
    "RNN": recurrent.rnn,
    "RMSNormalization": normalization.rms_normalization,
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
    "Resize": resize.resize,
    "RoiAlign": sampling.roi_align,
    "Scan": scan.scan,
    "ScatterND": indexing.scatter_nd,
    "Selu": activations.selu,
    "SequenceMap": control_flow.sequence_map,
    "Shape": shapes.shape,
    "Slice": movement.slice_,
    "Softmax": activations.softmax,
    "SpaceToDepth": shapes.space_to_depth,
    "Split": movement.split,
    "Squeeze": shapes.squeeze,
    "Sum": arithmetic.total,
    "SwiGLU": activations.swiglu,
    "ThresholdedRelu": activations.thresholded_relu,
    "TopK": indexing.top_k,
    "Transpose": shapes.transpose,
    "Unique": indexing.unique,
    "Unsqueeze": shapes.unsqueeze,
    "Upsample": resize.upsample,
    "Xor": activations.xor,
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
