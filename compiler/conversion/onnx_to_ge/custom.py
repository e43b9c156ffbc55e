"""Ascend's own ONNX operators: one GraphEngine node, its ports in order, attributes by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, f32
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import boolean, real, string
from dialects.ge.catalogue import Signature, catalogue
from dialects.onnx.ascend import ascend_operators
from dialects.onnx.values import integer_of, number_of, numbers_of, text_of, texts_of
from dialects.op import names_attr


def convert_custom(emit: Emitter) -> list[SSAValue]:
    """The one GraphEngine node that it becomes."""
    operator = ascend_operators()[emit.node.domain, emit.node.op_type]
    prototype = catalogue()[operator.ge]
    attributes = _attributes(emit, prototype)
    names = prototype.port_names(len(emit.inputs))
    inputs = {name: x for name, x in zip(names, emit.inputs, strict=True) if x is not None}
    results = emit.kept_results()
    try:
        prototype.check(tuple(inputs), len(results), attributes)
    except VerifyException as reason:
        raise emit.fail(str(reason)) from None
    if operator.keeps_type:
        results[0] = emit.first.type
    return emit.ops(operator.ge, inputs, attributes, results=results)


def _attributes(emit: Emitter, prototype: Signature) -> dict[str, Attribute]:
    """The attributes in the kinds that the prototype says; ONNX has fewer."""
    found: dict[str, Attribute] = {}
    for name, value in emit.node.attributes.items():
        kind = prototype.kinds.get(name, "")
        made = CONVERT[kind](value) if kind in CONVERT else value
        if made is None:
            raise emit.fail(f"attribute '{name}' must be {kind}, not {value}")
        found[name] = made
    return found


def _boolean(value: Attribute) -> Attribute | None:
    return None if (number := integer_of(value)) is None else boolean(number)


def _real(value: Attribute) -> Attribute | None:
    number = number_of(value)
    number = integer_of(value) if number is None else number
    return None if number is None else real(number)


def _string(value: Attribute) -> Attribute | None:
    return None if (text := text_of(value)) is None else string(text)


def _reals(value: Attribute) -> Attribute | None:
    is_list = isinstance(value, DenseArrayBase | ArrayAttr)
    numbers = numbers_of(cast(Attribute, value)) if is_list else None
    return None if numbers is None else DenseArrayBase.from_list(f32, numbers)


CONVERT: Mapping[str, Callable[[Attribute], Attribute | None]] = {
    "Bool": _boolean,
    "Float": _real,
    "String": _string,
    "Str": _string,
    "ListFloat": _reals,
    "ListString": lambda value: names_attr(texts_of(value) or ()),
}
"""How a value becomes one of a kind of GraphEngine's; None where it cannot."""
