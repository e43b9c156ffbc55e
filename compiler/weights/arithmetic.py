"""What fusion passes write down to be computed from weights, when the bytes are wanted."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Attribute

from compiler.constants import reshaped
from compiler.rewrite import Names
from dialects.ge import ConstOp
from dialects.types import RankedTensor, tensor_of, tensor_type
from dialects.weights import ComputeAttr


@dataclass(frozen=True)
class Term:
    """A weight and the shape it has."""

    value: Attribute
    type: RankedTensor

    @classmethod
    def of(cls, node: ConstOp) -> Term:
        """What a constant holds."""
        return cls(node.value, tensor_of(node.results[0]))

    def shaped(self, *shape: int) -> Term:
        """The same elements under another shape."""
        type = tensor_type(shape, self.type.element_type)
        return Term(reshaped(self.value, type), type)


def compute(kind: str, *terms: Term) -> Term:
    """An operator on weights; its result is like the first of them."""
    type = terms[0].type
    operands = ArrayAttr([term.value for term in terms])
    types = ArrayAttr([term.type for term in terms])
    return Term(ComputeAttr(StringAttr(kind), operands, types, type), type)


def new_constant(names: Names, label: str, old: ConstOp | None, new: Term) -> ConstOp:
    """A new weight, under the name of the one it stands for where nobody else reads that one."""
    alone = old is not None and len(list(old.results[0].uses)) == 1
    name = old.label if old is not None and alone else names.fresh(label)
    return ConstOp.make(name, results=[new.type], value=new.value)
