"""What a kernel builder sees of a GraphEngine node: types, attributes, constant inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from math import prod
from typing import TYPE_CHECKING, TypeVar

from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    FloatAttr,
    IntegerAttr,
    StringAttr,
)
from xdsl.ir import Attribute, SSAValue

from compiler.constants import constant_numbers, constant_values
from compiler.kernels.engines import UnsupportedError
from compiler.soc import Soc
from dialects.davinci.attributes import Space
from dialects.davinci.types import Buffer, buffer_type, ints, is_held
from dialects.ge import FusedOp, NodeOp, type_of
from dialects.types import ELEMENT_TYPES, RankedTensor, is_static, shape_of, tensor_of, tensor_type

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Tile = TypeVar("Tile", bound=DataclassInstance)

KERNEL_NAMES = "ascend-opt kernel 2"
"""Counts up when kernels of one name would no longer be equal: builders or this text changed."""

_CUBE_ELEMENTS = ("f16", "f32", "i8")

IMMEDIATES = frozenset(
    {
        "Add",
        "Sub",
        "Mul",
        "Div",
        "RealDiv",
        "Maximum",
        "Minimum",
        "Pow",
        "ClipByValue",
        "SelectV2",
        "Equal",
        "NotEqual",
        "Less",
        "LessEqual",
        "Greater",
        "GreaterEqual",
        "Pad",
        "PadV2",
        "PadV3",
    }
)
"""Operator types whose kernels take a constant of one element as a number."""


@dataclass(frozen=True)
class Tensor:
    """The static type of an input or output."""

    shape: tuple[int, ...]
    element: Attribute

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def text(self) -> str:
        """The type as MLIR writes it."""
        return "x".join([*map(str, self.shape), str(self.element)])

    @property
    def type(self) -> RankedTensor:
        """The tensor type."""
        return tensor_type(self.shape, self.element)

    @property
    def buffer(self) -> Buffer:
        """The type of the tensor's buffer in global memory."""
        return buffer_type(self.shape, self.element, Space.GM)


@dataclass(frozen=True)
class Operator:
    """A node apart from its graph: equal operators share a kernel."""

    type: str
    inputs: tuple[tuple[str, Tensor], ...]
    outputs: tuple[Tensor, ...]
    attributes: tuple[tuple[str, Attribute], ...]
    constants: tuple[tuple[str, tuple[int, ...]], ...]
    numbers: tuple[tuple[str, float], ...] = ()
    """Inputs of a single known element, where instructions could have it as their immediate."""
    tiles: tuple[tuple[str, int], ...] = ()
    """Tile sizes that were chosen; none where the builder chooses."""
    parts: tuple[Part, ...] = ()
    """What a fused node stands for, in order; it has the type and attributes of the first part."""

    @classmethod
    def of(cls, node: NodeOp) -> Operator:
        """The operator a node applies; UnsupportedError where a shape is not static."""
        if not all(is_static(value.type) for value in (*node.operands, *node.results)):
            raise UnsupportedError("a shape is known at run time only")
        if any(0 in shape_of(value) for value in (*node.operands, *node.results)):
            raise UnsupportedError("a tensor has no elements")
        for value in (*node.operands, *node.results):
            if not is_held(tensor_of(value).element_type):
                element = tensor_of(value).element_type
                raise UnsupportedError(f"the AI Core holds no elements of {element}")
        if isinstance(node, FusedOp):
            return _fused(node)
        return cls.reading(node, tuple(node.operands))

    @classmethod
    def reading(cls, node: NodeOp, operands: Sequence[SSAValue]) -> Operator:
        """The operator of a node that reads those values."""
        attributes = [pair for pair in sorted(node.attributes.items()) if pair[0][0] != "_"]
        inputs = list(zip(node.port_names, operands, strict=True))
        return cls(
            type_of(node),
            tuple((port, _tensor(value)) for port, value in inputs),
            tuple(_tensor(value) for value in node.results),
            tuple(attributes),
            tuple((port, c) for port, value in inputs if (c := constant_values(value))),
            tuple(_numbers(inputs)) if type_of(node) in IMMEDIATES else (),
        )

    @property
    def relu(self) -> bool:
        """Whether all that is done to the result is Relu."""
        return [part.operator.type for part in self.parts[1:]] == ["Relu"]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The inputs, then the outputs."""
        return (*(tensor for _, tensor in self.inputs), *self.outputs)

    def tile(self, kind: type[Tile]) -> Tile | None:
        """The tile that was chosen, as its planner has it; UnsupportedError where it is another."""
        if not self.tiles:
            return None
        wanted = [field.name for field in fields(kind)]
        if sorted(wanted) != sorted(name for name, _ in self.tiles):
            raise UnsupportedError(f"tile sizes of {self.type} are {', '.join(wanted)}")
        return kind(**dict(self.tiles))

    def input(self, port: str) -> Tensor | None:
        """The tensor at an input port."""
        return dict(self.inputs).get(port)

    def at(self, port: str) -> Tensor:
        """The tensor at an input port; UnsupportedError when nothing is connected."""
        tensor = self.input(port)
        if tensor is None:
            raise UnsupportedError(f"input '{port}' is not connected")
        return tensor

    def number(self, port: str) -> float | None:
        """The one element of a constant input; None when it is no such."""
        return dict(self.numbers).get(port)

    def index(self, port: str) -> int:
        """The place of an input among the kernel's arguments."""
        return [name for name, _ in self.inputs].index(port)

    def constant(self, port: str) -> tuple[int, ...]:
        """The integers of a constant input; UnsupportedError when it is not constant."""
        value = dict(self.constants).get(port)
        if value is None:
            raise UnsupportedError(f"input '{port}' is known at run time only")
        return value

    def attribute(self, name: str) -> Attribute | None:
        """An attribute as the node has it."""
        return dict(self.attributes).get(name)

    def ints(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """A ListInt attribute."""
        value = self.attribute(name)
        return default if value is None else ints(value)

    def int(self, name: str, default: int) -> int:
        """An Int or Bool attribute."""
        value = self.attribute(name)
        return value.value.data if isinstance(value, IntegerAttr) else default

    def float(self, name: str, default: float) -> float:
        """A Float attribute."""
        value = self.attribute(name)
        return value.value.data if isinstance(value, FloatAttr) else default

    def text(self, name: str, default: str) -> str:
        """A Str attribute."""
        value = self.attribute(name)
        return value.data if isinstance(value, StringAttr) else default

    def float_element(self, tensor: Tensor) -> Attribute:
        """The tensor's element type; UnsupportedError unless the cores compute with it."""
        if not isinstance(tensor.element, Float16Type | Float32Type):
            raise UnsupportedError(f"kernels compute with f16 and f32, not {tensor.element}")
        return tensor.element

    def cube_element(self, tensor: Tensor, soc: Soc) -> Attribute:
        """The tensor's element type; UnsupportedError unless the cube multiplies it."""
        known = (*_CUBE_ELEMENTS, "bf16") if soc.split_cores else _CUBE_ELEMENTS
        if tensor.element not in [ELEMENT_TYPES[name] for name in known]:
            names = ", ".join(known)
            raise UnsupportedError(f"the cube of {soc.name} takes {names}, not {tensor.element}")
        return tensor.element

    def wide_element(self, tensor: Tensor) -> Attribute:
        """The tensor's element type; UnsupportedError unless a kernel can compute it in f32."""
        if isinstance(tensor.element, BFloat16Type):
            return tensor.element
        return self.float_element(tensor)

    def kernel_name(self, soc: str) -> str:
        """A name that is the same for equal operators, in GraphEngine's manner."""
        digest = hashlib.sha256(self.identity(soc).encode()).hexdigest()
        return f"te_{self.type.lower()}_{digest[:32]}__kernel0"

    def identity(self, soc: str) -> str:
        """All that a kernel depends on, as MLIR prints it: names are the same in every release."""
        attributes = dict(self.attributes)
        parts = [
            KERNEL_NAMES,
            f"{self.type} on {soc}",
            *(f"input {port}: {tensor.text}" for port, tensor in self.inputs),
            *(f"output: {tensor.text}" for tensor in self.outputs),
            *(f"{name} = {attributes[name]}" for name in sorted(attributes)),
            *(f"{port} is {list(numbers)}" for port, numbers in self.constants),
            *(f"{port} is {number!r}" for port, number in self.numbers),
            *(f"part {p.sources}: {p.operator.identity(soc)}" for p in self.parts),
        ]
        return "\n".join(parts)


@dataclass(frozen=True)
class Part:
    """An operator of a fused node.

    `sources` are its inputs: from 0 on those of the node, −1 and below results of parts before it.
    """

    operator: Operator
    sources: tuple[int, ...]


def _fused(node: FusedOp) -> Operator:
    """The operator of a fused node, whose parts see the constants that it reads."""
    data: list[SSAValue] = [input.results[0] for input in node.graph.inputs]
    outside = dict(zip(data, node.operands, strict=True))
    places = {value: place for place, value in enumerate(data)}
    parts: list[Part] = []
    for part in node.parts:
        operator = Operator.reading(part, [outside.get(value, value) for value in part.operands])
        parts.append(Part(operator, tuple(places[value] for value in part.operands)))
        places[part.results[0]] = -len(parts)
    tensors = tuple((port, _tensor(value)) for port, value in node.named_inputs.items())
    outputs = tuple(_tensor(value) for value in node.results)
    first = parts[0].operator
    return Operator(
        first.type,
        tensors,
        outputs,
        first.attributes,
        first.constants,
        first.numbers,
        parts=tuple(parts),
    )


def _numbers(inputs: Sequence[tuple[str, SSAValue]]) -> Iterator[tuple[str, float]]:
    for port, value in inputs:
        found = constant_numbers(value) if prod(shape_of(value)) == 1 else None
        if found and not (isinstance(found[0], int) and int(float(found[0])) != found[0]):
            yield port, float(found[0])


def _tensor(value: SSAValue) -> Tensor:
    type = tensor_of(value)
    return Tensor(type.get_shape(), type.element_type)
