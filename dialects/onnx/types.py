"""ONNX's types that MLIR has no name for, and ONNX's own spelling of every type."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from xdsl.dialects.builtin import NoneType, TensorType, UnrankedTensorType
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from dialects.types import AnyTensor, element_name


@irdl_attr_definition
class StringType(ParametrizedAttribute, TypeAttribute):
    """`!onnx.string`: the element type of a tensor of strings."""

    name = "onnx.string"


@irdl_attr_definition
class UnknownType(ParametrizedAttribute, TypeAttribute):
    """`!onnx.unknown`: the type of a value that the model does not tell and nobody can infer."""

    name = "onnx.unknown"


class _Wrapper(ParametrizedAttribute, TypeAttribute):
    """The syntax of a type made of one other type."""

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return [parser.parse_type()]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_attribute(self.parameters[0])


@irdl_attr_definition
class SequenceType(_Wrapper):
    """`!onnx.seq<tensor<…>>`: any number of values of one type."""

    name = "onnx.seq"

    element: Attribute = param_def()


@irdl_attr_definition
class OptionalType(_Wrapper):
    """`!onnx.optional<tensor<…>>`: a value, or none."""

    name = "onnx.optional"

    element: Attribute = param_def()


@irdl_attr_definition
class SparseTensorType(_Wrapper):
    """`!onnx.sparse_tensor<tensor<…>>`: a tensor in coordinate format."""

    name = "onnx.sparse_tensor"

    element: Attribute = param_def()


@irdl_attr_definition
class MapType(ParametrizedAttribute, TypeAttribute):
    """`!onnx.map<i64, tensor<f32>>`: values by key."""

    name = "onnx.map"

    key: Attribute = param_def()
    value: Attribute = param_def()

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            key = parser.parse_type()
            parser.parse_punctuation(",")
            return [key, parser.parse_type()]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_list((self.key, self.value), printer.print_attribute)


STRING = StringType()
UNKNOWN = UnknownType()
NONE = NoneType()

_MLIR_TO_ONNX = {
    "f64": "double",
    "f32": "float",
    "f16": "float16",
    "bf16": "bfloat16",
    "f8E4M3FN": "float8e4m3fn",
    "f8E4M3FNUZ": "float8e4m3fnuz",
    "f8E5M2": "float8e5m2",
    "f8E5M2FNUZ": "float8e5m2fnuz",
    "f8E8M0FNU": "float8e8m0",
    "f6E2M3FN": "float6e2m3",
    "f6E3M2FN": "float6e3m2",
    "f4E2M1FN": "float4e2m1",
    "complex<f32>": "complex64",
    "complex<f64>": "complex128",
    "i1": "bool",
    **{f"i{bits}": f"int{bits}" for bits in (2, 4, 8, 16, 32, 64)},
    **{f"ui{bits}": f"uint{bits}" for bits in (2, 4, 8, 16, 32, 64)},
}
ELEMENT_BY_ONNX_NAME = {onnx: mlir for mlir, onnx in _MLIR_TO_ONNX.items()}
"""MLIR's spelling of an element type by ONNX's; strings apart."""


@lru_cache(maxsize=256)
def _element_spelling(element: Attribute) -> str | None:
    if isinstance(element, StringType):
        return "string"
    return _MLIR_TO_ONNX.get(element_name(element) or "")


def onnx_spelling(type: Attribute) -> str | None:
    """A type as ONNX's schemas spell it, e.g. `seq(tensor(float))`; None when it is unknown."""
    if isinstance(type, TensorType | UnrankedTensorType):
        inner = _element_spelling(cast(AnyTensor, type).element_type)
        return inner and f"tensor({inner})"
    if isinstance(type, MapType):
        key, value = _element_spelling(type.key), _map_value(type.value)
        return key and value and f"map({key},{value})"
    if isinstance(type, SequenceType | OptionalType | SparseTensorType):
        inner = onnx_spelling(type.element)
        if isinstance(type, SparseTensorType):
            return inner and f"sparse_{inner}"
        return inner and f"{type.name.removeprefix('onnx.')}({inner})"
    return None


def _map_value(type: Attribute) -> str | None:
    """Schemas write `map(int64,float)` for a map to scalars, which protobuf calls tensors."""
    if isinstance(type, TensorType | UnrankedTensorType):
        return _element_spelling(cast(AnyTensor, type).element_type)
    return onnx_spelling(type)
