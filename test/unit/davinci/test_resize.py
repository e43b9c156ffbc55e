"""Kernels of Resize against the operator engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("factor", [(2, 2), (1, 3), (4, 1)])
@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (2, 16, 13, 31)])
def test_resize_to_the_nearest(
    shape: Any, factor: Any, dtype: Any, agrees: Any, random: Any
) -> None:
    x = random.standard_normal(shape).astype(dtype)
    scales = np.array([1, 1, *factor], np.float32)
    for coordinates, rounding in (("asymmetric", "floor"), ("half_pixel", "round_prefer_floor")):
        attributes = {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
        agrees("Resize", {"x": x, "scales": scales}, attributes, constants=["scales"])
    size = np.array([shape[2] * factor[0], shape[3] * factor[1]], np.int32)
    agrees("ResizeNearestNeighborV2", {"x": x, "size": size}, constants=["size"])
