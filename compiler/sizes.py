"""Sizes of tensors in bytes."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from xdsl.ir import Attribute, SSAValue

from compiler.errors import UserError
from compiler.om.dtypes import BY_MLIR, BY_NAME, STAND_INS, DType
from dialects.ge import DTypeType
from dialects.types import RankedTensor, element_count, element_name, is_static, tensor_of


def dtype_of(element: Attribute) -> DType:
    """GraphEngine's data type for an element type; UserError when it has none."""
    if isinstance(element, DTypeType):
        return BY_NAME[f"DT_{element.dtype.data}"]
    name = element_name(element) or ""
    found = BY_MLIR.get(STAND_INS.get(name, name))
    if found is None:
        raise UserError(f"GraphEngine has no data type for {element}")
    return found


HANDLES = frozenset({"DT_RESOURCE", "DT_VARIANT", "DT_UNDEFINED"})
"""Data types of what is no tensor of numbers: sequences, optional values."""


def has_fixed_size(value: SSAValue) -> bool:
    """Whether a value is a tensor whose bytes are known before it is computed."""
    if not is_static(value.type):
        return False
    dtype = dtype_of(tensor_of(value).element_type)
    return dtype.bits is not None and dtype.name not in HANDLES


def byte_size(value: SSAValue) -> int:
    """The bytes of a static tensor value; 0 where shape or element size is not known."""
    return _bytes_of(value.type)


@lru_cache(1 << 12)
def _bytes_of(type: Attribute) -> int:
    """Asked again and again: a model has many tensors of few types."""
    if not is_static(type):
        return 0
    tensor = cast(RankedTensor, type)
    return dtype_of(tensor.element_type).nbytes(element_count(tensor.get_shape())) or 0
