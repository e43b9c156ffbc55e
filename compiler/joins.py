"""Slices, splits and joins of weights, whose bytes are not read for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, IntAttr, i64
from xdsl.ir import Attribute

from compiler.constants import constant_values, value_of
from compiler.weights import numpy_dtype
from dialects.ge import NodeOp, type_of
from dialects.types import RankedTensor, element_count, element_name, is_static, shape_of, tensor_of
from dialects.weights import CONVERTIBLE, ConcatAttr, FileAttr, SliceAttr, SplatAttr

SPLITS = frozenset(("Split", "SplitD", "SplitV", "SplitVD"))
"""The types that give the parts of a tensor, one after the other along `split_dim`."""


def joined(node: NodeOp) -> Attribute | None:
    """What a Concat of constants gives; None where its axis is not known."""
    pairs = {port: value for port, value in node.named_inputs.items() if port != "concat_dim"}
    axis = _axis(node, "concat_dim")
    values = [held for value in pairs.values() if (held := value_of(value)) is not None]
    types = [tensor_of(value) for value in pairs.values()]
    if axis is None or len(values) < len(pairs) or not all(map(_is_readable, types)):
        return None
    return ConcatAttr(ArrayAttr(values), ArrayAttr(types), IntAttr(axis % len(types[0].shape)))


def sliced(node: NodeOp, value: Attribute) -> Attribute | None:
    """What a slice takes of a constant; None where its places are not known, or lie apart."""
    from compiler.evaluation import ranges

    type, places = tensor_of(node.operands[0]), list(node.named_inputs.items())[1:]
    numbers = {port: found for port, v in places if (found := constant_values(v)) is not None}
    if len(numbers) < len(places) or not _is_readable(type):
        return None
    taken = ranges(node, numbers, type.get_shape())
    if taken is None or any(len(each) > 1 and each.step != 1 for each in taken):
        return None
    return _part(value, type, [(each.start, len(each)) for each in taken])


def split(node: NodeOp) -> list[Attribute] | None:
    """The parts that a Split gives of a constant, one for each result; None for other nodes."""
    if type_of(node) not in SPLITS or not all(is_static(r.type) for r in node.results):
        return None
    source, axis = node.input("x"), _axis(node, "split_dim")
    value = value_of(source)
    if source is None or value is None or axis is None or not _is_readable(tensor_of(source)):
        return None
    type = tensor_of(source)
    sizes = [shape_of(result)[axis] for result in node.results]
    if sum(sizes) != type.get_shape()[axis]:
        return None
    return list(_parts(value, type, axis % len(type.shape), sizes))


def _parts(
    value: Attribute, type: RankedTensor, axis: int, sizes: Sequence[int]
) -> Iterator[Attribute]:
    start = 0
    for size in sizes:
        whole = [(0, count) for count in type.get_shape()]
        whole[axis] = (start, size)
        yield _part(value, type, whole)
        start += size


def _part(value: Attribute, type: RankedTensor, places: Sequence[tuple[int, int]]) -> Attribute:
    """The elements from a place on, so many in each axis."""
    shape, count = type.get_shape(), element_count([size for _, size in places])
    if isinstance(value, SplatAttr):
        return SplatAttr(value.value, IntAttr(count))
    cut = [axis for axis, size in enumerate(shape) if places[axis][1] != size]
    if isinstance(value, FileAttr) and all(size == 1 for _, size in places[: max(cut, default=0)]):
        width = numpy_dtype(element_name(type.element_type) or "").itemsize
        strides = [element_count(shape[axis + 1 :]) for axis in range(len(shape))]
        start = sum(first * stride for (first, _), stride in zip(places, strides, strict=True))
        offset = value.offset.data + start * width
        return FileAttr(value.path, IntAttr(offset), IntAttr(count * width))
    begin, size = (DenseArrayBase.from_list(i64, list(n)) for n in zip(*places, strict=True))
    return SliceAttr(value, type, begin, size)


def _axis(node: NodeOp, port: str) -> int | None:
    """The axis that a node joins or splits, by an attribute or a constant operand."""
    given = node.input(port)
    if given is None:
        return node.integer(port, 0)
    numbers = constant_values(given)
    return numbers[0] if numbers else None


def _is_readable(type: RankedTensor) -> bool:
    """Whether its bytes can be told apart: a known shape of at least one axis, whole bytes."""
    known = is_static(type) and bool(type.get_shape())
    return known and element_name(type.element_type) in CONVERTIBLE
