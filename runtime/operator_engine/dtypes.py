"""GraphEngine's data types as NumPy's."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from compiler.om.dtypes import BY_CPP, BY_MLIR, BY_PROTO, DTYPES, STAND_INS, DType

_BY_MLIR: dict[str, np.dtype[Any]] = {
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "complex<f32>": np.dtype(np.complex64),
    "complex<f64>": np.dtype(np.complex128),
    "f16": np.dtype(np.float16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "f8E4M3FN": np.dtype(ml_dtypes.float8_e4m3fn),
    "f8E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "f8E8M0FNU": np.dtype(ml_dtypes.float8_e8m0fnu),
    "f4E2M1FN": np.dtype(ml_dtypes.float4_e2m1fn),
    "i2": np.dtype(ml_dtypes.int2),
    "i4": np.dtype(ml_dtypes.int4),
    "ui2": np.dtype(ml_dtypes.uint2),
    "i1": np.dtype(np.bool_),
    "i16": np.dtype(np.int16),
    "i32": np.dtype(np.int32),
    "i64": np.dtype(np.int64),
    "i8": np.dtype(np.int8),
    "ui16": np.dtype(np.uint16),
    "ui32": np.dtype(np.uint32),
    "ui64": np.dtype(np.uint64),
    "ui8": np.dtype(np.uint8),
}
_STAND_INS: dict[str, np.dtype[Any]] = {
    "ui4": np.dtype(ml_dtypes.uint4),
    "f8E4M3FNUZ": np.dtype(ml_dtypes.float8_e4m3fnuz),
    "f8E5M2FNUZ": np.dtype(ml_dtypes.float8_e5m2fnuz),
}
"""Elements that GraphEngine has no data type for: it knows them as ones of the same width."""
STRINGS = np.dtype(object)
"""Elements of a tensor of strings, and what stands for sequences and other handles."""


_TO_GE = {
    **{_BY_MLIR[dtype.mlir]: dtype for dtype in DTYPES if dtype.mlir in _BY_MLIR},
    **{_STAND_INS[mlir]: BY_MLIR[known] for mlir, known in STAND_INS.items()},
}


def stand_in(mlir: str) -> np.dtype[Any]:
    """The elements that another data type stands for; KeyError when there are none."""
    return _STAND_INS[mlir]


def _numpy(dtype: DType | None) -> np.dtype[Any] | None:
    if dtype is None or dtype.name in _OBJECTS:
        return STRINGS if dtype else None
    return _BY_MLIR.get(dtype.mlir or "")


_OBJECTS = {"DT_STRING", "DT_RESOURCE", "DT_VARIANT", "DT_UNDEFINED"}
"""Data types whose tensors hold Python objects: they exist in dynamic models only."""


def from_cpp(number: int) -> np.dtype[Any] | None:
    """The type GraphEngine's C++ enumeration numbers so; None if NumPy has no such elements."""
    return _numpy(BY_CPP.get(number))


def from_proto(number: int) -> np.dtype[Any] | None:
    """The type `TensorDescriptor.dtype` numbers so; None if NumPy has no such elements."""
    return _numpy(BY_PROTO.get(number))


def to_ge(dtype: np.dtype[Any]) -> DType:
    """GraphEngine's type of NumPy elements; KeyError when it has none."""
    return _TO_GE[dtype]
