"""How near force_fp16 must come to what ONNX's cases expect."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx.backend.test.runner import Runner

Array = npt.NDArray[Any]

SHARE = 2.0**-8
"""Eight roundings of float16's 11 bits: of an element, and of the largest element beside it.

A product of K terms accumulates in float32: it is off by two roundings of each term, whatever K is.
Where terms cancel, that is much of the result but little of the largest result beside it.
Compositions (Softmax, normalisation, gates) round a few times more.
"""
FLOOR = 2.0**-14
"""The smallest normal float16: below it numbers are a fixed distance apart."""
LARGEST = 65504.0
"""An expected number beyond the largest float16 may come out as that, or as infinity."""


def mismatch(found: Array, expected: Array) -> str:
    """Why a tensor is not what float16 can make of the expected one; empty when it is.

    Shapes and element types are equal; what holds no floats is compared exactly.
    """
    if expected.dtype == object:
        return "" if found.tolist() == expected.tolist() else "fp16: strings differ"
    if found.dtype != expected.dtype or found.shape != expected.shape:
        kinds = f"{found.dtype}{list(found.shape)}, expected {expected.dtype}{list(expected.shape)}"
        return f"fp16: an output is {kinds}"
    if not _has_floats(expected):
        return _exactly(found, expected)
    a, b = _wide(found), _wide(expected)
    with np.errstate(all="ignore"):
        finite = np.abs(b[np.isfinite(b)])
        scale = float(finite.max(initial=0.0))
        near = np.abs(a - b) <= SHARE * np.abs(b) + max(SHARE * min(scale, LARGEST), FLOOR)
        beyond = (np.abs(b) > LARGEST) & (np.sign(a) == np.sign(b)) & (np.abs(a) >= LARGEST)
        right = near | beyond | (a == b) | (np.isnan(a) & np.isnan(b))
    if right.all():
        return ""
    place = tuple(int(i) for i in np.argwhere(~right)[0])
    count = int((~right).sum())
    return f"fp16: {count} of {right.size} elements differ, {a[place]:.6g} is not {b[place]:.6g}"


def _exactly(found: Array, expected: Array) -> str:
    wrong = int(np.count_nonzero(found != expected))
    return f"fp16: {wrong} of {found.size} elements differ" if wrong else ""


def _has_floats(x: Array) -> bool:
    return x.dtype.kind in "fc" or x.dtype.name.startswith(("bfloat", "float"))


def _wide(x: Array) -> Array:
    if x.dtype.kind == "c":
        return np.atleast_1d(x).astype(np.complex128).view(np.float64)
    return x.astype(np.float64)


class HalfRunner(Runner):
    """The suite's runner with the bounds of float16 in place of the suite's."""

    @classmethod
    def assert_similar_outputs(
        cls, ref_outputs: Any, outputs: Any, rtol: float, atol: float, model_dir: str | None = None
    ) -> None:
        """AssertionError with the first output that is too far away."""
        if len(ref_outputs) != len(outputs):
            raise AssertionError(f"{len(outputs)} outputs, expected {len(ref_outputs)}")
        for found, expected in zip(outputs, ref_outputs, strict=True):
            if isinstance(expected, list | tuple):
                cls.assert_similar_outputs(expected, found, rtol, atol, model_dir)
            elif reason := mismatch(np.asarray(found), np.asarray(expected)):
                raise AssertionError(reason)
