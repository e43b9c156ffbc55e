"""Kernels of Pad: rows are padded in UB, what lies outside of all rows is filled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.copies import Copy, Copying, Rows, View, copy_in_turn
from compiler.conversion.ge_to_davinci.data_movement import row_major
from compiler.conversion.ge_to_davinci.expression import constant
from compiler.conversion.ge_to_davinci.index import Index
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import VectorBuilder
from compiler.planning.tiling_vector import RESERVED, box_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import BLOCK_BYTES


class Axis(NamedTuple):
    """A dimension of the input, the first element kept of it and how many, and its padding."""

    size: int
    first: int
    kept: int
    before: int
    behind: int

    @property
    def padded(self) -> int:
        """The size of the output's dimension."""
        return self.before + self.kept + self.behind


def build_pad(operator: Operator, soc: Soc) -> KernelOp:
    """Pad with a constant; negative padding leaves elements out."""
    if operator.text("mode", "constant").lower() != "constant":
        raise UnsupportedError("only padding with a constant")
    value = 0.0
    if operator.input("constant_values") is not None:
        known = operator.number("constant_values")
        if known is None:
            raise UnsupportedError("input 'constant_values' is known at run time only")
        value = known
    constant(value, operator.at("x").element)
    b = VectorBuilder(operator, "AIV", soc)
    axes = _merged(_axes(operator))
    shape = [axis.padded for axis in axes]
    target = View(b.arguments[len(operator.inputs)], row_major(shape))
    regions = list(_borders(axes))
    room = (soc.ub - RESERVED) // (len(regions) + 1)
    parts: list[Copying] = [_inside(b, axes, target, value, room)]
    last = len(axes) - 1
    for axis, sizes, offset in regions:
        if axis < last or not isinstance(parts[0], _PaddedRows):
            place = replace(target, offset=offset)
            parts.append(_Fill(b, Copy.of(sizes, place, place), room, value))
    copy_in_turn(b, parts)
    return b.kernel


def _axes(operator: Operator) -> list[Axis]:
    x, flat = operator.at("x"), operator.constant("paddings")
    half = len(flat) // 2
    pairs = list(zip(flat[:half], flat[half:], strict=True))
    if operator.int("paddings_contiguous", 1):
        pairs = list(zip(flat[0::2], flat[1::2], strict=True))
    widths = [(0, 0)] * len(x.shape)
    for axis, pair in zip(operator.ints("axes", tuple(range(len(pairs)))), pairs, strict=True):
        widths[axis] = pair
    axes: list[Axis] = []
    for size, (before, behind) in zip(x.shape, widths, strict=True):
        first = max(-before, 0)
        kept = size - first - max(-behind, 0)
        axes.append(Axis(size, first, kept, max(before, 0), max(behind, 0)))
    if any(axis.kept <= 0 for axis in axes):
        raise UnsupportedError("nothing is left of an axis")
    return axes


def _merged(axes: Sequence[Axis]) -> list[Axis]:
    """Axes that stay as they are become parts of those before them."""
    merged = [Axis(1, 0, 1, 0, 0)]
    for axis in axes:
        if axis.kept == axis.padded == axis.size:
            merged[-1] = Axis(*(number * axis.size for number in merged[-1]))
        else:
            merged.append(axis)
    return merged


def _borders(axes: Sequence[Axis]) -> Iterator[tuple[int, list[int], int]]:
    """The parts of the output outside of the input: the axis, the sizes, and where they begin."""
    strides = row_major([axis.padded for axis in axes])
    for i, axis in enumerate(axes):
        inner = [other.padded for other in axes[i + 1 :]]
        start = sum(a.before * stride for a, stride in zip(axes[:i], strides, strict=False))
        for at, width in ((0, axis.before), (axis.before + axis.kept, axis.behind)):
            if width:
                outer = [other.kept for other in axes[:i]]
                yield i, [*outer, width, *inner], start + at * strides[i]


def _inside(
    b: VectorBuilder, axes: Sequence[Axis], target: View, value: float, room: int
) -> Copying:
    """What comes from the input: whole rows of the output where they fit UB."""
    own = row_major([axis.size for axis in axes])
    kept = [axis.kept for axis in axes]
    source = View(b.arguments[0], own, sum(a.first * s for a, s in zip(axes, own, strict=True)))
    *outer, last = axes
    starts = sum(a.before * s for a, s in zip(outer, target.strides, strict=False))
    rows = Copy(tuple(kept), source, replace(target, offset=starts))
    padded = _PaddedRows(b, rows, room, value, last)
    if padded.fits:
        return padded
    inside = replace(target, offset=starts + last.before)
    return Rows(b, Copy.of(kept, source, inside), room)


@dataclass(frozen=True)
class _PaddedRows(Copying):
    """Rows of the input, put between their padding and stored as rows of the output."""

    value: float
    last: Axis

    @property
    def fits(self) -> bool:
        """Whether a tile holds a whole row."""
        return self._padded[-1] == self.last.padded

    @property
    def _padded(self) -> tuple[int, ...]:
        dims = (*self.copy.dims[:-1], self.last.padded)
        return box_tile(dims, self.copy.bytes, self.room // 2, self.b.cores)

    @property
    def tile(self) -> tuple[int, ...]:
        return (*self._padded[:-1], self.last.kept)

    def move(self, at: Sequence[Index], sizes: Sequence[Number]) -> None:
        b, copy, last = self.b, self.copy, self.last
        rank = min(len(sizes), 4)
        shape, outer = self._padded[-rank:], sizes[-rank:-1]
        x = b.tile(shape, copy.element, "x", sizes=(*outer, last.padded))
        b.duplicate(x, self.value)
        lanes = BLOCK_BYTES // copy.bytes
        first = last.before // lanes * lanes
        left = last.before - first
        right = -(left + last.kept) % lanes
        inner = x.window(first, (*outer, last.kept))
        source = b.access(
            copy.source.buffer, [self.offset(copy.source, at)], copy.source.strides[-rank:]
        )
        b.load_padded(inner, source, (left, right), self.value)
        strides = copy.target.strides[-rank:]
        b.store(copy.target.buffer, self.offset(copy.target, at), strides, x)


@dataclass(frozen=True)
class _Fill(Copying):
    """One number in a part of the output."""

    value: float

    @property
    def tile(self) -> tuple[int, ...]:
        return box_tile(self.copy.dims, self.copy.bytes, self.room // 2, self.b.cores)

    def move(self, at: Sequence[Index], sizes: Sequence[Number]) -> None:
        b, copy = self.b, self.copy
        rank = min(len(sizes), 4)
        x = b.tile(self.tile[-rank:], copy.element, "fill", sizes=sizes[-rank:])
        b.duplicate(x, self.value)
        strides = copy.target.strides[-rank:]
        b.store(copy.target.buffer, self.offset(copy.target, at), strides, x)
