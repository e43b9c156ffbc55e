"""Which operator type is built by which kernel builder, and who chooses its tile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from compiler.conversion.ge_to_davinci import (
    attention,
    conv,
    data_movement,
    elementwise,
    epilogue,
    gather,
    group_norm,
    layer_norm,
    lrn,
    matmul,
    normalization,
    padding,
    pooling,
    reduction,
    resize,
    softmax,
)
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.planning.cube import Tile
from compiler.soc import Soc
from dialects.davinci import KernelOp

Builder: TypeAlias = "Callable[[Operator, Soc], KernelOp]"

BUILDERS: Mapping[str, Builder] = {
    **dict.fromkeys(elementwise.EXPRESSIONS, elementwise.build_elementwise),
    "Assign": elementwise.build_assign,
    **dict.fromkeys(reduction.KINDS, reduction.build_reduce),
    "BiasAdd": normalization.build_bias_add,
    "BNInfer": normalization.build_bn_infer,
    **dict.fromkeys(layer_norm.EPSILON, layer_norm.build_layer_norm),
    **dict.fromkeys(("InstanceNorm", "GroupNorm", "GroupNormV2"), group_norm.build_group_norm),
    **dict.fromkeys(("SoftmaxV2", "LogSoftmaxV2"), softmax.build_softmax),
    **dict.fromkeys(("Resize", "ResizeNearestNeighborV2"), resize.build_resize),
    "MaxPoolV3": pooling.build_pool,
    "AvgPoolV2": pooling.build_pool,
    "LRN": lrn.build_lrn,
    **dict.fromkeys(("Concat", "ConcatD", "ConcatV2D", "Pack"), data_movement.build_concat),
    **dict.fromkeys(("Split", "SplitD", "SplitV", "SplitVD", "Unpack"), data_movement.build_split),
    **dict.fromkeys(data_movement.SLICES, data_movement.build_slice),
    **dict.fromkeys(("Transpose", "TransposeD"), data_movement.build_transpose),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), data_movement.build_space),
    **dict.fromkeys(("BroadcastTo", "Expand"), data_movement.build_broadcast),
    **dict.fromkeys(("Pad", "PadV2", "PadV3"), padding.build_pad),
    **dict.fromkeys(("Gather", "GatherV2", "GatherV2D"), gather.build_gather),
    "GatherNd": gather.build_gather_nd,
    "Tile": data_movement.build_tile,
    "Conv2D": conv.build_conv,
    "MatMulV2": matmul.build_matmul,
    "BatchMatMulV2": matmul.build_matmul,
    "PromptFlashAttention": attention.build_attention,
}
"""Builders raise UnsupportedError for the variants they cannot do."""

TILES: Mapping[str, Callable[[Operator, Soc], Tile]] = {
    "Conv2D": conv.conv_tile,
    "MatMulV2": matmul.matmul_tile,
    "BatchMatMulV2": matmul.matmul_tile,
}
"""What chooses tiles apart from the builder, which takes those it is told."""


def builder_of(operator: Operator) -> Builder:
    """What builds an operator, or several that one kernel shall compute.

    UnsupportedError where nothing does.
    """
    build = BUILDERS.get(operator.type)
    types = [part.operator.type for part in operator.parts]
    if build is None:
        raise UnsupportedError("there is no kernel builder")
    if not types or (operator.type in TILES and operator.relu):
        return build
    if all(type in elementwise.EXPRESSIONS for type in types):
        return elementwise.build_elementwise
    follows = set(types[1:]) <= elementwise.EXPRESSIONS.keys()
    if build is matmul.build_matmul and follows:
        return epilogue.build_with_epilogue
    raise UnsupportedError(f"no kernel computes {', '.join(types)} together")
