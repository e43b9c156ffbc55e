"""Kernels that move, cut, join, index and make tensors, against ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from runtime.operator_engine import Node, OperatorError, TensorDesc, run

Array = npt.NDArray[Any]
Oracle = Callable[..., list[Array]]


def numbers(*shape: int) -> Array:
    """Distinct float32 elements."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def ints(*values: int) -> Array:
    """An int64 list."""
    return np.array(values, np.int64)


def ge(op_type: str, inputs: Mapping[str, Array], **attributes: Any) -> Sequence[Array]:
    """Runs one kernel."""
    return run(Node("n", op_type, attributes), inputs)


def same(results: Sequence[Array], expected: Sequence[Array]) -> None:
    """All outputs are equal, element types included."""
    assert len(results) == len(expected)
    for y, e in zip(results, expected, strict=True):
        assert y.dtype == e.dtype
        np.testing.assert_array_equal(y, e)


X = numbers(2, 3, 4)


@pytest.mark.parametrize("perm", [[2, 0, 1], [0, 2, 1], [2, 1, 0]])
def test_transposes(perm: list[int], onnx_result: Oracle) -> None:
    expected = onnx_result("Transpose", [X], {"perm": perm})
    same(ge("Transpose", {"x": X, "perm": ints(*perm)}), expected)
    same(ge("TransposeD", {"x": X}, perm=perm), expected)
    same(ge("Permute", {"x": X}, order=perm), expected)


@pytest.mark.parametrize("shape", [[4, 6], [0, -1], [2, 0, 2, 2], [-1]])
def test_reshapes(shape: list[int], onnx_result: Oracle) -> None:
    same(ge("Reshape", {"x": X, "shape": ints(*shape)}), onnx_result("Reshape", [X, ints(*shape)]))


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_flatten(axis: int, onnx_result: Oracle) -> None:
    same(ge("Flatten", {"x": X}, axis=axis), onnx_result("Flatten", [X], {"axis": axis}))


def test_squeezes_and_unsqueezes(onnx_result: Oracle) -> None:
    x = numbers(1, 3, 1, 2)
    expected = onnx_result("Squeeze", [x, ints(0, 2)])
    same(ge("Squeeze", {"x": x}, axis=[0, 2]), expected)
    same(ge("SqueezeV2", {"x": x}, axis=[0, 2]), expected)
    same(ge("SqueezeV3", {"x": x, "axes": ints(0, 2)}), expected)
    same(ge("SqueezeV3", {"x": x}), onnx_result("Squeeze", [x]))
    expected = onnx_result("Unsqueeze", [X, ints(0, 3)])
    same(ge("Unsqueeze", {"x": X}, axes=[0, 3]), expected)
    same(ge("UnsqueezeV2", {"x": X}, axis=[0, 3]), expected)
    same(ge("UnsqueezeV3", {"x": X, "axes": ints(0, 3)}), expected)
    same(ge("ExpandDims", {"x": X, "axis": ints(1)}), onnx_result("Unsqueeze", [X, ints(1)]))
    assert ge("FlattenV2", {"x": numbers(2, 3, 4, 5)}, axis=1, end_axis=2)[0].shape == (2, 12, 5)


def test_identities() -> None:
    for op_type in ("Identity", "TensorMove", "Dropout"):
        same(ge(op_type, {"x": X}), [X])


def test_expansions(onnx_result: Oracle) -> None:
    x = numbers(3, 1)
    expected = onnx_result("Expand", [x, ints(2, 1, 6)])
    same(ge("Expand", {"x": x, "shape": ints(2, 1, 6)}), expected)
    same(ge("BroadcastTo", {"x": x, "shape": ints(2, 3, 6)}), expected)
    same(ge("Tile", {"x": x, "multiples": ints(2, 3)}), onnx_result("Tile", [x, ints(2, 3)]))


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_blocks_of_depth_and_space(mode: str, onnx_result: Oracle) -> None:
    x = numbers(1, 8, 2, 3)
    expected = onnx_result("DepthToSpace", [x], {"blocksize": 2, "mode": mode})
    nchw = {"block_size": 2, "mode": mode, "data_format": "NCHW"}
    same(ge("DepthToSpace", {"x": x}, **nchw), expected)
    last = ge("DepthToSpace", {"x": x.transpose(0, 2, 3, 1)}, block_size=2, mode=mode)
    same([last[0].transpose(0, 3, 1, 2)], expected)
    y = numbers(1, 2, 4, 6)
    expected = onnx_result("SpaceToDepth", [y], {"blocksize": 2})
    same(ge("SpaceToDepth", {"x": y}, block_size=2, data_format="NCHW"), expected)


@pytest.mark.parametrize("upper", [0, 1])
def test_triangles(upper: int, onnx_result: Oracle) -> None:
    expected = onnx_result("Trilu", [X, np.array(1, np.int64)], {"upper": upper})
    same(ge("Trilu", {"x": X, "k": ints(1)}, upper=upper), expected)


def test_reversed_sequences(onnx_result: Oracle) -> None:
    x, lengths = numbers(4, 3, 2), ints(1, 4, 2)
    expected = onnx_result("ReverseSequence", [x, lengths], {"time_axis": 0, "batch_axis": 1})
    same(ge("ReverseSequence", {"x": x, "seq_lengths": lengths}, seq_dim=0, batch_dim=1), expected)


def test_joining_and_splitting(onnx_result: Oracle) -> None:
    parts = {"x0": X, "x1": X + 100}
    expected = onnx_result("Concat", list(parts.values()), {"axis": 1})
    for op_type in ("ConcatD", "ConcatV2D"):
        same(ge(op_type, parts, concat_dim=1, N=2), expected)
    same(ge("Concat", {"concat_dim": ints(1), **parts}, N=2), expected)
    same(ge("Pack", parts, axis=1, N=2), [np.stack(list(parts.values()), 1)])
    same(ge("Unpack", {"x": X}, axis=1, num=3), [X[:, i] for i in range(3)])
    halves = onnx_result("Split", [X], {"axis": 2, "num_outputs": 2}, outputs=2)
    same(ge("Split", {"split_dim": ints(2), "x": X}, num_split=2), halves)
    same(ge("SplitD", {"x": X}, split_dim=2, num_split=2), halves)
    uneven = onnx_result("Split", [X, ints(1, 3)], {"axis": 2}, outputs=2)
    by_input = {"x": X, "size_splits": ints(1, 3), "split_dim": ints(2)}
    same(ge("SplitV", by_input, num_split=2), uneven)
    same(ge("SplitVD", {"x": X}, size_splits=[1, -1], split_dim=2, num_split=2), uneven)
    with pytest.raises(OperatorError, match=r"sizes \[1, 2\] do not add up to the 4 of axis 2"):
        ge("SplitVD", {"x": X}, size_splits=[1, 2], split_dim=2, num_split=2)


SLICES: dict[str, tuple[list[int], list[int], list[int], list[int]]] = {
    "plain": ([0, 1], [2, 3], [0, 2], [1, 1]),
    "negative": ([-2], [-1], [2], [1]),
    "clamped": ([1], [1000], [1], [1]),
    "strided": ([0], [4], [2], [2]),
    "reversed": ([-1], [-(2**31)], [2], [-1]),
    "reversed part": ([3], [0], [2], [-2]),
    "empty": ([2], [1], [1], [1]),
}


@pytest.mark.parametrize("case", SLICES)
@pytest.mark.parametrize("op_type", ["StridedSliceV2", "StridedSliceV3"])
def test_slices(case: str, op_type: str, onnx_result: Oracle) -> None:
    begin, end, axes, strides = (ints(*part) for part in SLICES[case])
    expected = onnx_result("Slice", [X, begin, end, axes, strides])
    inputs = {"x": X, "begin": begin, "end": end, "axes": axes, "strides": strides}
    same(ge(op_type, inputs), expected)


def test_masked_and_sized_slices() -> None:
    begin, end, strides = [0, 1, 1], [1, 2, 3], [1, 1, 1]
    masked = {"begin_mask": 2, "end_mask": 4, "shrink_axis_mask": 1}
    expected = [X[0, :2, 1:]]
    by_attribute = {"begin": begin, "end": end, "strides": strides}
    same(ge("StridedSliceD", {"x": X}, **by_attribute, **masked), expected)
    inputs = {"x": X, "begin": ints(*begin), "end": ints(*end), "strides": ints(*strides)}
    same(ge("StridedSlice", inputs, **masked), expected)
    with pytest.raises(OperatorError, match="ellipsis_mask and new_axis_mask are not supported"):
        ge("StridedSlice", inputs, new_axis_mask=1)
    same(ge("SliceD", {"x": X}, offsets=[0, 1, 1], size=[2, -1, 2]), [X[:, 1:, 1:3]])
    sized = {"x": X, "offsets": ints(0, 1, 1), "size": ints(2, -1, 2)}
    same(ge("Slice", sized), [X[:, 1:, 1:3]])


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
def test_padding(mode: str, onnx_result: Oracle) -> None:
    pads, value = ints(0, 1, 2, 1, 0, 1), np.array(9, np.float32)
    expected = onnx_result("Pad", [X, pads, value], {"mode": mode})
    inputs = {"x": X, "paddings": pads, "constant_values": value}
    same(ge("PadV3", inputs, mode=mode, paddings_contiguous=False), expected)
    pairs = pads.reshape(2, 3).T
    same(ge("PadV3", {**inputs, "paddings": pairs}, mode=mode), expected)
    if mode == "reflect":
        same(ge("MirrorPad", {"x": X, "paddings": pairs}, mode="REFLECT"), expected)
    if mode == "constant":
        same(ge("PadV2", {**inputs, "paddings": pairs}), expected)
        zeros = onnx_result("Pad", [X, pads], {"mode": mode})
        same(ge("Pad", {"x": X, "paddings": pairs}), zeros)


def test_negative_padding_crops(ort_result: Oracle) -> None:
    pads = ints(0, -1, 1, 0, 0, -2)
    expected = ort_result("Pad", [X, pads])
    same(ge("PadV3", {"x": X, "paddings": pads}, paddings_contiguous=False), expected)


def test_gathers(onnx_result: Oracle) -> None:
    indices = np.array([[0, 2], [-1, 1]], np.int64)
    expected = onnx_result("Gather", [X, indices], {"axis": 1})
    same(ge("GatherV2", {"x": X, "indices": indices, "axis": ints(1)}), expected)
    same(ge("GatherV2D", {"x": X, "indices": indices}, axis=1), expected)
    rows = onnx_result("Gather", [X, ints(1, 0)])
    same(ge("Gather", {"x": X, "indices": ints(1, 0)}), rows)
    batched = ge("GatherV2", {"x": X, "indices": indices, "axis": ints(1)}, batch_dims=1)
    same(batched, [np.stack([X[0][[0, 2]], X[1][[-1, 1]]])])
    elements = np.array([[[0, 1, 2, 0]], [[2, 2, 0, 1]]], np.int64)
    expected = onnx_result("GatherElements", [X, elements], {"axis": 1})
    same(ge("GatherElements", {"x": X, "index": elements}, dim=1), expected)
    same(
        ge("GatherElements", {"x": X, "index": elements[:1, :, :3]}, dim=-2),
        [expected[0][:1, :, :3]],
    )
    points = np.array([[0, 1], [1, 2]], np.int64)
    same(ge("GatherNd", {"x": X, "indices": points}), onnx_result("GatherND", [X, points]))
    with pytest.raises(OperatorError, match=r"node 'n' \(GatherV2\)"):
        ge("GatherV2", {"x": X, "indices": ints(7), "axis": ints(1)})


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_scatters(reduction: str, onnx_result: Oracle) -> None:
    data, updates = numbers(3, 3), np.array([[10, -20, 30]], np.float32)
    indices = np.array([[1, 0, 2]], np.int64)
    attributes = {"axis": 0, "reduction": reduction}
    expected = onnx_result("ScatterElements", [data, indices, updates], attributes)
    inputs = {"data": data, "indices": indices, "updates": updates}
    same(ge("ScatterElements", inputs, **attributes), expected)
    if reduction != "mul":
        points, values = np.array([[2], [0]], np.int64), numbers(2, 3) + 2
        expected = onnx_result("ScatterND", [data, points, values], {"reduction": reduction})
        op_type = f"ScatterNd{'Update' if reduction == 'none' else reduction.title()}"
        same(ge(op_type, {"var": data, "indices": points, "updates": values}), expected)
    np.testing.assert_array_equal(data, numbers(3, 3))


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot(axis: int, ort_result: Oracle) -> None:
    x, values = np.array([[0, 2], [1, 3]], np.int64), np.array([0, 5], np.float32)
    expected = ort_result("OneHot", [x, ints(4), values], {"axis": axis})
    inputs = {"x": x, "depth": ints(4), "on_value": values[1:], "off_value": values[:1]}
    same(ge("OneHot", inputs, axis=axis), expected)


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("axis", [0, -1])
def test_top_k(largest: int, axis: int, onnx_result: Oracle) -> None:
    x = np.array([[3, 1, 3, 2], [0, 5, 5, 5], [1, 1, 0, 2]], np.float32)
    expected = onnx_result("TopK", [x, ints(2)], {"axis": axis, "largest": largest}, outputs=2)
    descs = (TensorDesc(x.dtype, (-2,)), TensorDesc(np.dtype(np.int64), (-2,)))
    node = Node("n", "TopKV2", {"dim": axis, "largest": bool(largest)}, (), descs)
    same(run(node, {"x": x, "k": ints(2)}), expected)
    with pytest.raises(OperatorError, match="k = 9 must be at most"):
        run(node, {"x": x, "k": ints(9)})


def test_places_of_non_zeros(onnx_result: Oracle) -> None:
    x = np.array([[0, 1, 0], [2, 0, 3]], np.float32)
    (expected,) = onnx_result("NonZero", [x])
    same(ge("NonZero", {"x": x}, transpose=True), [expected])
    same(ge("Where", {"x": x}), [expected.T])


def test_made_tensors(onnx_result: Oracle) -> None:
    same(ge("Fill", {"dims": ints(2, 3), "value": np.array([7], np.int32)}),
         [np.full((2, 3), 7, np.int32)])  # fmt: skip
    same(ge("ZerosLike", {"x": X}), [np.zeros_like(X)])
    same(ge("OnesLike", {"x": X}), [np.ones_like(X)])
    same(ge("Shape", {"x": X}, dtype=9), onnx_result("Shape", [X]))
    same(ge("Shape", {"x": X}), [np.array([2, 3, 4], np.int32)])
    for part in ({"start": 1}, {"start": -2, "end": -1}, {"start": 2, "end": 1}, {"end": 9}):
        same(ge("Shape", {"x": X}, dtype=9, **part), onnx_result("Shape", [X], part))
    same(ge("Size", {"x": X}, dtype=9), onnx_result("Size", [X]))
    for bounds in ((1, 9, 3), (5, -4, -2), (3, 3, 1)):
        start, limit, delta = (np.array(bound, np.int64) for bound in bounds)
        inputs = {"start": start, "limit": limit, "delta": delta}
        same(ge("Range", inputs), onnx_result("Range", [start, limit, delta]))
    with pytest.raises(OperatorError, match=r"node 'n' \(Range\): delta is 0"):
        ge("Range", dict.fromkeys(("start", "limit", "delta"), np.array(0.0, np.float32)))
    same(ge("CastLike", {"x": X, "target": ints(1)}), [X.astype(np.int64)])


def test_assignment_writes_the_variable_it_is_given() -> None:
    variable = np.zeros((2, 3, 4), np.float32)
    (result,) = ge("Assign", {"ref": variable, "value": X})
    assert result is variable
    np.testing.assert_array_equal(variable, X)
    with pytest.raises(OperatorError, match=r"cannot assign float32\[4\] to a variable"):
        ge("Assign", {"ref": variable, "value": X[0, 0]})


@pytest.mark.parametrize("k", [1, 40, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8])
@pytest.mark.parametrize("largest", [True, False])
def test_top_k_of_many_with_ties(largest: bool, dtype: Any, k: int) -> None:
    x = np.random.default_rng(0).integers(0, 99, (3, 4000)).astype(dtype)
    signed = -x.astype(np.int64) if largest else x
    places = np.argsort(signed, axis=1, kind="stable")[:, :k]
    values, indices = ge("TopK", {"x": x, "k": ints(k)}, dim=1, largest=largest)
    np.testing.assert_array_equal(indices, places)
    np.testing.assert_array_equal(values, np.take_along_axis(x, places, 1))
