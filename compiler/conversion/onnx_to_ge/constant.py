"""What a Constant of ONNX holds, and what a constant of ge holds for it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, IntAttr, f32, i64
from xdsl.ir import Attribute

from compiler.constants import number_attribute, scalar, vector, weight_of
from compiler.conversion.onnx_to_ge.emitter import Emitter
from dialects.onnx.attributes import SparseAttr, Strings, tensor_parts
from dialects.onnx.values import integer_of, integers_of, number_of, numbers_of
from dialects.types import RankedTensor
from dialects.weights import ScatterAttr, StringsAttr


def constant_payload(emit: Emitter) -> Attribute:
    """The value of a Constant, in whichever attribute it stands."""
    node = emit.node
    kinds = [name for name in PAYLOADS if emit.has(name)]
    given = {name: value for name in kinds if (value := node.attribute(name)) is not None}
    if len(given) != 1:
        raise emit.fail(f"one of the attributes {', '.join(kinds)} is needed")
    [(name, value)] = given.items()
    return PAYLOADS[name](value)


PAYLOADS: Mapping[str, Callable[[Attribute], Attribute]] = {
    "value": lambda value: tensor_parts(value)[0],
    "sparse_value": lambda value: value,
    "value_float": lambda value: scalar(number_attribute(number_of(value) or 0.0, f32)),
    "value_floats": lambda value: vector(numbers_of(value) or (), f32),
    "value_int": lambda value: scalar(number_attribute(integer_of(value) or 0, i64)),
    "value_ints": lambda value: vector(integers_of(value) or (), i64),
    "value_string": lambda value: ArrayAttr([value]),
    "value_strings": lambda value: value,
}
"""The attributes that a Constant's value may stand in, and what fills its tensor then."""


def weight_attribute(payload: Attribute) -> Attribute:
    """What a ge constant holds for a payload of ONNX; ValueError for indices out of their shape."""
    if isinstance(payload, ArrayAttr):
        return StringsAttr(cast("Strings", payload))
    return _scattered(payload) if isinstance(payload, SparseAttr) else payload


def _scattered(sparse: SparseAttr) -> ScatterAttr:
    """A tensor in coordinate format; its indices are flat, or have a column for each dimension."""
    values, _ = tensor_parts(sparse.values)
    indices, type = tensor_parts(sparse.indices)
    shape = integers_of(sparse.shape) or ()
    columns = cast("RankedTensor", type).get_shape()[1:]
    raw = b"".join(weight_of(indices).chunks())
    if cast("RankedTensor", type).element_type != i64:
        raise ValueError(f"the indices of a sparse tensor are {type}, they must be i64")
    places = [place for (place,) in struct.iter_unpack("<q", raw)]
    if columns:
        rows = [places[i : i + columns[0]] for i in range(0, len(places), columns[0])]
        places = [_flat(row, shape) for row in rows]
    if any(not 0 <= place < prod(shape) for place in places):
        raise ValueError(f"a sparse tensor of shape {list(shape)} has an index outside of it")
    return ScatterAttr(values, vector(places, i64), IntAttr(prod(shape)))


def _flat(row: Sequence[int], shape: Sequence[int]) -> int:
    place = 0
    for index, size in zip(row, shape, strict=True):
        if not 0 <= index < size:
            raise ValueError(
                f"index {list(row)} is outside of a sparse tensor of shape {list(shape)}"
            )
        place = place * size + index
    return place
