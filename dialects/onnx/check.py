"""Checks a node against the schema of its operator; every complaint is one line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    BytesAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    NoneType,
    StringAttr,
)
from xdsl.ir import Attribute, TypeAttribute
from xdsl.utils.exceptions import VerifyException

from dialects.onnx.attributes import SparseAttr, Tensor
from dialects.onnx.schema import Parameter, Schema
from dialects.onnx.types import UnknownType, onnx_spelling
from dialects.onnx.words import is_choice, words

GRAPH_KIND = "GRAPH"

KINDS = {
    "INT": IntegerAttr,
    "FLOAT": FloatAttr,
    "STRING": StringAttr | BytesAttr,
    "INTS": DenseArrayBase,
    "FLOATS": DenseArrayBase | ArrayAttr,  # an array when infinities make a dense one unreadable
    "STRINGS": ArrayAttr,
    "TENSOR": Tensor,
    "SPARSE_TENSOR": SparseAttr,
    "TYPE_PROTO": TypeAttribute,
    GRAPH_KIND: (),
}
"""What holds an attribute of each kind; graphs are regions."""


def check_node(
    schema: Schema,
    inputs: Sequence[Attribute],
    outputs: Sequence[Attribute],
    attributes: Mapping[str, Attribute],
    graphs: Collection[str],
) -> None:
    """Raise VerifyException where a node, given by its types, does not fit the schema."""
    if schema.deprecated:
        raise VerifyException(f"is deprecated since opset {schema.since}")
    bound: dict[str, str] = {}
    _check_values("input", schema, schema.inputs, inputs, bound)
    _check_values("output", schema, schema.outputs, outputs, bound)
    _check_attributes(schema, attributes, graphs)


def pair(parameters: Sequence[Parameter], count: int) -> Iterator[tuple[int, Parameter]]:
    """The parameter that each of `count` values stands for; ends early when there are too many."""
    for index in range(count):
        if index < len(parameters):
            yield index, parameters[index]
        elif parameters and parameters[-1].variadic:
            yield index, parameters[-1]


def _check_values(
    what: str,
    schema: Schema,
    parameters: Sequence[Parameter],
    types: Sequence[Attribute],
    bound: dict[str, str],
) -> None:
    if len(types) > len(parameters) and not (parameters and parameters[-1].variadic):
        raise VerifyException(f"has {len(types)} {what}s, at most {len(parameters)} exist")
    for index, parameter in enumerate(parameters):
        least = parameter.least if parameter.variadic else 1
        if not parameter.optional and index + least > len(types):
            raise VerifyException(f"{what} '{parameter.name}' is missing")
    for index, parameter in pair(parameters, len(types)):
        _check_type(what, schema, parameter, types[index], bound)


def _check_type(
    what: str, schema: Schema, parameter: Parameter, type: Attribute, bound: dict[str, str]
) -> None:
    if isinstance(type, NoneType):
        if not parameter.optional and not parameter.variadic:
            raise VerifyException(f"{what} '{parameter.name}' is missing")
        return
    if isinstance(type, UnknownType):
        return
    spelled = onnx_spelling(type)
    allowed = schema.allowed(parameter)
    if spelled is None or spelled not in allowed:
        raise VerifyException(
            f"{what} '{parameter.name}' is {spelled or type}, not one of {_listing(allowed)}"
            f" (opset {schema.since})"
        )
    if parameter.homogeneous and bound.setdefault(parameter.type, spelled) != spelled:
        raise VerifyException(
            f"{what} '{parameter.name}' is {spelled}, but type {parameter.type}"
            f" is {bound[parameter.type]} already"
        )


def _listing(allowed: Collection[str]) -> str:
    names = sorted(allowed)
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _check_attributes(
    schema: Schema, attributes: Mapping[str, Attribute], graphs: Collection[str]
) -> None:
    for name, value in attributes.items():
        known = schema.attributes.get(name)
        if known is None:
            raise VerifyException(
                f"has no attribute '{name}' since opset {schema.since}"
                f" (attributes: {', '.join(schema.attributes) or 'none'})"
            )
        if not isinstance(value, KINDS[known.kind]):
            raise VerifyException(f"attribute '{name}' must be of kind {known.kind}, not {value}")
        listed = (
            cast("ArrayAttr[Attribute]", value).data if isinstance(value, ArrayAttr) else [value]
        )
        for word in listed:
            if isinstance(word, StringAttr):
                _check_word(schema.operator, name, word.data)
    for name in graphs:
        if name not in schema.attributes or schema.attributes[name].kind != GRAPH_KIND:
            raise VerifyException(f"has no graph attribute '{name}'")
    for name, known in schema.attributes.items():
        if known.required and name not in attributes and name not in graphs:
            raise VerifyException(f"attribute '{name}' is missing")


def _check_word(operator: str, name: str, word: str) -> None:
    allowed = words(operator, name)
    if allowed and not is_choice(word, allowed, name):
        raise VerifyException(f"attribute '{name}' is '{word}', not one of {', '.join(allowed)}")
