"""Products and convolutions of any shape, element type and SoC: as the operator engine has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_dtypes import bfloat16

COUPLED = ("Ascend310", "Ascend310P3", "Ascend910A")
"""Their cores have no bias table: a bias comes to L0C first."""

SOCS = (*COUPLED, "Ascend310B1", "Ascend910B4", "Ascend950PR_9599")
TOLERANCE: dict[Any, Any] = {"f2": (1e-3, 1e-2), "f4": (1e-4, 1e-4), bfloat16: (1e-2, 6e-2)}


def numbers(generator: Any, shape: Any, dtype: Any) -> Any:
    """Random operands, of which integers take every value."""
    if np.dtype(dtype).kind == "i":
        return generator.integers(-128, 128, shape).astype(dtype)
    return generator.standard_normal(shape).astype(dtype)


def check(agrees: Any, op_type: str, inputs: Any, attributes: Any, soc: str) -> None:
    dtype = inputs["x1" if "x1" in inputs else "x"].dtype
    if dtype == np.int8:
        agrees(op_type, inputs, attributes, result=np.int32, soc=soc)
    else:
        key = dtype.type if dtype == bfloat16 else dtype.str[1:]
        agrees(op_type, inputs, attributes, tolerance=TOLERANCE[key], soc=soc)


sizes = st.integers(1, 200)


@settings(max_examples=12, deadline=None)
@given(
    st.tuples(sizes, st.integers(1, 700), sizes),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["f2", "f4", "i1"]),
    st.sampled_from(SOCS),
)
def test_products(
    agrees: Any, shape: Any, flip1: bool, flip2: bool, biased: bool, dtype: str, soc: str
) -> None:
    m, k, n = shape
    generator: Any = np.random.default_rng(k)
    x1 = numbers(generator, (k, m) if flip1 else (m, k), dtype)
    x2 = numbers(generator, (n, k) if flip2 else (k, n), dtype)
    inputs = {"x1": x1, "x2": x2}
    if biased:
        inputs["bias"] = numbers(generator, n, "i4" if dtype == "i1" else dtype)
    check(agrees, "MatMulV2", inputs, {"transpose_x1": flip1, "transpose_x2": flip2}, soc)


@settings(max_examples=12, deadline=None)
@given(
    st.tuples(st.integers(1, 2), st.integers(1, 40), st.integers(1, 20), st.integers(1, 20)),
    st.tuples(st.integers(1, 40), st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 2), st.integers(1, 3)),
    st.tuples(*[st.integers(0, 2)] * 4),
    st.integers(1, 2),
    st.integers(1, 3),
    st.sampled_from(["f2", "f4", "i1"]),
    st.sampled_from(SOCS),
)
def test_convolutions(
    agrees: Any,
    image: Any,
    filters: Any,
    stride: Any,
    pads: Any,
    dilation: int,
    groups: int,
    dtype: str,
    soc: str,
) -> None:
    batch, channels, *size = image
    count, *kernel = filters
    reach = [(taps - 1) * dilation + 1 for taps in kernel]
    pads = [min(pad, reach[axis // 2] - 1) for axis, pad in enumerate(pads)]
    size = [max(extent, span) for extent, span in zip(size, reach, strict=True)]
    generator: Any = np.random.default_rng(channels)
    inputs = {
        "x": numbers(generator, (batch, groups * channels, *size), dtype),
        "filter": numbers(generator, (groups * count, channels, *kernel), dtype),
        "bias": numbers(generator, groups * count, "i4" if dtype == "i1" else dtype),
    }
    attributes = {
        "strides": [1, 1, *stride],
        "pads": pads,
        "dilations": [1, 1, dilation, dilation],
        "groups": groups,
        "data_format": "NCHW",
    }
    check(agrees, "Conv2D", inputs, attributes, soc)


def test_bfloat16(agrees: Any) -> None:
    generator: Any = np.random.default_rng(1)
    x1, x2 = (numbers(generator, shape, bfloat16) for shape in ((70, 300), (300, 90)))
    inputs = {"x1": x1, "x2": x2, "bias": numbers(generator, 90, "f4")}
    check(agrees, "MatMulV2", inputs, {}, "Ascend910B4")


@pytest.mark.parametrize(
    ("dtype", "attributes"),
    [(bfloat16, {}), (np.int16, {}), (np.int8, {"offset_x": 3})],
)
def test_what_the_cube_does_not_multiply(schedule: Any, dtype: Any, attributes: Any) -> None:
    x = np.ones((16, 16), dtype)
    y = np.zeros((16, 16), np.int32 if np.dtype(dtype).kind == "i" else dtype)
    with pytest.raises(AssertionError, match="got no kernel"):
        schedule("MatMulV2", {"x1": x, "x2": x}, y, attributes, soc="Ascend310P3")
