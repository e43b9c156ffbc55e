"""What ONNX demands of a node's shapes and its shape inference does not look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import TensorType, UnrankedTensorType
from xdsl.ir import SSAValue

from compiler.conversion.onnx_to_ge.emitter import Emitter
from dialects.types import (
    DYNAMIC,
    AnyTensor,
    RankedTensor,
    element_count,
    is_static,
    shape_of,
    tensor_type,
)

Shape = tuple[int, ...]


def agree(a: int, b: int) -> bool:
    """Whether two dimensions can be the same."""
    return a == b or DYNAMIC in (a, b)


def broadcasts_onto(shape: Shape, target: Shape) -> bool:
    """Whether a tensor broadcasts onto another without changing that one's shape."""
    padded = (1,) * (len(target) - len(shape)) + shape
    return len(padded) == len(target) and all(
        size == 1 or agree(size, other) for size, other in zip(padded, target, strict=True)
    )


def result_type(emit: Emitter, shape: Shape) -> RankedTensor:
    """The type of the first result, whose shape this is. An error when the model says another.

    Operators of the first opsets have no shape inference.
    """
    declared = emit.result_types[0]
    if not isinstance(declared, TensorType | UnrankedTensorType):
        raise emit.fail("the type of its result is not known")
    computed = tensor_type(shape, cast(AnyTensor, declared).element_type)
    if isinstance(declared, UnrankedTensorType):
        return computed
    declared = cast(RankedTensor, declared)
    said = declared.get_shape()
    if len(said) != len(shape) or not all(map(agree, said, shape)):
        raise emit.fail(f"the model says that its result is {declared}, it is {computed}")
    return declared


def same_count(emit: Emitter, x: SSAValue) -> None:
    """A result of Reshape has the elements of its input."""
    result = emit.node.results[0]
    if not (is_static(x.type) and is_static(result.type)):
        return
    counts = element_count(shape_of(x)), element_count(shape_of(result))
    if counts[0] != counts[1]:
        shapes = f"{list(shape_of(x))} to {list(shape_of(result))}"
        raise emit.fail(f"{shapes} is {counts[0]} elements in place of {counts[1]}")


def convolution(emit: Emitter, x: SSAValue, weight: SSAValue, bias: SSAValue | None) -> None:
    """The weight [M, C / group, window…] fits the channels, the bias and `kernel_shape`."""
    group = emit.node.integer("group") or 1
    outputs, inputs, *window = shape_of(weight)
    channels = shape_of(x)[1]
    if channels != DYNAMIC and not agree(channels, inputs * group):
        reason = f"the weight {list(shape_of(weight))} in {group} groups takes"
        raise emit.fail(f"{reason} {inputs * group} channels, the input has {channels}")
    if outputs != DYNAMIC and outputs % group:
        raise emit.fail(f"{outputs} channels do not divide into {group} groups")
    given = emit.node.integers("kernel_shape")
    if given and not (len(given) == len(window) and all(map(agree, given, window))):
        raise emit.fail(f"kernel_shape is {list(given)}, the weight has a window of {window}")
    if bias is not None and not (len(shape_of(bias)) == 1 and agree(shape_of(bias)[0], outputs)):
        raise emit.fail(f"the bias is {list(shape_of(bias))}, there are {outputs} channels")


def window_fits(
    emit: Emitter,
    sizes: Sequence[int],
    spans: Sequence[int],
    pads: Sequence[tuple[int, int]],
    slack: Sequence[int],
) -> None:
    """A window lies at least once in the padded image, all but the slack of it."""
    padded = [
        size if size == DYNAMIC else size + sum(pair)
        for size, pair in zip(sizes, pads, strict=True)
    ]
    limits = [span - missing for span, missing in zip(spans, slack, strict=True)]
    if any(size != DYNAMIC and size < least for size, least in zip(padded, limits, strict=True)):
        raise emit.fail(f"a window of {list(spans)} does not fit a padded image of {padded}")
