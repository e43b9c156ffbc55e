"""How fusion passes read a small graph backwards: who makes a value, and for whom alone."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import Attribute, SSAValue

from compiler.constants import constant_values, first_element
from compiler.rewrite import waited_for
from dialects.ge import ConstOp, GraphOp, NodeOp, type_of
from dialects.types import shape_of, tensor_of
from dialects.weights import CastAttr


class Matcher:
    """Finds nodes that may be fused: control edges lead neither to nor from them."""

    def __init__(self, graph: GraphOp):
        self._waited = waited_for(graph)

    def is_free(self, node: NodeOp) -> bool:
        """Whether no control edge binds a node to its place."""
        return node.after is None and node.label not in self._waited

    def maker(self, value: SSAValue | None, *kinds: str) -> NodeOp | None:
        """The node of one of the types whose first result is the value."""
        node = value.owner if value is not None else None
        if not isinstance(node, NodeOp) or type_of(node) not in kinds:
            return None
        return node if node.results[0] is value and self.is_free(node) else None

    def own(self, value: SSAValue | None, *kinds: str, readers: int = 1) -> NodeOp | None:
        """The maker of a value that has so many readers, and no other result in use."""
        node = self.maker(value, *kinds)
        if node is None or sum(1 for result in node.results for _ in result.uses) != readers:
            return None
        return node

    def reader(self, node: NodeOp, *kinds: str) -> NodeOp | None:
        """The only node that reads a node's first result, when it is of one of the types."""
        uses = list(node.results[0].uses)
        reader = uses[0].operation if len(uses) == 1 else None
        if not isinstance(reader, NodeOp) or type_of(reader) not in kinds:
            return None
        return reader if self.is_free(reader) else None


def either_way(node: NodeOp) -> Iterator[tuple[SSAValue, SSAValue]]:
    """The two operands of a commutative node, in both orders."""
    left, right = node.operands
    yield left, right
    yield right, left


def is_per_channel(value: SSAValue, data: SSAValue) -> bool:
    """Whether a value has one element for each channel of data [N, C, …]: [C, 1, …], as it is."""
    rank, channels = len(shape_of(data)), shape_of(data)[1]
    shape = shape_of(value)
    padded = (1,) * (rank - len(shape)) + shape
    same = tensor_of(value).element_type == tensor_of(data).element_type
    return same and padded == (1, channels, *(1,) * (rank - 2))


def constant(value: SSAValue | None) -> ConstOp | None:
    """The constant that a value is."""
    owner = value.owner if value is not None else None
    return owner if isinstance(owner, ConstOp) else None


def number(value: SSAValue | None) -> float | None:
    """The number of a constant that has one, however often repeated, as it was before casts."""
    found = constant(value)
    held: Attribute | None = found.value if found is not None else None
    while isinstance(held, CastAttr):
        held = held.source
    element = first_element(held) if held is not None else None
    if isinstance(element, IntegerAttr | FloatAttr):
        return float(element.value.data)
    return None


def axes_of(node: NodeOp, rank: int) -> tuple[int, ...] | None:
    """The axes of a reduction in order, counted from the first; None when they are not known."""
    given = constant_values(node.input("axes"))
    axes = node.integers("axes") if given is None else given
    return tuple(sorted(axis % rank for axis in axes)) if axes else None
