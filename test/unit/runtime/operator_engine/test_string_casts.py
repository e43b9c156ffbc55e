"""Casts from and to strings: as ONNX's suite spells numbers, and as ONNX Runtime reads them."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from runtime.operator_engine import Node, OperatorError, TensorDesc, run

Array = npt.NDArray[Any]
ODD = [0.0, -0.0, 1.0, 1e5, 1e7, 1e16, 3.14159265, 1e-5, 0.1, 1e-45, np.nan, np.inf, -np.inf]


def cast(x: Array, dtype: Any) -> Array:
    desc = TensorDesc(np.dtype(dtype), x.shape)
    attributes = {"onnx_domain": "ai.onnx", "onnx_opset": 19, "to": 8}
    [y] = run(Node("c", "OnnxCast", attributes, outputs=(desc,)), {"input": x})
    assert y.dtype == dtype
    return y


def by_onnx_runtime(x: Array, source: int, target: int) -> list[Any]:
    shape = list(x.shape)
    infos = [helper.make_tensor_value_info(*i, shape) for i in (("x", source), ("y", target))]
    node = helper.make_node("Cast", ["x"], ["y"], to=target)
    graph = helper.make_graph([node], "g", infos[:1], infos[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])
    model.ir_version = 9
    session: Any = ort.InferenceSession(model.SerializeToString())
    return list(session.run(None, {"x": x})[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_floats_are_spelled_as_in_the_suite(dtype: Any) -> None:
    with np.errstate(over="ignore"):
        x = np.array(ODD).astype(dtype)
    assert cast(x, object).tolist() == [str(number) for number in x]
    np.testing.assert_array_equal(cast(cast(x, object), dtype), x)


def test_narrow_floats() -> None:
    x = np.array([3.14159265, -0.5, np.inf], ml_dtypes.bfloat16)
    assert cast(x, object).tolist() == ["3.140625", "-0.5", "inf"]
    assert cast(np.array(["0.5"], object), ml_dtypes.bfloat16).tolist() == [0.5]


@pytest.mark.parametrize(
    ("numbers", "source"),
    [
        (np.array([True, False]), TensorProto.BOOL),
        (np.array([-(2**62), 7]), TensorProto.INT64),
        (np.array([2**64 - 1], np.uint64), TensorProto.UINT64),
        (np.array([-128], np.int8), TensorProto.INT8),
    ],
)
def test_whole_numbers_are_spelled_as_in_onnx_runtime(numbers: Array, source: int) -> None:
    found = cast(numbers, object)
    assert found.tolist() == by_onnx_runtime(numbers, source, TensorProto.STRING)
    np.testing.assert_array_equal(cast(found, numbers.dtype), numbers)


READ = ["1.5", " 1.5", "INF", "+INF", "-inf", "Infinity", "NaN", "1e5", "1E-3", "+3", "1.", ".5"]


def test_texts_are_read_as_in_onnx_runtime() -> None:
    texts = np.array(READ, object)
    expected = by_onnx_runtime(texts, TensorProto.STRING, TensorProto.FLOAT)
    np.testing.assert_array_equal(cast(texts, np.float32), np.array(expected))
    truths = np.array(["0", "1", "-2"], object)
    expected = by_onnx_runtime(truths, TensorProto.STRING, TensorProto.BOOL)
    assert cast(truths, np.bool_).tolist() == expected


@pytest.mark.parametrize("text", ["", "1_0", "1,5", "１２", "0x10", "true"])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
def test_what_is_no_number(text: str, dtype: Any) -> None:
    with pytest.raises(OperatorError, match=f"'{text}' is not an? .* cast to {np.dtype(dtype)}"):
        cast(np.array([text], object), dtype)


def test_a_float_is_no_integer() -> None:
    with pytest.raises(OperatorError, match=r"'1\.5' is not an integer"):
        cast(np.array(["1.5"], object), np.int64)


def test_strings_stay_strings() -> None:
    assert cast(np.array(["a", "b c"], object), object).tolist() == ["a", "b c"]
