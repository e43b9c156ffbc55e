"""Elementwise operators as expressions of their inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import frexp, inf
from typing import TypeAlias

from xdsl.dialects.builtin import f16, f32, i1, i8, i16, i32

from compiler.conversion.ge_to_davinci.elements import (
    UI8,
    comparable,
    comparison,
    computed,
    converted,
    truth,
)
from compiler.conversion.ge_to_davinci.expression import (
    Operand,
    Value,
    binary,
    cast,
    compare,
    constant,
    maximum,
    minimum,
    scalar,
    unary,
    where,
)
from compiler.conversion.ge_to_davinci.functions import PLAIN, WITH_ATTRIBUTES
from compiler.conversion.ge_to_davinci.operator import Operator, Part, UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import (
    broadcast_strides,
    fitting_strides,
    pointwise,
)
from compiler.conversion.ge_to_davinci.powers import power
from compiler.soc import Soc
from dialects.davinci import KernelOp

Values: TypeAlias = "Mapping[str, Operand]"
"""The inputs by port, a number where a constant has one element."""

Expression: TypeAlias = "Callable[[Operator, Values], Value]"

ARITHMETIC = {
    "Add": "add",
    "Sub": "sub",
    "Mul": "mul",
    "Div": "div",
    "RealDiv": "div",
    "Maximum": "max",
    "Minimum": "min",
}
COMPARISONS = {
    "Equal": "eq",
    "NotEqual": "ne",
    "Less": "lt",
    "LessEqual": "le",
    "Greater": "gt",
    "GreaterEqual": "ge",
}
MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def _function(function: Callable[[Value], Value]) -> Expression:
    return lambda operator, values: _unary(function, values)


def _with_attributes(function: Callable[[Operator, Value], Value]) -> Expression:
    return lambda operator, values: _unary(lambda x: function(operator, x), values)


def _unary(function: Callable[[Value], Value], values: Values) -> Value:
    (x,) = values.values()
    assert isinstance(x, Value)
    if x.element in (i16, i32):
        own = function(x)
        if own.family in ("unary", "scalar") and own.args == (x,) and own.kind in ("relu", "muls"):
            return own
    return computed(function, x)


def _arithmetic(kind: str) -> Expression:
    def expression(operator: Operator, values: Values) -> Value:
        left, right = values.values()
        if isinstance(left, Value) and not isinstance(right, Value):
            return _with_number(kind, left, right)
        if isinstance(right, Value) and not isinstance(left, Value):
            if kind in ("sub", "div"):
                return computed(lambda x: binary(kind, constant(left, x.element), x), right)
            return _with_number(kind, right, left)
        assert isinstance(left, Value) and isinstance(right, Value)
        if left.element in (i8, UI8) and kind in ("max", "min"):
            return cast(binary(kind, cast(left, f16), cast(right, f16)), left.element)
        if left.element in (i16, i32) and kind != "div":
            return binary(kind, left, right)
        return computed(lambda x, y: binary(kind, x, y), left, right)

    return expression


def _with_number(kind: str, x: Value, number: float) -> Value:
    """x kind number; of floats a quotient is a product where that gives the same."""
    if kind == "div" and frexp(number)[0] in (0.5, -0.5):
        kind, number = "mul", 1 / number
    if kind == "div":
        return computed(lambda x: x / constant(number, x.element), x)
    if kind == "sub":
        kind, number = "add", -number
    if x.element in (i16, i32):
        return scalar(f"{kind}s", x, number)
    return computed(lambda x: scalar(f"{kind}s", x, number), x)


def _comparison(kind: str) -> Expression:
    def expression(operator: Operator, values: Values) -> Value:
        left, right = values.values()
        if isinstance(left, Value):
            return truth(comparison(kind, left, right))
        assert isinstance(right, Value)
        return truth(comparison(MIRRORED.get(kind, kind), right, left))

    return expression


def _logical(kind: str) -> Expression:
    """Of 0 and 1 the minimum is and, the maximum is or."""

    def expression(operator: Operator, values: Values) -> Value:
        left, right = (cast(_tensor(value), f16) for value in values.values())
        return cast(binary(kind, left, right), i1)

    return expression


def _tensor(value: Operand) -> Value:
    assert isinstance(value, Value)
    return value


def _not(operator: Operator, values: Values) -> Value:
    (x,) = values.values()
    return cast(cast(_tensor(x), f16) * -1.0 + 1.0, i1)


def _is_nan(operator: Operator, values: Values) -> Value:
    x = comparable(_tensor(values["x"]))
    return truth(compare("ne", x, x))


def _is_inf(operator: Operator, values: Values) -> Value:
    x = comparable(_tensor(values["x"]))
    positive, negative = (operator.int(f"detect_{s}", 1) for s in ("positive", "negative"))
    if not positive and not negative:
        return truth(compare("lt", x, -inf))
    if positive and negative:
        x = unary("abs", x)
    return truth(compare("eq", x, inf if positive else -inf))


def _select(operator: Operator, values: Values) -> Value:
    condition, chosen, other = (values[port] for port in ("condition", "then", "else"))
    mask = comparison("ne", _tensor(condition), 0.0)
    if not isinstance(chosen, Value) and not isinstance(other, Value):
        return cast(where(mask, chosen, other), operator.outputs[0].element)
    narrow = operator.outputs[0].element in (i1, i8, UI8)
    parts = [cast(v, f16) if isinstance(v, Value) and narrow else v for v in (chosen, other)]
    return cast(where(mask, *parts), operator.outputs[0].element)


def _clip(operator: Operator, values: Values) -> Value:
    x, low, high = (values[port] for port in ("x", "clip_value_min", "clip_value_max"))
    bounds = [value for value in (low, high) if isinstance(value, Value)]

    def function(x: Value, *tensors: Value) -> Value:
        rest = list(tensors)
        below = maximum(x, rest.pop(0) if isinstance(low, Value) else low)
        return minimum(below, rest.pop(0) if isinstance(high, Value) else high)

    x = _tensor(x)
    return (
        function(x, *bounds)
        if x.element in (f16, f32, i16, i32)
        else computed(function, x, *bounds)
    )


def _prelu(operator: Operator, values: Values) -> Value:
    def function(x: Value, weight: Value) -> Value:
        return maximum(x, 0.0) + minimum(x, 0.0) * weight

    return computed(function, _tensor(values["x"]), _tensor(values["weight"]))


def _cast(operator: Operator, values: Values) -> Value:
    (x,) = values.values()
    return converted(_tensor(x), operator.outputs[0].element)


def _accumulate(operator: Operator, values: Values) -> Value:
    def function(first: Value, *rest: Value) -> Value:
        for value in rest:
            first = first + value
        return first

    return computed(function, *map(_tensor, values.values()))


def _squared_difference(operator: Operator, values: Values) -> Value:
    def function(x: Value, y: Value) -> Value:
        return (x - y) * (x - y)

    return computed(function, *map(_tensor, values.values()))


def _pow(operator: Operator, values: Values) -> Value:
    base, exponent = values.values()
    if isinstance(exponent, Value):
        return computed(power, _tensor(base), exponent)
    return computed(lambda x: power(x, exponent), _tensor(base))


EXPRESSIONS: dict[str, Expression] = {
    **{name: _function(function) for name, function in PLAIN.items()},
    **{name: _with_attributes(function) for name, function in WITH_ATTRIBUTES.items()},
    **{name: _arithmetic(kind) for name, kind in ARITHMETIC.items()},
    **{name: _comparison(kind) for name, kind in COMPARISONS.items()},
    "AccumulateNV2": _accumulate,
    "Cast": _cast,
    "ClipByValue": _clip,
    "IsInf": _is_inf,
    "IsNan": _is_nan,
    "LogicalAnd": _logical("min"),
    "LogicalNot": _not,
    "LogicalOr": _logical("max"),
    "PRelu": _prelu,
    "Pow": _pow,
    "SelectV2": _select,
    "SquaredDifference": _squared_difference,
}


def build_elementwise(operator: Operator, soc: Soc) -> KernelOp:
    """A kernel of the operator's expression, its inputs broadcast as in NumPy.

    Of several operators each is an expression of those before it, in their own types.
    """
    shape = operator.outputs[0].shape
    operands: list[tuple[str, tuple[int, ...]]] = []
    inputs: dict[int, Value] = {}

    def value(place: int) -> Value:
        if place < 0:
            return made[-1 - place]
        if place not in inputs:
            port, tensor = operator.inputs[place]
            inputs[place] = Value("input", tensor.element, number=len(operands))
            operands.append((port, fitting_strides(tensor.shape, shape)))
        return inputs[place]

    made: list[Value] = []
    for part in operator.parts or (Part(operator, tuple(range(len(operator.inputs)))),):
        made.append(expression_of(part, value))
    if not operands:
        raise UnsupportedError("all inputs are constant")
    return pointwise(operator, soc, operands, made[-1])


def expression_of(part: Part, value: Callable[[int], Value]) -> Value:
    """The expression of an operator, given the value at each of its sources."""
    own = part.operator
    values: dict[str, Operand] = {}
    for (port, _), place in zip(own.inputs, part.sources, strict=True):
        number = own.number(port)
        is_immediate = number is not None and len(own.inputs) > 1
        values[port] = number if is_immediate and number is not None else value(place)
    if not any(isinstance(found, Value) for found in values.values()):
        raise UnsupportedError("all inputs are constant")
    return EXPRESSIONS[own.type](own, values)


def build_assign(operator: Operator, soc: Soc) -> KernelOp:
    """Assign: a copy of the value."""
    shape = operator.outputs[0].shape
    value = Value("input", operator.at("value").element)
    return pointwise(operator, soc, [("value", broadcast_strides(shape, shape))], value)
