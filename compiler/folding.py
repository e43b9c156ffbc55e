"""The value of a node all of whose operands are constants; large weights are not read for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    IntAttr,
    StringAttr,
    i64,
)
from xdsl.ir import Attribute, SSAValue

from compiler.constants import (
    constant_values,
    dense_from_raw,
    first_element,
    reshaped,
    scalar,
    value_of,
    weight_of,
)
from compiler.joins import joined, sliced
from compiler.purity import is_pure
from compiler.weights import CHUNK, numpy_dtype
from dialects.ge import ConstOp, NodeOp, type_of
from dialects.types import (
    SUB_BYTE,
    RankedTensor,
    element_count,
    element_name,
    is_static,
    shape_of,
    tensor_of,
    tensor_type,
)
from dialects.weights import (
    COMPUTED,
    CONVERTIBLE,
    FLOATS,
    CastAttr,
    ComputeAttr,
    ConcatAttr,
    SliceAttr,
    SplatAttr,
    TransposeAttr,
)

LIMIT = 8192
"""Bytes of the operands and results that are computed while compiling."""

VIEWS = frozenset(
    "Reshape Flatten FlattenV2 Squeeze SqueezeV2 SqueezeV3 Unsqueeze UnsqueezeV2 UnsqueezeV3 "
    "ExpandDims".split()
)
"""The types that give the same elements another shape."""


def fold(node: NodeOp) -> Attribute | None:
    """The value of a node's only result, when it can be told; None when the device must say."""
    if len(node.results) != 1 or not is_static(node.results[0].type) or not is_pure(node):
        return None
    kind = type_of(node)
    if kind in OF_SHAPES:
        return _of_shape(node)
    if not node.operands or not all(isinstance(v.owner, ConstOp) for v in node.operands):
        return _view(node) if RULES.get(kind) is _view else None
    attempts = (RULES[kind],) if kind in RULES else (evaluated, _uniform, _computed)
    return next((value for rule in attempts if (value := rule(node)) is not None), None)


def is_inline(value: Attribute) -> bool:
    """Whether a constant's bytes are known without reading a file."""
    match value:
        case DenseIntOrFPElementsAttr() | SplatAttr():
            return True
        case CastAttr() | TransposeAttr() | SliceAttr():
            return is_inline(value.source)
        case ComputeAttr() | ConcatAttr():
            return all(is_inline(operand) for operand in value.operands)
        case _:
            return False


def _element(value: SSAValue) -> str:
    return element_name(tensor_of(value).element_type) or ""


OF_SHAPES: dict[str, Callable[[tuple[int, ...]], Sequence[int]]] = {
    "Shape": lambda shape: shape,
    "Size": lambda shape: (prod(shape),),
    "Rank": lambda shape: (len(shape),),
}


def _of_shape(node: NodeOp) -> Attribute | None:
    import numpy as np

    if not is_static(node.operands[0].type):
        return None
    part = slice(node.integer("start"), node.integer("end"))
    numbers = OF_SHAPES[type_of(node)](shape_of(node.operands[0]))[part]
    array = np.array(numbers, numpy_dtype(_element(node.results[0])))
    return dense_from_raw(array.tobytes(), tensor_of(node.results[0]))


def _view(node: NodeOp) -> Attribute | None:
    source = value_of(node.operands[0])
    return None if source is None else reshaped(source, tensor_of(node.results[0]))


def _fill(node: NodeOp) -> Attribute | None:
    value = value_of(node.input("value"))
    element = first_element(value) if value is not None else None
    return _splat(node, element) if element is not None else None


def _splat(node: NodeOp, element: Attribute) -> Attribute | None:
    result = tensor_of(node.results[0])
    if element_name(result.element_type) in SUB_BYTE:
        return None
    return SplatAttr(element, IntAttr(element_count(result.get_shape())))


def evaluated(node: NodeOp) -> Attribute | None:
    """What small operands give."""
    held = {port: value_of(value) for port, value in node.named_inputs.items()}
    sizes = [_bytes(value) for value in (*node.operands, *node.results)]
    if not all(size is not None and size <= LIMIT for size in sizes):
        return None
    inline = {port: value for port, value in held.items() if value is not None and is_inline(value)}
    if len(inline) < len(held):
        return None
    shapes = [shape_of(value) for value in node.operands]
    return _run(node, tensor_of(node.results[0]), inline, shapes)


def _run(
    node: NodeOp,
    result: RankedTensor,
    held: Mapping[str, Attribute],
    shapes: Sequence[tuple[int, ...]],
) -> Attribute | None:
    """The result of a node for operands that hold `held` under the shapes."""
    import numpy as np

    from compiler.evaluation import CannotTellError, compute

    operands = {
        port: np.frombuffer(
            b"".join(weight_of(held[port]).chunks()), numpy_dtype(_element(value))
        ).reshape(shape)
        for (port, value), shape in zip(node.named_inputs.items(), shapes, strict=True)
    }
    element = numpy_dtype(element_name(result.element_type) or "")
    try:
        array = compute(node, operands, element)
    except CannotTellError:
        return None
    return dense_from_raw(array.tobytes(), result) if array.shape == result.get_shape() else None


def _bytes(value: SSAValue) -> int | None:
    """The bytes of a tensor of whole bytes; None for any other."""
    if not is_static(value.type) or _element(value) not in CONVERTIBLE:
        return None
    return element_count(shape_of(value)) * numpy_dtype(_element(value)).itemsize


def _uniform(node: NodeOp) -> Attribute | None:
    """What operands of one value each give: one value, however many there are of it."""
    from compiler.evaluation import ELEMENTWISE

    if type_of(node) not in ELEMENTWISE:
        return None
    elements = {port: _only(value) for port, value in node.named_inputs.items()}
    ones = {port: scalar(element) for port, element in elements.items() if element is not None}
    if len(ones) < len(elements) or any(_bytes(v) is None for v in (*node.operands, *node.results)):
        return None
    one = tensor_type((), tensor_of(node.results[0]).element_type)
    value = _run(node, one, ones, [()] * len(ones))
    element = first_element(value) if value is not None else None
    return _splat(node, element) if element is not None else None


def _only(value: SSAValue) -> Attribute | None:
    """The element of a constant that repeats one."""
    held = value_of(value)
    return first_element(held) if held is not None else None


def _repeated(node: NodeOp) -> Attribute | None:
    """What is repeated, when it is small or one value."""
    known, element = evaluated(node), _only(node.operands[0])
    return _splat(node, element) if known is None and element is not None else known


def _cast(node: NodeOp) -> Attribute | None:
    """A cast of what is small, or of a weight to floats, lazily."""
    known, value = evaluated(node) or _uniform(node), value_of(node.operands[0])
    names = _element(node.operands[0]), _element(node.results[0])
    if known is not None or value is None:
        return known
    if names[1] not in FLOATS or names[0] not in CONVERTIBLE or names[0].startswith("f8"):
        return None
    types = tensor_of(node.operands[0]).element_type, tensor_of(node.results[0]).element_type
    return CastAttr(value, *types)


def _transpose(node: NodeOp) -> Attribute | None:
    known, value = evaluated(node), value_of(node.operands[0])
    perm = constant_values(node.input("perm"))
    if known is not None or value is None or perm is None:
        return known
    if isinstance(value, SplatAttr):
        return value
    if _element(node.operands[0]) not in CONVERTIBLE:
        return None
    axes = DenseArrayBase.from_list(i64, [axis % len(perm) for axis in perm])
    return TransposeAttr(value, node.operands[0].type, axes)


def _computed(node: NodeOp) -> Attribute | None:
    """Arithmetic on weights, lazily: no result is larger than its largest operand."""
    kind, result = type_of(node), node.results[0]
    sizes = [element_count(shape_of(value)) for value in node.operands]
    if COMPUTED.get(kind) != len(sizes) or _element(result) not in FLOATS:
        return None
    if any(tensor_of(v).element_type != tensor_of(result).element_type for v in node.operands):
        return None
    whole = element_count(shape_of(result))
    if whole not in sizes or any(size != whole and size * 8 > CHUNK for size in sizes):
        return None
    values = [value for operand in node.operands if (value := value_of(operand)) is not None]
    types = ArrayAttr([value.type for value in node.operands])
    return ComputeAttr(StringAttr(kind), ArrayAttr(values), types, result.type)


def _sliced(node: NodeOp) -> Attribute | None:
    known, value = evaluated(node), value_of(node.operands[0])
    return known if known is not None or value is None else sliced(node, value)


def _joined(node: NodeOp) -> Attribute | None:
    known = evaluated(node)
    return joined(node) if known is None else known


RULES: dict[str, Callable[[NodeOp], Attribute | None]] = {
    "Fill": _fill,
    "Cast": _cast,
    "Transpose": _transpose,
    **dict.fromkeys(("BroadcastTo", "Expand", "Tile"), _repeated),
    **dict.fromkeys((*VIEWS, "Identity"), _view),
    **dict.fromkeys(("StridedSlice", "StridedSliceV2", "Slice"), _sliced),
    **dict.fromkeys(("Concat", "ConcatD"), _joined),
}
