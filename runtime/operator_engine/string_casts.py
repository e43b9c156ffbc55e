"""Casts from and to strings in ONNX's own form.

A float is spelled as shortly as reads back the same, which is how ONNX's test suite has it. A bool
is 1 or 0, as in ONNX Runtime; onnx's reference has Python's words for it, and takes "0" for true.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from runtime.operator_engine.ai_cpu import run_onnx
from runtime.operator_engine.dtypes import STRINGS
from runtime.operator_engine.node import Array, Inputs, KernelTable, Node
from runtime.precision import widen

PLAIN = frozenset({"float16", "float32", "float64"})
"""Floats that NumPy spells; others are spelled as float32."""


def _cast(node: Node, inputs: Inputs) -> Sequence[Array]:
    x = inputs["input"]
    dtype = node.result_dtype(STRINGS)
    are_texts = x.dtype.kind in "OUST"
    if dtype == STRINGS:
        return [x.astype(STRINGS) if are_texts else _spelled(x)]
    if are_texts:
        numbers = [_number(str(text), dtype) for text in x.reshape(-1).tolist()]
        return [np.array(numbers).astype(dtype).reshape(x.shape)]
    return run_onnx(node, inputs)


def _spelled(x: Array) -> Array:
    if x.dtype == np.bool_ or x.dtype.name.startswith(("int", "uint")):
        x = x.astype(np.uint64 if x.dtype == np.uint64 else np.int64)
    elif x.dtype.name not in PLAIN:
        x = widen(x)
    return x.astype(np.str_).astype(object)


def _number(text: str, dtype: np.dtype[Any]) -> float | int | bool:
    """What a text says in plain ASCII; ValueError where it is no number of that type."""
    kind: type = int if dtype.name.startswith(("int", "uint")) else float
    try:
        if "_" in text or not text.isascii():
            raise ValueError
        number = kind(text)
    except ValueError:
        what = "an integer" if kind is int else "a number"
        raise ValueError(f"'{text}' is not {what} that can be cast to {dtype}") from None
    return number != 0 if dtype == np.bool_ else number


KERNELS: KernelTable = {"OnnxCast": _cast, "OnnxCastLike": _cast}
