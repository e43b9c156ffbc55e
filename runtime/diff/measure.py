"""How far one tensor is from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from runtime.precision import is_float

Array = npt.NDArray[Any]

SMALLEST = 2.0**-24
"""The smallest positive float16: an element of the expected tensor counts as no less."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One tensor against the expected one.

    `largest`: the largest |found - expected|; `relative`: the largest of that over |expected|;
    `cosine` of the angle between the two; `error`: the length of the difference over the length of
    what is expected. Infinities and NaN that are expected count as equal, others as infinitely far.
    """

    largest: float
    relative: float
    cosine: float
    error: float


def difference(found: Any, expected: Any) -> Difference | None:
    """How far a tensor is from the expected one; None for what has no numbers to compare."""
    pair = _numbers(found), _numbers(expected)
    if pair[0] is None or pair[1] is None or pair[0].shape != pair[1].shape:
        return None
    a, b = pair[0], pair[1]
    if not a.size:
        return Difference(0.0, 0.0, 1.0, 0.0)
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        apart = np.where(same, 0.0, np.nan_to_num(np.abs(a - b), nan=np.inf, posinf=np.inf))
        size = np.where(np.isfinite(b), np.maximum(np.abs(b), SMALLEST), SMALLEST)
        error = np.linalg.norm(apart) / np.linalg.norm(size)
        return Difference(
            float(apart.max()), float((apart / size).max()), _cosine(a, b, same), float(error)
        )


def _numbers(value: Any) -> Array | None:
    """The elements as a vector of float64: of a complex number, both parts."""
    if not isinstance(value, np.ndarray):
        return None
    array = cast("Array", value)
    if array.dtype.kind == "c":
        array = array.astype(np.complex128).reshape(-1).view(np.float64)
    if array.dtype.kind not in "biuf" and not is_float(array.dtype):
        return None
    return array.astype(np.float64).reshape(-1)


def _cosine(a: Array, b: Array, same: Array) -> float:
    """Over the elements that are numbers in both; 1 where nothing differs, 0 beside zeros."""
    if same.all():
        return 1.0
    usable = np.isfinite(a) & np.isfinite(b)
    a, b = a[usable], b[usable]
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b / lengths) if lengths else 0.0
