"""Which nodes compute each element from the elements at the same place, in types of the cores."""

from __future__ import annotations

from xdsl.dialects.builtin import Float16Type, Float32Type

from compiler.conversion.ge_to_davinci.elementwise import EXPRESSIONS
from dialects.ge import NodeOp, type_of
from dialects.types import is_static, shape_of, tensor_of

APART = frozenset({"Cast"})
"""Casts stay nodes of their own: they are where the types of the model change."""


def is_eltwise(node: NodeOp) -> bool:
    """Whether a kernel can compute a node together with others of its kind."""
    if type_of(node) not in EXPRESSIONS or type_of(node) in APART or len(node.results) != 1:
        return False
    values = (*node.operands, *node.results)
    return all(
        is_static(value.type)
        and isinstance(tensor_of(value).element_type, Float16Type | Float32Type)
        and 0 not in shape_of(value)
        for value in values
    )
