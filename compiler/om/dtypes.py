"""GraphEngine's data types: names, MLIR spelling, both numberings and the width in bits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DType:
    """One data type.

    `proto` numbers `TensorDescriptor.dtype`; `cpp` numbers everything else (attributes of kind
    `dt`, MODEL_INOUT_INFO, tiling data). `mlir` is None for types MLIR has no spelling for, and
    `bits` is None where elements have no fixed width.
    """

    name: str
    mlir: str | None
    proto: int
    cpp: int
    bits: int | None

    def nbytes(self, elements: int) -> int | None:
        """Bytes of a packed tensor of `elements`, rounded up to whole bytes."""
        return None if self.bits is None else -(-elements * self.bits // 8)


# Sources: `ge_ir.proto`, `c_types.h`; widths as `GetSizeByDataType` has them.
DTYPES = (
    DType("DT_UNDEFINED", None, 0, 28, None),
    DType("DT_FLOAT", "f32", 1, 0, 32),
    DType("DT_FLOAT16", "f16", 2, 1, 16),
    DType("DT_INT8", "i8", 3, 2, 8),
    DType("DT_UINT8", "ui8", 4, 4, 8),
    DType("DT_INT16", "i16", 5, 6, 16),
    DType("DT_UINT16", "ui16", 6, 7, 16),
    DType("DT_INT32", "i32", 7, 3, 32),
    DType("DT_INT64", "i64", 8, 9, 64),
    DType("DT_UINT32", "ui32", 9, 8, 32),
    DType("DT_UINT64", "ui64", 10, 10, 64),
    DType("DT_BOOL", "i1", 11, 12, 8),
    DType("DT_DOUBLE", "f64", 12, 11, 64),
    DType("DT_STRING", None, 13, 13, None),
    DType("DT_DUAL_SUB_INT8", None, 14, 14, 8),
    DType("DT_DUAL_SUB_UINT8", None, 15, 15, 8),
    DType("DT_COMPLEX64", "complex<f32>", 16, 16, 64),
    DType("DT_COMPLEX128", "complex<f64>", 17, 17, 128),
    DType("DT_QINT8", None, 18, 18, 8),
    DType("DT_QINT16", None, 19, 19, 16),
    DType("DT_QINT32", None, 20, 20, 32),
    DType("DT_QUINT8", None, 21, 21, 8),
    DType("DT_QUINT16", None, 22, 22, 16),
    DType("DT_RESOURCE", None, 23, 23, 64),
    DType("DT_STRING_REF", None, 24, 24, None),
    DType("DT_DUAL", None, 25, 25, 40),
    DType("DT_VARIANT", None, 26, 26, 64),
    DType("DT_BF16", "bf16", 27, 27, 16),
    DType("DT_INT4", "i4", 28, 29, 4),
    DType("DT_UINT1", "ui1", 29, 30, 1),
    DType("DT_INT2", "i2", 30, 31, 2),
    DType("DT_UINT2", "ui2", 31, 32, 2),
    DType("DT_COMPLEX32", "complex<f16>", 32, 33, 32),
    DType("DT_HIFLOAT8", None, 33, 34, 8),
    DType("DT_FLOAT8_E5M2", "f8E5M2", 34, 35, 8),
    DType("DT_FLOAT8_E4M3FN", "f8E4M3FN", 35, 36, 8),
    DType("DT_FLOAT8_E8M0", "f8E8M0FNU", 36, 37, 8),
    DType("DT_FLOAT6_E3M2", "f6E3M2FN", 37, 38, 6),
    DType("DT_FLOAT6_E2M3", "f6E2M3FN", 38, 39, 6),
    DType("DT_FLOAT4_E2M1", "f4E2M1FN", 39, 40, 4),
    DType("DT_FLOAT4_E1M2", None, 40, 41, 4),
    DType("DT_HIFLOAT4", None, 41, 42, 4),
)

BY_NAME = {dtype.name: dtype for dtype in DTYPES}
BY_MLIR = {dtype.mlir: dtype for dtype in DTYPES if dtype.mlir is not None}
STAND_INS = {"ui4": "i4", "f8E4M3FNUZ": "f8E4M3FN", "f8E5M2FNUZ": "f8E5M2"}
"""MLIR element types that GraphEngine has no data type for, and the one of the same width that
their tensors are declared with; the descriptor then names the real one."""
BY_PROTO = {dtype.proto: dtype for dtype in DTYPES}
BY_CPP = {dtype.cpp: dtype for dtype in DTYPES}


def proto_name(number: int) -> str:
    """What messages call the data type of a message's number, also one that nobody knows."""
    return BY_PROTO[number].name if number in BY_PROTO else f"dtype {number}"
