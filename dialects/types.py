"""Tensor types: shared instances, and the element types by their MLIR spelling."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import TypeAlias, cast

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    BFloat16Type,
    ComplexType,
    Float4E2M1FNType,
    Float6E2M3FNType,
    Float6E3M2FNType,
    Float8E4M3FNType,
    Float8E4M3FNUZType,
    Float8E5M2FNUZType,
    Float8E5M2Type,
    Float8E8M0FNUType,
    Float16Type,
    Float32Type,
    Float64Type,
    IntegerType,
    Signedness,
    TensorType,
    UnrankedTensorType,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

DYNAMIC = DYNAMIC_INDEX
"""The size of a dimension that is known at run time only."""

RankedTensor: TypeAlias = TensorType[Attribute]
AnyTensor: TypeAlias = RankedTensor | UnrankedTensorType[Attribute]

ELEMENT_TYPES: dict[str, Attribute] = {
    "f64": Float64Type(),
    "f32": Float32Type(),
    "f16": Float16Type(),
    "bf16": BFloat16Type(),
    "f8E4M3FN": Float8E4M3FNType(),
    "f8E4M3FNUZ": Float8E4M3FNUZType(),
    "f8E5M2": Float8E5M2Type(),
    "f8E5M2FNUZ": Float8E5M2FNUZType(),
    "f8E8M0FNU": Float8E8M0FNUType(),
    "f6E2M3FN": Float6E2M3FNType(),
    "f6E3M2FN": Float6E3M2FNType(),
    "f4E2M1FN": Float4E2M1FNType(),
    "complex<f32>": ComplexType(Float32Type()),
    "complex<f64>": ComplexType(Float64Type()),
    "i1": IntegerType(1),
    **{f"i{bits}": IntegerType(bits) for bits in (2, 4, 8, 16, 32, 64)},
    **{f"ui{bits}": IntegerType(bits, Signedness.UNSIGNED) for bits in (1, 2, 4, 8, 16, 32, 64)},
}
"""Element type by MLIR spelling. Signless integers are signed, as in ONNX's int types."""

_SPELLINGS = {element: name for name, element in ELEMENT_TYPES.items()}


SUB_BYTE = {"ui1": 8, "i2": 4, "ui2": 4, "i4": 2, "ui4": 2, "f4E2M1FN": 2}
"""How many elements raw data packs into a byte, the first in the lowest bits (ONNX's rule)."""


def element_name(element: Attribute) -> str | None:
    """The MLIR spelling of an element type; None for one that only a dialect of ours has."""
    return _SPELLINGS.get(element)


@lru_cache(maxsize=65536)
def tensor_type(shape: tuple[int, ...], element: Attribute) -> RankedTensor:
    """The tensor type of that shape (DYNAMIC for an unknown dimension): one shared instance."""
    return TensorType(element, shape)


@lru_cache(maxsize=256)
def unranked_type(element: Attribute) -> UnrankedTensorType[Attribute]:
    """The tensor type of unknown rank: one shared instance."""
    return UnrankedTensorType(element)


def tensor_like(type: AnyTensor, element: Attribute) -> AnyTensor:
    """The type of the same shape, known or not, and other elements."""
    if isinstance(type, UnrankedTensorType):
        return unranked_type(element)
    return tensor_type(type.get_shape(), element)


def tensor_of(value: SSAValue) -> RankedTensor:
    """The ranked tensor type of a value; VerifyException when it has another type."""
    found: Attribute = value.type
    if not isinstance(found, TensorType):
        raise VerifyException(f"a ranked tensor is needed, this is {found}")
    return cast(RankedTensor, found)


def shape_of(value: SSAValue) -> tuple[int, ...]:
    """The dimensions of a ranked tensor value, DYNAMIC where unknown."""
    return tensor_of(value).get_shape()


def is_static(type: Attribute) -> bool:
    """Whether a type is a ranked tensor with every dimension known."""
    return isinstance(type, TensorType) and DYNAMIC not in cast(RankedTensor, type).get_shape()


def element_count(shape: Sequence[int]) -> int:
    """The number of elements of a static shape; 1 for a scalar."""
    return prod(shape)
