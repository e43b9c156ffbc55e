"""For each kernel builder an operator whose kernel has several tiles on a core, to be mutated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from conformance.kernel_check import Array, Case, Value

_CONV: Mapping[str, Value] = {
    "strides": (1, 1, 1, 1),
    "pads": (1, 1, 1, 1),
    "dilations": (1, 1, 1, 1),
    "groups": 1,
    "data_format": "NCHW",
}
_POOL: Mapping[str, Value] = {
    "ksize": (1, 1, 3, 3),
    "strides": (1, 1, 2, 2),
    "pads": (1, 1, 1, 1),
    "padding_mode": "CALCULATED",
    "data_format": "NCHW",
}
_NORM: Mapping[str, Value] = {"begin_norm_axis": 1, "begin_params_axis": 1, "epsilon": 1e-3}
_QKV = "query", "key", "value"
_ATTENTION: Mapping[str, Value] = {
    "num_heads": 1,
    "num_key_value_heads": 1,
    "scale_value": 0.125,
    "input_layout": "BNSD",
}
_JOIN: Mapping[str, Value] = {"concat_dim": 1, "N": 3}
_BN = "scale", "offset", "mean", "variance"
_LRN: Mapping[str, Value] = {
    "depth_radius": 2,
    "bias": 1.0,
    "alpha": 0.125,
    "beta": 0.75,
    "norm_region": "ACROSS_CHANNELS",
}


def _x(*shape: int, dtype: type[np.generic] = np.float16) -> Array:
    """Whole numbers from 1 to 7: none is lost in a sum, none divides by 0."""
    return (np.arange(np.prod(shape)) * 5 % 7 + 1).reshape(shape).astype(dtype)


def _i(*numbers: int) -> Array:
    return np.array(numbers, np.int64)


SAMPLES: tuple[Case, ...] = (
    Case("MatMulV2", {"x1": _x(70, 600), "x2": _x(600, 130), "bias": _x(130)}, {}),
    Case("MatMulV2", {"x1": _x(40, 33, dtype=np.float32), "x2": _x(33, 70, dtype=np.float32)}, {}),
    Case("BatchMatMulV2", {"x1": _x(5, 20, 300), "x2": _x(5, 60, 300)}, {"adj_x2": True}),
    Case("Conv2D", {"x": _x(1, 40, 12, 13), "filter": _x(33, 40, 3, 3), "bias": _x(33)}, _CONV),
    Case("Conv2D", {"x": _x(2, 6, 30, 30), "filter": _x(4, 3, 3, 3)}, {**_CONV, "groups": 2}),
    Case("Sigmoid", {"x": _x(20_000)}, {}),
    Case("Add", {"x1": _x(300, 65, dtype=np.float32), "x2": _x(300, 1, dtype=np.float32)}, {}),
    Case("SelectV2", {"condition": _x(9000) > 3, "then": _x(9000), "else": _x(1)}, {}),
    Case("Cast", {"x": _x(20_000)}, {"dst_type": 0}),
    Case("BiasAdd", {"x": _x(2, 5, 3000), "bias": _x(5)}, {"data_format": "NCHW"}),
    Case("BNInfer", {"x": _x(2, 40, 90), **dict.fromkeys(_BN, _x(40))}, {"epsilon": 1e-3}),
    Case("Assign", {"ref": _x(20_000), "value": _x(20_000)}, {}),
    Case("ReduceSum", {"x": _x(60, 3, 100), "axes": _i(1)}, {"keep_dims": False}),
    Case("ReduceMax", {"x": _x(60, 7, 300), "axes": _i(0, 2)}, {"keep_dims": False}),
    Case("SoftmaxV2", {"x": _x(60, 130)}, {"axes": (-1,)}),
    Case("SoftmaxV2", {"x": _x(9, 20, 70)}, {"axes": (1,)}),
    Case("LayerNorm", {"x": _x(60, 100), "gamma": _x(100), "beta": _x(100)}, _NORM, 1),
    Case("MaxPoolV3", {"x": _x(2, 9, 20, 20)}, _POOL),
    Case("AvgPoolV2", {"x": _x(2, 9, 20, 20)}, {**_POOL, "exclusive": True}),
    Case("LRN", {"x": _x(2, 9, 20, 20)}, _LRN),
    Case("ConcatD", {"x0": _x(60, 100), "x1": _x(60, 33), "x2": _x(60, 257)}, _JOIN),
    Case("SplitD", {"x": _x(60, 300)}, {"split_dim": 1, "num_split": 3}),
    Case("Slice", {"x": _x(60, 300), "offsets": _i(1, 30), "size": _i(50, 200)}, {}),
    Case("Transpose", {"x": _x(9, 60, 70), "perm": _i(0, 2, 1)}, {}),
    Case("Transpose", {"x": _x(9, 60, 70), "perm": _i(1, 0, 2)}, {}),
    Case("SpaceToDepth", {"x": _x(2, 3, 60, 62)}, {"block_size": 2, "data_format": "NCHW"}),
    Case("BroadcastTo", {"x": _x(40, 1), "shape": _i(5, 40, 77)}, {}),
    Case("PadV3", {"x": _x(40, 90), "paddings": _i(1, 2, 3, 4)}, {"mode": "constant"}),
    Case("PromptFlashAttention", dict.fromkeys(_QKV, _x(1, 1, 40, 32)), _ATTENTION),
    Case("GatherV2", {"x": _x(90, 40), "indices": _i(*range(60)), "axis": _i(0)}, {}),
    Case("GatherNd", {"x": _x(9, 7, 40), "indices": _x(9, 2, dtype=np.int32) - 1}, {}),
    Case("ResizeNearestNeighborV2", {"x": _x(2, 16, 13, 31), "size": _i(26, 62)}, {}),
    Case(
        "InstanceNorm", {"x": _x(2, 9, 20, 20), "gamma": _x(9), "beta": _x(9)}, {"epsilon": 1e-3}, 1
    ),
    Case("Tile", {"x": _x(30, 90), "multiples": _i(2, 3)}, {}),
)
