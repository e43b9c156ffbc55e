"""Operators of ai.onnx.ml over categories that onnx's reference implementation does not have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from runtime.operator_engine.node import Array, Inputs, KernelTable, Node


def _listed(node: Node, name: str) -> list[Any]:
    return list(cast("list[Any]", node.attributes.get(name) or []))


def _zip_map(node: Node, inputs: Inputs) -> Sequence[Any]:
    """X [n, classes] or [classes] → a map from class to number for each row."""
    labels = _listed(node, "classlabels_strings") or _listed(node, "classlabels_int64s")
    rows = np.atleast_2d(inputs["X"])
    if rows.shape[1] != len(labels):
        raise node.error(f"there are {len(labels)} labels for {rows.shape[1]} columns")
    return [[dict(zip(labels, row, strict=True)) for row in rows.tolist()]]


def _category_mapper(node: Node, inputs: Inputs) -> Sequence[Array]:
    """The number of each string, or the string of each number; others get the default."""
    x = inputs["X"]
    strings, numbers = _listed(node, "cats_strings"), _listed(node, "cats_int64s")
    if x.dtype.kind in "iu":
        return [_mapped(x, numbers, strings, node.text("default_string", "_Unused"), object)]
    return [_mapped(x, strings, numbers, node.integer("default_int64", -1), np.int64)]


def _mapped(x: Array, keys: list[Any], values: list[Any], other: Any, dtype: Any) -> Array:
    table = dict(zip(keys, values, strict=True))
    return np.array([table.get(key, other) for key in x.reshape(-1).tolist()], dtype).reshape(
        x.shape
    )


KERNELS: KernelTable = {"OnnxCategoryMapper": _category_mapper, "OnnxZipMap": _zip_map}
