"""What a kernel is told about the node it computes: name, type, attributes, tensor descriptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from runtime.packing import BITS, packed_bytes

Array = npt.NDArray[Any]


class OperatorError(Exception):
    """A node that cannot be computed: the message names the node and says why."""


@dataclass(frozen=True, slots=True)
class TensorDesc:
    """Element type, dims (-1: unknown, a single -2: unknown rank) and format of a tensor."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    format: str = "ND"

    @property
    def is_static(self) -> bool:
        """Whether every dim is known."""
        return all(dim >= 0 for dim in self.shape)

    @property
    def size(self) -> int:
        """Bytes of the tensor; 0 when its shape is not known."""
        return packed_bytes(self.dtype, prod(self.shape)) if self.is_static else 0

    @property
    def is_packed(self) -> bool:
        """Whether memory holds several elements in a byte."""
        return self.dtype in BITS


@dataclass(frozen=True, slots=True)
class Member:
    """A node that another one stands for.

    `sources` are what its ports read: from 0 on the inputs of the owner by place, below 0 the first
    results of the members before it, −1 that of the first.
    """

    node: Node
    sources: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One GraphEngine node. Attributes are plain Python values under GraphEngine's names.

    Where several were fused into it, `members` are those in order; the last one makes its result.
    """

    name: str
    type: str
    attributes: Mapping[str, object] = field(default_factory=dict[str, object])
    inputs: tuple[TensorDesc, ...] = ()
    outputs: tuple[TensorDesc, ...] = ()
    members: tuple[Member, ...] = ()
    known: dict[object, object] = field(
        default_factory=dict[object, object], compare=False, repr=False
    )
    """What a kernel has worked out and may use again."""

    def error(self, message: str) -> OperatorError:
        """An error about this node."""
        return OperatorError(f"node '{self.name}' ({self.type}): {message}")

    def integer(self, name: str, default: int | None = None) -> int:
        """An Int attribute; without a default a missing one is an error."""
        return self._get(name, default, (int,), "an integer")

    def number(self, name: str, default: float | None = None) -> float:
        """A Float attribute; an integer will do."""
        return float(self._get(name, default, (float, int), "a number"))

    def flag(self, name: str, default: bool) -> bool:
        """A Bool attribute; 0 and 1 will do."""
        return bool(self._get(name, default, (bool, int), "a bool"))

    def text(self, name: str, default: str | None = None) -> str:
        """A String attribute."""
        return self._get(name, default, (str,), "a string")

    def integers(self, name: str, default: Sequence[int] | None = None) -> list[int]:
        """A ListInt attribute; a single integer counts as a list of one."""
        value = self.attributes.get(name, default)
        if isinstance(value, int):
            return [value]
        items = list(cast("Sequence[object]", value) if isinstance(value, list | tuple) else ())
        integers = [item for item in items if isinstance(item, int)]
        if len(integers) != len(items) or not isinstance(value, list | tuple):
            raise self._wrong(name, cast(object, value), "a list of integers")
        return integers

    def numbers(self, name: str, default: Sequence[float] | None = None) -> list[float]:
        """A ListFloat attribute; integers will do."""
        value = self.attributes.get(name, default)
        items = list(cast("Sequence[object]", value) if isinstance(value, list | tuple) else ())
        numbers = [float(item) for item in items if isinstance(item, int | float)]
        if len(numbers) != len(items) or not isinstance(value, list | tuple):
            raise self._wrong(name, cast(object, value), "a list of numbers")
        return numbers

    def _get(self, name: str, default: Any, kinds: tuple[type, ...], wanted: str) -> Any:
        value = self.attributes.get(name, default)
        if not isinstance(value, kinds):
            raise self._wrong(name, value, wanted)
        return value

    def _wrong(self, name: str, value: object, wanted: str) -> OperatorError:
        if value is None:
            return self.error(f"attribute '{name}' is missing; it must be {wanted}")
        return self.error(f"attribute '{name}' must be {wanted}, not {value!r}")

    def result_dtype(self, default: np.dtype[Any], index: int = 0) -> np.dtype[Any]:
        """The element type the model declares for an output; the default if it declares none."""
        return self.outputs[index].dtype if index < len(self.outputs) else default


Inputs = Mapping[str, Array]
Kernel = Callable[[Node, Inputs], Sequence[Array]]
KernelTable = Mapping[str, Kernel]


def listed(array: Array) -> list[int]:
    """A shape-like input as a list of integers."""
    return [int(value) for value in array.reshape(-1).tolist()]


def number_at(inputs: Inputs, port: str, default: float) -> float:
    """The first element at a port; the default where it is left open or empty."""
    return float(inputs[port].reshape(-1)[0]) if port in inputs and inputs[port].size else default
