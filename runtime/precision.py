"""The number formats both engines compute in, next to the ones tensors are stored in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Overflow(IntEnum):
    """What becomes of a result too large for its type (`aclrtFloatOverflowMode`)."""

    SATURATION = 0
    INFNAN = 1


@dataclass(slots=True)
class FloatMode:
    """The overflow mode of a device, which a program may change between runs."""

    overflow: Overflow = Overflow.INFNAN

    @property
    def saturates(self) -> bool:
        """Whether the vector unit makes no infinities."""
        return self.overflow is Overflow.SATURATION


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether the elements are floating point; bfloat16 and the 8-bit floats included."""
    return dtype.kind == "f" or dtype.name.startswith(("bfloat", "float"))


def is_narrow_float(dtype: np.dtype[Any]) -> bool:
    """Whether the elements are floats of fewer than 32 bits."""
    return is_float(dtype) and dtype.itemsize < 4


def widen(x: Array) -> Array:
    """Narrow floats as float32, everything else as it is.

    One arithmetic operation in float32, rounded once to float16 or bfloat16, gives the same bits
    as the operation in the narrow type: float32 has more than twice their significand.
    """
    return x.astype(np.float32) if is_narrow_float(x.dtype) else x


def cube_operand(x: Array) -> Array:
    """An operand as the cube unit accumulates it: float32 for floats, exact for integers."""
    if is_float(x.dtype):
        return widen(x)
    # float64 holds any sum of int8 products exactly, and BLAS multiplies it fast.
    return x.astype(np.float64)


_LARGEST = {
    "float8_e4m3fn": 448.0,
    "float8_e4m3fnuz": 240.0,
    "float8_e5m2": 57344.0,
    "float8_e5m2fnuz": 57344.0,
}
"""The largest number of each 8-bit float that has signs."""


def convert(x: Array, dtype: np.dtype[Any], *, saturates: bool = True) -> Array:
    """The elements in another type: floats saturate and truncate towards zero to integers.

    8-bit floats saturate as ONNX's Cast does by default, infinities too; without `saturates` they
    become what their format has for infinity.
    """
    if x.dtype == dtype:
        return x
    if dtype == np.bool_:
        return x != 0
    if is_float(x.dtype) and dtype.kind in "iu":
        return _to_integer(widen(x), dtype)
    wide = widen(x)
    limit = _LARGEST.get(dtype.name)
    if saturates and limit is not None:
        wide = np.clip(wide, -limit, limit)
    return wide.astype(dtype)


def fixpipe(x: Array, dtype: np.dtype[Any]) -> Array:
    """Accumulators on their way out of the cube unit: in float16 they saturate.

    The fixpipe of A2 and A3 has no Inf/NaN mode for F322F16 (Ascend C, asc_copy_l0c2gm); what the
    vector unit computes overflows to infinity there.
    """
    if dtype == np.float16:
        limit = np.finfo(np.float16).max
        return np.clip(x, -limit, limit).astype(dtype)
    return convert(x, dtype)


def saturated(x: Array) -> Array:
    """A result of the vector unit in saturation mode, where float16 has no Inf and no NaN.

    An infinity becomes the largest number, NaN becomes 0 (CANN's INF_NAN_MODE_ENABLE=0).
    """
    if x.dtype != np.float16:
        return x
    limit = float(np.finfo(np.float16).max)
    return np.nan_to_num(x, nan=0.0, posinf=limit, neginf=-limit)


def _to_integer(x: Array, dtype: np.dtype[Any]) -> Array:
    limits = np.iinfo(dtype)
    wide = np.nan_to_num(x.astype(np.float64), nan=0.0, posinf=limits.max, neginf=limits.min)
    inside = (wide > limits.min) & (wide < limits.max)
    edges = np.where(wide > 0, limits.max, limits.min).astype(dtype)
    return np.where(inside, np.where(inside, wide, 0).astype(dtype), edges)
