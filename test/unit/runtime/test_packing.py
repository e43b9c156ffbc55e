"""Packed elements against NumPy's own bytes, and onnx's packing."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest

from runtime.packing import BITS, packed, packed_bytes, unpacked

ONNX = {"int4": 22, "uint4": 21, "float4_e2m1fn": 23, "uint2": 25, "int2": 26}


@pytest.mark.parametrize("dtype", BITS, ids=str)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 9])
def test_packing_is_onnxs(dtype: np.dtype[Any], count: int):
    x = (np.arange(count) % 4 - 1).astype(dtype)
    data = packed(x)
    proto = onnx.numpy_helper.from_array(x)
    assert proto.data_type == ONNX[dtype.name]
    assert data.tobytes() == proto.raw_data
    assert len(data) == packed_bytes(dtype, count)
    back = unpacked(data, dtype, (count,))
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, x)


def test_whole_bytes_are_counted_as_they_are():
    assert packed_bytes(np.dtype(ml_dtypes.bfloat16), 3) == 6
