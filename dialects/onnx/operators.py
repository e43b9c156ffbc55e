"""A class for each ONNX operator, made from the schema table, and one for all others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import ClassVar, cast

from xdsl.dialects.builtin import StringAttr
from xdsl.irdl import prop_def

from dialects.definition import node_definition
from dialects.onnx.node import NodeOp
from dialects.onnx.schema import Schema, operators


@node_definition
class CustomOp(NodeOp):
    """`onnx.custom "domain" "Operator"`: an operator that ONNX's schemas do not know."""

    name = "onnx.custom"

    op_domain = prop_def(StringAttr)
    operator = prop_def(StringAttr)

    BEFORE_NAME: ClassVar[tuple[str, ...]] = ("op_domain", "operator")

    @property
    def domain(self) -> str:
        return self.op_domain.data

    @property
    def op_type(self) -> str:
        return self.operator.data

    @property
    def schema(self) -> Schema | None:
        return None


@cache
def _operator_class(operator: str) -> type[NodeOp]:
    if operator not in operators():
        raise KeyError(operator)
    name = f"onnx.{operator.removeprefix('ai.onnx.')}"
    fields: dict[str, object] = {
        "name": name,
        "OPERATOR": operator,
        "__annotations__": {"OPERATOR": ClassVar[str]},
        "__module__": __name__,
    }
    made = type(operator.rpartition(".")[2], (NodeOp,), fields)
    return node_definition(cast(type[NodeOp], made))


class _Operators(Mapping[str, type[NodeOp]]):
    """Makes a class when it is first asked for: a model has few of the operators."""

    def __getitem__(self, operator: str) -> type[NodeOp]:
        return _operator_class(operator)

    def __iter__(self) -> Iterator[str]:
        return iter(operators())

    def __len__(self) -> int:
        return len(operators())


OPERATORS = _Operators()
"""The class of each operator: `Conv`, `ai.onnx.ml.Normalizer`."""
