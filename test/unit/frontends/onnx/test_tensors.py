"""Tensors of every element type, however a model stores them, against onnx's own reader."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.ir import Attribute
from xdsl.parser import Parser

from compiler.context import context
from compiler.errors import UserError
from compiler.frontends.onnx.attributes import convert_attribute
from compiler.frontends.onnx.payloads import Payloads
from compiler.frontends.onnx.tensors import payload_of, sparse_attribute, tensor_attribute
from compiler.weights import FileBytes
from dialects.onnx.attributes import byte_count
from dialects.onnx.values import numbers_of
from dialects.weights import FileAttr, SplatAttr

NOTHING_CUT = Payloads([], "mark")
DTYPES = {
    name: number
    for name, number in TensorProto.DataType.items()
    if name not in ("UNDEFINED", "STRING")
}
INTEGERS = ("INT", "UINT", "BOOL")


def values_for(name: str) -> list[Any]:
    if name == "BOOL":
        return [True, False, True]
    if name.startswith("UINT"):
        return [0, 1, 3]
    if name.startswith("INT"):
        return [-2, 1, 0]
    if name.startswith("COMPLEX"):
        return [1 + 2j, -0.5j, 0j]
    return [1.0, 2.0, 0.5]


def parsed_again(attribute: Attribute) -> Attribute:
    return Parser(context(), str(attribute)).parse_attribute()


def dense_values(attribute: Attribute) -> list[Any]:
    assert isinstance(attribute, DenseIntOrFPElementsAttr)
    return [complex(*v) if isinstance(v, tuple) else v for v in attribute.iter_values()]


def as_numbers(tensor: TensorProto) -> list[Any]:
    array = cast("np.ndarray[Any, Any]", numpy_helper.to_array(tensor))
    kind = np.complex128 if array.dtype.kind == "c" else np.float64
    return cast(list[Any], array.astype(kind).reshape(-1).tolist())


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
@pytest.mark.parametrize("name", DTYPES)
def test_every_element_type(name: str, raw: bool):
    array = np.array(values_for(name)).astype(helper.tensor_dtype_to_np_dtype(DTYPES[name]))
    if raw:
        tensor = numpy_helper.from_array(array, "t")
    else:
        tensor = helper.make_tensor("t", DTYPES[name], [3], array)
    assert tensor.HasField("raw_data") == raw
    payload, type = payload_of(tensor, NOTHING_CUT)
    found = dense_values(payload)
    assert [abs(v) if name == "BOOL" else v for v in found] == as_numbers(tensor)
    assert parsed_again(payload) == payload
    if raw:
        assert byte_count(type) == len(tensor.raw_data)


@pytest.mark.parametrize("dims", [[], [0], [2, 0, 3], [1, 3], [3, 1]])
def test_shapes(dims: list[int]):
    array = np.arange(math.prod(dims), dtype=np.int64).reshape(dims)
    payload, type = payload_of(numpy_helper.from_array(array), NOTHING_CUT)
    assert type.get_shape() == tuple(dims)
    assert dense_values(payload) == array.reshape(-1).tolist()
    assert parsed_again(payload) == payload


@pytest.mark.parametrize("number", [-np.inf, 1234567.0])
def test_numbers_that_print_badly_are_a_splat_when_equal(number: float):
    mask = numpy_helper.from_array(np.full((2, 2), number, np.float32), "mask")
    payload, _ = payload_of(mask, NOTHING_CUT)
    assert isinstance(payload, SplatAttr)
    assert payload.count.data == 4
    assert parsed_again(payload) == payload


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.complex64])
@pytest.mark.parametrize("numbers", [[np.inf, -np.inf, np.nan], [1234567.0, -3.4e38, 1e-42]])
@pytest.mark.filterwarnings("ignore:overflow")
def test_awkward_numbers_survive_the_text(dtype: type, numbers: list[float]):
    array: np.ndarray[Any, Any] = np.array([1.0, *numbers]).astype(dtype)
    attribute = tensor_attribute(numpy_helper.from_array(array), NOTHING_CUT)
    assert parsed_again(attribute) == attribute


@pytest.mark.parametrize("numbers", [[1.0, 0.1], [1.0, np.inf], [1234567.0], []])
def test_awkward_lists_survive_the_text(numbers: list[float]):
    attribute = convert_attribute(
        onnx.AttributeProto(name="a", type=onnx.AttributeProto.FLOATS, floats=numbers), NOTHING_CUT
    )
    assert attribute is not None
    assert numbers_of(parsed_again(attribute)) == tuple(map(float, np.array(numbers, np.float32)))


def test_strings_also_when_not_utf8():
    tensor = TensorProto(name="s", data_type=TensorProto.STRING, dims=[3])
    tensor.string_data.extend([b"cat", b"", b"\xff\xfe"])
    attribute = tensor_attribute(tensor, NOTHING_CUT)
    assert str(attribute) == '#onnx.tensor<["cat", "", "\\FF\\FE"] : tensor<3x!onnx.string>>'
    assert parsed_again(attribute) == attribute


def test_a_weight_is_a_reference():
    payloads = Payloads([FileBytes("m.onnx", 64, 4096)], "mark")
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1024])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="mark", value="0")
    payload, _ = payload_of(tensor, payloads)
    assert isinstance(payload, FileAttr)
    assert str(tensor_attribute(tensor, payloads)) == (
        '#onnx.tensor<#weights.file<"m.onnx", 64 + 4096> : tensor<1024xf32>>'
    )
    tensor.dims[:] = [1023]
    with pytest.raises(UserError, match="'w' has 4096 bytes, tensor<1023xf32> takes 4092"):
        payload_of(tensor, payloads)


def test_packed_types_take_half_a_byte():
    payloads = Payloads([FileBytes("m.onnx", 64, 2000)], "mark")
    tensor = TensorProto(name="w", data_type=TensorProto.INT4, dims=[3999])
    tensor.external_data.add(key="mark", value="0")
    assert isinstance(payload_of(tensor, payloads)[0], FileAttr)


def test_sparse_tensors():
    values = helper.make_tensor("v", TensorProto.FLOAT, [2], [1.0, 2.0])
    indices = helper.make_tensor("i", TensorProto.INT64, [2], [0, 5])
    sparse = onnx.SparseTensorProto(values=values, indices=indices, dims=[2, 3])
    attribute = sparse_attribute(sparse, NOTHING_CUT)
    assert str(attribute.shape) == "array<i64: 2, 3>"
    assert parsed_again(attribute) == attribute


@pytest.mark.parametrize(
    ("tensor", "complaint"),
    [
        (TensorProto(name="t", dims=[1]), "'t' has no element type"),
        (TensorProto(name="t", dims=[1], data_type=99), "'t' has no element type"),
        (TensorProto(name="t", dims=[-1], data_type=1), "'t' has a negative dimension"),
        (TensorProto(name="t", dims=[2], data_type=1, raw_data=b"1"), "'t' has 1 bytes"),
        (TensorProto(name="t", dims=[2], data_type=1, float_data=[1]), "'t' does not fill"),
        (TensorProto(name="t", dims=[3], data_type=22, int32_data=[1]), "'t' does not fill"),
        (TensorProto(name="t", dims=[2], data_type=8, string_data=[b""]), "'t' has 1 strings"),
        (
            TensorProto(name="t", dims=[1], data_type=1, raw_data=b"1234", float_data=[1]),
            "'t' gives its values twice",
        ),
    ],
)
def test_bad_tensors(tensor: TensorProto, complaint: str):
    with pytest.raises(UserError, match=complaint):
        payload_of(tensor, NOTHING_CUT)
