"""What folding computes is what the device computes, for every operator and element type."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from xdsl.dialects import test
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, i64
from xdsl.ir import Attribute

from compiler.evaluation import ELEMENTWISE, OTHERS, CannotTellError, compute, ranges
from dialects.ge import Op
from dialects.ge.catalogue import port_names
from runtime.operator_engine import Node, TensorDesc, run

Array = np.ndarray[Any, np.dtype[Any]]
Attributes = dict[str, int | list[int]]
LOGICAL = {"LogicalAnd", "LogicalOr", "LogicalNot"}
UNARY = set("Abs Cast Ceil Floor Identity LogicalNot Neg OnesLike Sqrt ZerosLike".split())
TELLS = {"Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual"} | LOGICAL
RNG = np.random.default_rng(0)


def evaluate(kind: str, operands: dict[str, Array], attributes: Attributes, dtype: Any) -> Array:
    values = test.TestOp(result_types=[i64] * len(operands)).results
    held: dict[str, Attribute] = {
        name: IntegerAttr(value, i64)
        if isinstance(value, int)
        else DenseArrayBase.from_list(i64, value)
        for name, value in attributes.items()
    }
    node = Op.of(kind, "n", dict(zip(operands, values, strict=True)), [i64], held)
    return compute(node, operands, np.dtype(dtype))


def on_device(kind: str, operands: dict[str, Array], attributes: Attributes, dtype: Any) -> Array:
    shape = TensorDesc(np.dtype(dtype), ())
    numbers = {np.dtype(np.float32): 0, np.dtype(np.int64): 9, np.dtype(np.bool_): 12}
    given: dict[str, object] = {**attributes, "dst_type": numbers.get(np.dtype(dtype), 1)}
    onnx = {"onnx_domain": "ai.onnx", "onnx_opset": 17} if kind.startswith("Onnx") else {}
    node = Node("n", kind, given | onnx, outputs=(shape,))
    return np.asarray(run(node, operands)[0])


def check(kind: str, operands: dict[str, Array], attributes: Attributes, dtype: Any) -> None:
    got = evaluate(kind, operands, attributes, dtype)
    expected = on_device(kind, operands, attributes, dtype)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got.astype(np.float64), expected.astype(np.float64))


def elements(dtype: Any, *shape: int) -> Array:
    return np.asarray(RNG.integers(1, 9, shape) * RNG.choice([-1, 1], shape)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16, np.int64, np.int32])
@pytest.mark.parametrize("kind", [k for k in ELEMENTWISE if k not in {"SelectV2", *LOGICAL}])
def test_elementwise(kind: str, dtype: Any):
    if kind in {"Cast", "Ceil", "Floor", "Sqrt"} and np.dtype(dtype).kind == "i":
        pytest.skip("of floats only")
    count = 1 if kind in UNARY else 2
    values = (elements(dtype, 5, 3), elements(dtype, 3))[:count]
    operands = dict(zip(port_names(kind, count), values, strict=True))
    check(kind, operands, {}, np.bool_ if kind in TELLS else np.int64 if kind == "Cast" else dtype)


@pytest.mark.parametrize("kind", LOGICAL)
def test_logic(kind: str):
    a, b = RNG.integers(0, 2, (2, 8)).astype(bool)
    values = (a,) if kind in UNARY else (a, b)
    operands = dict(zip(port_names(kind, len(values)), values, strict=True))
    check(kind, operands, {}, np.bool_)


def test_select():
    operands = {"condition": np.array([True, False]), "then": elements(np.int64, 2)}
    check("SelectV2", {**operands, "else": elements(np.int64, 1)}, {}, np.int64)


def numbers(*values: int) -> Array:
    return np.array(values, np.int64)


X = elements(np.float32, 4, 5)
# A case is a line, E501 or not: the table is read by its columns.
CASES: list[tuple[str, dict[str, Array], Attributes]] = [
    ("BroadcastTo", {"x": X[:1], "shape": numbers(2, 4, 5)}, {}),
    ("Expand", {"x": X, "shape": numbers(3, 1, 1)}, {}),
    ("Concat", {"concat_dim": numbers(1), "x0": X, "x1": X}, {}),
    ("ConcatD", {"x0": X, "x1": X}, {"concat_dim": -1}),
    ("Gather", {"x": X, "indices": numbers(2, -1)}, {}),
    ("Mod", {"x1": numbers(-7, -1, 5, 9), "x2": numbers(4)}, {}),
    ("Mod", {"x1": numbers(-7, -1, 5, 9), "x2": numbers(4)}, {"fmod": 0}),
    ("Mod", {"x1": numbers(-7, -1, 5, 9), "x2": numbers(4)}, {"fmod": 0, "one_hot_indices": 1}),
    ("GatherV2", {"x": X, "indices": numbers(2, -1), "axis": numbers(1)}, {}),
    ("OnnxSlice", {"data": X, "starts": numbers(9), "ends": numbers(-99), "axes": numbers(1), "steps": numbers(-1)}, {}),  # noqa: E501
    ("Pack", {"x0": X, "x1": X}, {"axis": 1}),
    ("Range", {"start": numbers(3), "limit": numbers(-8), "delta": numbers(-2)}, {}),
    ("Range", {"start": numbers(3), "limit": numbers(3), "delta": numbers(2)}, {}),
    *((kind, {"x": X, "axes": numbers(-1)}, {"keep_dims": 1}) for kind in OTHERS if "Red" in kind),
    ("ReduceSum", {"x": X, "axes": numbers()}, {"noop_with_empty_axes": 0}),
    ("ReduceSum", {"x": X, "axes": numbers()}, {"noop_with_empty_axes": 1}),
    ("Slice", {"x": X, "offsets": numbers(1, 2), "size": numbers(2, -1)}, {}),
    ("StridedSlice", {"x": X, "begin": numbers(1, -1), "end": numbers(3, -9), "strides": numbers(1, -2)}, {}),  # noqa: E501
    ("StridedSliceV2", {"x": X, "begin": numbers(-3), "end": numbers(99), "axes": numbers(1)}, {}),
    ("StridedSliceV2", {"x": X, "begin": numbers(9), "end": numbers(-99), "axes": numbers(1), "strides": numbers(-1)}, {}),  # noqa: E501
    ("StridedSliceV2", {"x": X, "begin": numbers(9), "end": numbers(99)}, {}),
    ("Tile", {"x": X, "multiples": numbers(2, 3)}, {}),
    ("Transpose", {"x": X, "perm": numbers(1, 0)}, {}),
    ("TransposeD", {"x": X}, {"perm": [1, 0]}),
    ("Trilu", {"x": X, "k": numbers(1)}, {"upper": 1}),
    ("Trilu", {"x": X}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "operands", "attributes"), CASES)
def test_others(kind: str, operands: dict[str, Array], attributes: Attributes):
    check(
        kind,
        operands,
        attributes,
        next(iter(operands.values())).dtype if kind != "Concat" else np.float32,
    )


def test_every_operator_is_tried():
    assert {kind for kind, _, _ in CASES} == set(OTHERS)


@pytest.mark.parametrize("kind", ["RealDiv", "FloorDiv", "Mod"])
def test_what_the_device_must_say(kind: str):
    with pytest.raises(CannotTellError):
        evaluate(kind, {"x1": numbers(1), "x2": numbers(0)}, {}, np.int64)
    with pytest.raises(CannotTellError):
        evaluate("Cast", {"x": np.array([1e30])}, {}, np.int64)
    with pytest.raises(CannotTellError):
        evaluate("Add", {"x1": numbers(1, 2), "x2": numbers(1, 2, 3)}, {}, np.int64)


@pytest.mark.parametrize(
    ("begin", "end", "strides"),
    [((1, 0), (3, 9), (1, 1)), ((2, 1), (3, 4), (1, 1)), ((2, 3), (3, 0), (1, -1)),
     ((1, 1), (3, 3), (1, 1)), ((3, 0), (1, 9), (-1, 1)), ((0, 0), (9, 9), (1, 1))],
)  # fmt: skip
def test_what_lies_together(begin: Any, end: Any, strides: Any):
    x = np.arange(20).reshape(4, 5)
    part = x[tuple(map(slice, begin, end, strides))]
    node = Op.of("StridedSlice", "n", {}, [i64])
    taken = ranges(node, {"begin": begin, "end": end, "strides": strides}, x.shape)
    assert taken is not None
    np.testing.assert_array_equal(x[np.ix_(*taken)], part)
