"""Keeps sizes below zero from onnx's inference of Slice, which ends the process when it meets one.

A model may say such a size, or make one: by a window larger than its image, by pads that cut away
more than there is, by numbers that onnx computes from shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set

import onnx
from onnx import numpy_helper

from compiler.frontends.onnx.payloads import has_values
from compiler.frontends.onnx.tensors import type_of
from compiler.frontends.onnx.walk import graphs_of, nodes_of, tensors_of
from compiler.frontends.onnx.windows import STAND_IN

HIDDEN = "ascend-opt.hidden"
"""The domain of nodes that inference shall not look into."""

WINDOWS = frozenset(
    "AveragePool CenterCropPad Col2Im Conv ConvInteger ConvTranspose DeformConv LpPool MaxPool"
    " MaxUnpool QLinearConv".split()
)
"""Operators whose results may be smaller than nothing, by what onnx infers of them."""
BY_NUMBERS = frozenset("Expand Pad Resize Split TopK Upsample".split())
"""Likewise, where a number that they are given is negative."""
FOLLOWED = frozenset("Add Cast Concat Gather Mul Shape Size Slice Squeeze Sub Unsqueeze".split())
"""Operators through which onnx follows the values of small vectors."""

NUMBERS = {onnx.TensorProto.FLOAT, onnx.TensorProto.INT32, onnx.TensorProto.INT64}
"""Types of the constants that say sizes, pads and scales."""

Infer = Callable[[onnx.ModelProto], tuple[onnx.ModelProto, str]]


def forget_negative_sizes(model: onnx.ModelProto) -> None:
    """Let declared sizes below zero be unknown, as some exporters mean them.

    UserError for a tensor that has one: its values are there.
    """
    for tensor in tensors_of(model):
        if any(size < 0 for size in tensor.dims):
            type_of(tensor)
    for info in _infos(model):
        for dim in info.type.tensor_type.shape.dim:
            if dim.dim_value < 0:
                dim.ClearField("dim_value")


def _infos(model: onnx.ModelProto) -> Iterator[onnx.ValueInfoProto]:
    for graph in graphs_of(model.graph):
        yield from (*graph.input, *graph.value_info, *graph.output)


def negative_size(model: onnx.ModelProto, infer: Infer, known: Set[str] = frozenset()) -> str:
    """What is wrong with a size that a Slice would be given, "" for nothing.

    `model` is numbered. The slices behind what may make such sizes are inferred one behind the
    other, each when what is before it is known to be right: as the sizes of the values in `known`
    are already.
    """
    waves = _waves(model, known)
    for first in range(1, max(waves.values(), default=0) + 1):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        copy.opset_import.add(domain=HIDDEN, version=1)
        for node in nodes_of(copy.graph.node):
            if waves.get(node.name, 0) >= first:
                node.domain = HIDDEN
        shapes, complaint = infer(copy)
        if complaint := complaint or _complaint(shapes):
            return complaint
    return ""


def _complaint(model: onnx.ModelProto) -> str:
    """The first value with a size below zero, told as onnx tells what is wrong with a node."""
    makers = {name: node for node in nodes_of(model.graph.node) for name in node.output}
    for info in _infos(model):
        sizes = [dim.dim_value for dim in info.type.tensor_type.shape.dim]
        if min(sizes, default=0) < 0 and (node := makers.get(info.name)):
            who = f"(op_type:{node.op_type}, node name: {node.name}): "
            return f"{who}a size of its result is below zero: {sizes}"
    return ""


def _waves(model: onnx.ModelProto, known: Set[str]) -> dict[str, int]:
    """How many slices behind what may make sizes below zero each such Slice is, itself included."""
    if all(node.op_type != "Slice" for node in nodes_of(model.graph.node)):
        return {}
    negative = _followed(model, *_constants(model))
    state: dict[str, tuple[int, bool]] = {}
    waves: dict[str, int] = {}
    for node in nodes_of(model.graph.node):
        before = [state[name] for name in node.input if name in state]
        wave = max((number for number, _ in before), default=0)
        doubtful = any(is_doubtful for _, is_doubtful in before)
        if node.op_type == "Slice" and not node.domain and doubtful:
            wave, doubtful = wave + 1, False
            waves[node.name] = wave
        doubtful = (doubtful or _may_make_one(node, negative)) and not set(node.output) <= known
        if wave or doubtful:
            state.update((name, (wave, doubtful)) for name in node.output if name)
    return waves


def _may_make_one(node: onnx.NodeProto, negative: set[str]) -> bool:
    if node.op_type in WINDOWS or node.domain == STAND_IN:
        return True
    numbers = ((a.i, *a.ints, *a.floats) for a in node.attribute if a.name != "axis")
    told = any(number < 0 for each in numbers for number in each)
    return node.op_type in BY_NUMBERS and (told or not negative.isdisjoint(node.input))


def _constants(model: onnx.ModelProto) -> tuple[set[str], set[str]]:
    """The constants, and those of numbers of which one is negative; "" is no input."""
    found, negative = {""}, set[str]()
    for graph in graphs_of(model.graph):
        for tensor in graph.initializer:
            found.add(tensor.name)
            if _has_negative(tensor):
                negative.add(tensor.name)
        for node in (node for node in graph.node if node.op_type == "Constant"):
            found.update(node.output)
            if any(
                number < 0 or _has_negative(a.t)
                for a in node.attribute
                for number in (a.i, a.f, *a.ints, *a.floats)
            ):
                negative.update(node.output)
    return found, negative


def _followed(model: onnx.ModelProto, numbers: set[str], negative: set[str]) -> set[str]:
    """The numbers that may be negative, with those that onnx computes of constants and shapes."""
    for node in nodes_of(model.graph.node):
        if node.domain or node.op_type not in FOLLOWED:
            continue
        if node.op_type in ("Shape", "Size") or numbers.issuperset(node.input):
            numbers.update(node.output)
            if node.op_type == "Sub" or not negative.isdisjoint(node.input):
                negative.update(node.output)
    return negative


def _has_negative(tensor: onnx.TensorProto) -> bool:
    if tensor.data_type not in NUMBERS or not has_values(tensor):
        return False
    try:
        return bool((numpy_helper.to_array(tensor) < 0).any())
    except (ValueError, TypeError):  # told with the tensor, later
        return False
