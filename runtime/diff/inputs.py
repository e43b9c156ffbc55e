"""The inputs of a compared run: from a file, or drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.om.inout import TensorInfo
from runtime.errors import invalid
from runtime.loaded_model import Model
from runtime.operator_engine.dtypes import STRINGS, from_cpp
from runtime.precision import is_float


def drawn_inputs(model: Model, seed: int) -> list[Any]:
    """Normal numbers for floats; 0 or 1 for all else, which indices and masks may be."""
    draw = np.random.default_rng(seed)
    return [_drawn(info, draw) for info in model.description.inputs]


def _drawn(info: TensorInfo, draw: np.random.Generator) -> Any:
    dtype = _dtype(info)
    if any(dim < 0 for dim in info.dims):
        raise invalid(
            f"input '{info.name}' has open dimensions {list(info.dims)}: give it a shape "
            f"(--input_shape='{info.name}:1,3,224,224') or values (--inputs=FILE.npz)"
        )
    if is_float(dtype):
        return draw.standard_normal(info.dims).astype(dtype)
    return draw.integers(2, size=info.dims).astype(dtype)


def given_inputs(model: Model, path: str) -> list[Any]:
    """The arrays of an .npz file that have the inputs' names; AclError where one does not fit."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return [_given(info, arrays, path) for info in model.description.inputs]
    except (ValueError, EOFError, AttributeError) as error:
        raise invalid(f"{path} is not an .npz file of plain arrays: {error}") from None


def _given(info: TensorInfo, arrays: Any, path: str) -> Any:
    if info.name not in arrays:
        known = ", ".join(arrays) or "none"
        raise invalid(f"{path} has no array '{info.name}' for the input of that name, but {known}")
    array: Any = arrays[info.name]
    dims = info.dims
    if len(array.shape) != len(dims) or any(
        dim not in (-1, size) for dim, size in zip(dims, array.shape, strict=True)
    ):
        raise invalid(f"{path}: '{info.name}' has shape {list(array.shape)}, not {list(dims)}")
    return array.astype(_dtype(info))


def _dtype(info: TensorInfo) -> np.dtype[Any]:
    dtype = from_cpp(info.dtype)
    if dtype is None or dtype == STRINGS:
        raise invalid(f"input '{info.name}' has no numbers that could be compared")
    return dtype
