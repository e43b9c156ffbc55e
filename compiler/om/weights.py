"""Where each constant lies in WEIGHTS_DATA, and the partition's bytes streamed in that layout."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from compiler.om.buffers import Blob, Joined, Zeros

START = 512  # the bytes before the first constant stay zero
ALIGNMENT = 512
PADDING = 32  # behind the last constant; GraphEngine's default for every SoC


class Constant(NamedTuple):
    """A constant's unpadded byte length, and what tells equal contents of that length."""

    length: int
    digest: bytes


class WeightPlan(NamedTuple):
    """The offset of each constant, and the size of the whole partition, in bytes."""

    offsets: tuple[int, ...]
    total: int


def plan_weights(constants: Iterable[Constant]) -> WeightPlan:
    """Lays constants out in the given order (a graph's), equal ones at the same place.

    Source: GraphEngine's `model_builder.cc` (SetInputOutputDesc, AlignWeightOffset).
    """
    placed: dict[Constant, int] = {}
    end = START
    offsets: list[int] = []
    for constant in constants:
        if constant not in placed:
            placed[constant] = end
            end = _align(end + constant.length)
        offsets.append(placed[constant])
    return WeightPlan(tuple(offsets), _align(end + PADDING))


def place_weights(plan: WeightPlan, constants: Sequence[Blob]) -> Blob:
    """The partition of `plan`: the constants at their offsets and zeros between them."""
    # One without bytes takes no room, so it may have its successor's offset.
    placed = zip(plan.offsets, constants, strict=True)
    at = {offset: constant for offset, constant in placed if constant.length}
    parts: list[Blob] = []
    end = 0
    for offset in sorted(at):
        parts += [Zeros(offset - end), at[offset]]
        end = offset + at[offset].length
    return Joined([*parts, Zeros(plan.total - end)])


def _align(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
