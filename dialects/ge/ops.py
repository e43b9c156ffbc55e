"""The nodes of a GraphEngine graph: the few that have a structure of their own, and all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self, cast

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IntegerAttr, StringAttr
from xdsl.ir import Attribute, Region, SSAValue, TypedAttribute
from xdsl.irdl import prop_def, traits_def
from xdsl.traits import NoMemoryEffect
from xdsl.utils.exceptions import VerifyException

from dialects.definition import node_definition
from dialects.ge.catalogue import signature
from dialects.ge.node import NodeOp
from dialects.op import name_attr
from dialects.weights import Weight


class _Source(NodeOp):
    """A node with one result and no data input."""

    def verify_(self) -> None:
        super().verify_()
        if self.operands or len(self.results) != 1:
            raise VerifyException("takes no input and has one result")


class _Constant(_Source):
    """A node that holds a weight."""

    value = prop_def()
    AFTER_NAME: ClassVar[tuple[str, ...]] = ("value",)

    traits = traits_def(NoMemoryEffect())

    @classmethod
    def implied_type(cls, properties: Mapping[str, Attribute]) -> Attribute | None:
        value = properties.get("value")
        return (
            cast(TypedAttribute, value).get_type()
            if isinstance(value, DenseIntOrFPElementsAttr)
            else None
        )

    def verify_(self) -> None:
        super().verify_()
        if not isinstance(self.value, Weight):
            raise VerifyException(f"holds a weight or small dense values, not {self.value}")
        implied = self.implied_type(self.properties)
        if implied is not None and implied != self.result_types[0]:
            raise VerifyException(f"holds {implied}, its result is {self.result_types[0]}")


@node_definition
class DataOp(_Source):
    """An input: of the model, or (with `_parent_node_index`) of the node that owns the graph."""

    name = "ge.Data"


@node_definition
class ConstOp(_Constant):
    """A weight that travels in the offline model."""

    name = "ge.Const"


FILE_ATTRIBUTES = {"location": StringAttr, "offset": IntegerAttr, "length": IntegerAttr}
"""What a FileConstant says of its file: a name, and where in it the bytes lie."""


@node_definition
class FileConstantOp(_Constant):
    """A weight in a file of its own; `value` says where its bytes are while we compile."""

    name = "ge.FileConstant"

    def verify_(self) -> None:
        super().verify_()
        for key, kind in FILE_ATTRIBUTES.items():
            if not isinstance(self.attributes.get(key), kind):
                raise VerifyException(f"needs the attributes {', '.join(FILE_ATTRIBUTES)}")

    @property
    def file_key(self) -> str:
        """Which bytes the node stands for: nodes with one key share their memory."""
        location = self.attributes.get("_ascend_opt_reference", self.attributes["location"])
        offset = self.attributes["offset"]
        assert isinstance(location, StringAttr) and isinstance(offset, IntegerAttr)
        return f"{location.data}:{offset.value.data}"


@node_definition
class VariableOp(_Source):
    """A weight in the variable memory that all models of a bundle share, by the node's name."""

    name = "ge.Variable"


@node_definition
class NetOutputOp(NodeOp):
    """The outputs of a model, or of the node that owns the graph."""

    name = "ge.NetOutput"

    def verify_(self) -> None:
        super().verify_()
        if self.results:
            raise VerifyException("has no results")


@node_definition
class Op(NodeOp):
    """Any other node, checked against the operator catalogue when its type is there."""

    name = "ge.op"

    op_type = prop_def(StringAttr)
    BEFORE_NAME: ClassVar[tuple[str, ...]] = ("op_type",)

    @classmethod
    def of(
        cls,
        op_type: str,
        name: str,
        inputs: Mapping[str, SSAValue],
        results: Sequence[Attribute],
        attributes: Mapping[str, Attribute] | None = None,
        *,
        subgraphs: Sequence[Region] = (),
    ) -> Self:
        """Build a node of GraphEngine's operator type `op_type`."""
        return cls.make(
            name, inputs, results, attributes, subgraphs=subgraphs, op_type=name_attr(op_type)
        )

    @property
    def type_name(self) -> str:
        """GraphEngine's operator type, e.g. `Conv2D`."""
        return self.op_type.data

    def verify_(self) -> None:
        super().verify_()
        known = signature(self.type_name)
        # A placed node may be from a file of somebody else's, where it is as it is.
        if known is not None and "placement" not in self.attributes:
            known.check(self.port_names, len(self.results), self.attributes)


def type_of(node: NodeOp) -> str:
    """GraphEngine's operator type of any node."""
    op_type = node.properties.get("op_type")
    return op_type.data if isinstance(op_type, StringAttr) else node.name.removeprefix("ge.")
