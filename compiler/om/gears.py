"""The sizes that a model was compiled for: GraphEngine's gears, one of which a run is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from compiler.om.inout import InOutInfo

SELECTOR = "ascend_mbatch_shape_data"
"""The input that says which gear a run is in."""

Kind = Literal["batch", "image", "dims"]
KINDS: tuple[Kind, ...] = ("batch", "image", "dims")
"""In the order of GraphEngine's `mbatch_dynamic_type`, which counts from 1."""

Gear = tuple[int, ...]
Dims = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gears:
    """The gears of a model; `order` names its inputs as the user gave their shapes."""

    kind: Kind
    rows: tuple[Gear, ...]
    order: tuple[str, ...] = ()

    @property
    def largest(self) -> Gear:
        """The gear of most elements, which is that of a run that names none."""
        return max(self.rows, key=prod)

    def filled(self, gear: Gear, inputs: Mapping[str, Dims]) -> dict[str, Dims]:
        """The inputs by name with the gear's sizes where their dims are -1.

        An input with as many open dims as a gear has sizes takes them all; else inputs take them
        one after the other (`multi_batch_options.cc`).
        """
        found = dict(inputs)
        place = 0
        told = [name for name in self.order if name in inputs]
        for name in (*told, *(name for name in inputs if name not in told)):
            dims = inputs[name]
            count = dims.count(-1)
            sizes = list(gear if len(gear) == count else gear[place : place + count])
            place += count
            found[name] = tuple(sizes.pop(0) if dim == -1 and sizes else dim for dim in dims)
        return found


def gears_of(info: InOutInfo) -> Gears | None:
    """The gears that a file's summary of inputs and outputs names."""
    batches = tuple((batch,) for batch in info.dynamic_batch)
    for kind, rows in zip(KINDS, (batches, info.dynamic_hw, info.dynamic_dims), strict=True):
        if rows:
            return Gears(kind, tuple(map(tuple, rows)), info.data_order)
    return None


def output_shapes(told: Sequence[str], gear: int) -> dict[int, Dims]:
    """The shapes of the outputs in a gear: entries `<gear or -1>,<output>,<dims…>`."""
    found: dict[int, Dims] = {}
    for entry in told:
        numbers = [int(number) for number in entry.split(",") if _is_number(number)]
        if len(numbers) < 2:
            continue  # in a file of somebody else's there may be anything
        branch, output, *dims = numbers
        if branch in (gear, -1):
            found[output] = tuple(dims)
    return found


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) < 19
