"""Tensors out of nothing: what a Constant holds."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from xdsl.dialects.builtin import FloatAttr, f32
from xdsl.ir import Attribute

from compiler.constants import dense_from_raw, dense_i64, scalar
from compiler.conversion.onnx_to_ge.emitter import Emitter, integer
from dialects.onnx.attributes import tensor_parts
from dialects.types import tensor_type


def constant_payload(emit: Emitter) -> Attribute:
    """The value of a Constant, in whichever attribute it stands."""
    node = emit.node
    kinds = [name for name in KINDS if emit.has(name)]
    given = {name: value for name in kinds if (value := node.attribute(name)) is not None}
    if len(given) != 1:
        raise emit.fail(f"one of the attributes {', '.join(kinds)} is needed")
    [(name, value)] = given.items()
    match name:
        case "value":
            return tensor_parts(value)[0]
        case "value_float":
            return scalar(FloatAttr(node.number(name) or 0.0, f32))
        case "value_int":
            return scalar(integer(node.integer(name) or 0))
        case "value_floats":
            return _dense_f32(node.numbers(name) or ())
        case _:
            return dense_i64(node.integers(name) or ())


def _dense_f32(values: Sequence[float]) -> Attribute:
    data = struct.pack(f"<{len(values)}f", *values)
    return dense_from_raw(data, tensor_type((len(values),), f32))


KINDS = ("value", "value_float", "value_floats", "value_int", "value_ints")
"""The attributes that hold dense numbers."""
