"""NumPy's element types by their MLIR spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_NUMPY = {
    "f64": "f8",
    "f32": "f4",
    "f16": "f2",
    "i1": "?",
    **{f"i{bits}": f"i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"ui{bits}": f"u{bits // 8}" for bits in (8, 16, 32, 64)},
    "complex<f32>": "c8",
    "complex<f64>": "c16",
}
_ML_DTYPES = {
    "bf16": "bfloat16",
    "f8E4M3FN": "float8_e4m3fn",
    "f8E4M3FNUZ": "float8_e4m3fnuz",
    "f8E5M2": "float8_e5m2",
    "f8E5M2FNUZ": "float8_e5m2fnuz",
    "f8E8M0FNU": "float8_e8m0fnu",
}


def numpy_dtype(name: str) -> np.dtype[Any]:
    """NumPy's dtype for an element type by MLIR spelling, little-endian."""
    import numpy as np

    if name in _NUMPY:
        return np.dtype(f"<{_NUMPY[name]}")
    import ml_dtypes

    return np.dtype(getattr(ml_dtypes, _ML_DTYPES[name]))
