"""Weights that a committed graph leaves out: taken out when it is exported, drawn from a seed
when it is used."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

SMALL = 64
"""Tensors of so few elements, or fewer, stay in the graph."""


def strip(model: onnx.ModelProto, location: str) -> onnx.ModelProto:
    """Replace the weights by references to a file; their mean, deviation and minimum stay.

    What torch notes of its own sources, most of a file's size, goes.
    """
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    offset = 0
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if not _is_weight(value):
            continue
        _refer(tensor, location, offset, value.nbytes)
        numbers = {"mean": value.mean(), "deviation": value.std(), "least": value.min()}
        for key, number in numbers.items():
            tensor.metadata_props.add(key=key, value=f"{number:.6g}")
        offset += value.nbytes
    return model


def _is_weight(value: npt.NDArray[Any]) -> bool:
    """Whether random numbers may stand in for it: masks and indices have few values, many times."""
    if value.dtype != np.float32 or value.size <= SMALL:
        return False
    distinct = len(np.unique(value))
    return bool(np.isfinite(value).all()) and (distinct == 1 or distinct > value.size // 2)


def _refer(tensor: onnx.TensorProto, location: str, offset: int, length: int) -> None:
    tensor.ClearField("raw_data")
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))


def fill(source: Path, folder: Path) -> Path:
    """Copy a graph to a folder and draw its weights beside it; the copy's path.

    Each tensor is uniform with the mean and deviation of the exported one and no less than its
    minimum, so that variances stay positive and activations in range; its name is its seed.
    """
    model = onnx.ModelProto.FromString(source.read_bytes())
    path = folder / source.name
    path.write_bytes(source.read_bytes())
    with path.with_suffix(".weights").open("wb") as file:
        for tensor in model.graph.initializer:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                file.write(_drawn(tensor).tobytes())
    return path


def _drawn(tensor: onnx.TensorProto) -> npt.NDArray[np.float32]:
    props = {prop.key: float(prop.value) for prop in tensor.metadata_props}
    reach = math.sqrt(3) * props["deviation"]
    draw = np.random.default_rng(zlib.crc32(tensor.name.encode()))
    drawn = draw.uniform(props["mean"] - reach, props["mean"] + reach, tensor.dims)
    return np.maximum(drawn, props["least"]).astype("<f4")
