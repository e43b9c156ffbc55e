"""Defines nodes of graphs: operations with any number of operands, results and regions."""

from __future__ import annotations

from typing import TypeVar

from xdsl.irdl import IRDLOperation, OpDef, OptPropertyDef, irdl_op_definition
from xdsl.irdl.constraints import VerificationContext
from xdsl.irdl.operations import VariadicDef
from xdsl.utils.exceptions import VerifyException

Node = TypeVar("Node", bound=IRDLOperation)


def node_definition(cls: type[Node]) -> type[Node]:
    """`irdl_op_definition` for operations whose operands, results and regions can be any.

    xDSL's own verifier counts and matches those of every operation. For nodes there is nothing to
    find there, and models have thousands: only their properties and traits are looked at.
    """
    own = cls.verify_
    definition = irdl_op_definition(cls).get_irdl_definition()
    lists = (*definition.operands, *definition.results, *definition.regions)
    assert all(isinstance(kind, VariadicDef) for _, kind in lists) and len(lists) == 3
    assert not (definition.successors or definition.attributes or definition.options)

    def verify_(self: Node) -> None:
        _verify(definition, self)
        own(self)

    cls.verify_ = verify_
    return cls


def _verify(definition: OpDef, op: IRDLOperation) -> None:
    if op.successors:
        raise VerifyException("has no successors")
    properties, context = op.properties, VerificationContext()
    for name, kind in definition.properties.items():
        value = properties.get(name)
        if value is not None:
            kind.constr.verify(value, context)
        elif not isinstance(kind, OptPropertyDef):
            raise VerifyException(f"property '{name}' expected in operation '{op.name}'")
    if not definition.properties.keys() >= properties.keys():
        name = min(properties.keys() - definition.properties.keys())
        raise VerifyException(f"property '{name}' is not defined by the operation '{op.name}'")
    for trait in definition.traits:
        trait.verify(op)
