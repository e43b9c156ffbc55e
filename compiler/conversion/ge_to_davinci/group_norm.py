"""Kernels of InstanceNorm and GroupNorm: statistics over the points of channels of NCHW, in f32."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from xdsl.dialects.builtin import f32

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.index import Index, delinearize
from compiler.conversion.ge_to_davinci.moments import (
    LongRow,
    along_rows,
    inverse_root,
    tile_moments,
)
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.planning.tiling_vector import RESERVED, pitch, vector_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import element_bytes


def build_group_norm(operator: Operator, soc: Soc) -> KernelOp:
    """(x − mean) / √(variance + ε) · gamma + beta, gamma and beta of the channel."""
    x = operator.at("x")
    if len(operator.outputs) > 1 or len(x.shape) < 3:
        raise UnsupportedError("only the first result, of images of channels")
    for tensor in (*(tensor for _, tensor in operator.inputs), *operator.outputs):
        operator.wide_element(tensor)
    images, channels, *points = x.shape
    groups = operator.int("num_groups", 1) if operator.type != "InstanceNorm" else channels
    if channels % groups or operator.text("data_format", "NCHW") != "NCHW":
        raise UnsupportedError("groups of as many channels each, in the order NCHW")
    if any(operator.at(port).shape != (channels,) for port in ("gamma", "beta")):
        raise UnsupportedError("gamma and beta are vectors of the channels")
    name = "epsilon" if operator.type == "InstanceNorm" else "eps"
    epsilon = operator.float(name, 1e-6 if operator.type == "InstanceNorm" else 1e-5)
    b = VectorBuilder(operator, "AIV", soc)
    _GroupNorm(b, operator, images, groups, channels // groups, prod(points), epsilon).build()
    return b.kernel


@dataclass(frozen=True)
class _GroupNorm:
    """`images` × `groups` of `each` channels of `points`."""

    b: VectorBuilder
    operator: Operator
    images: int
    groups: int
    each: int
    points: int
    epsilon: float

    @property
    def _bytes(self) -> int:
        """What an element takes in UB: two slots in and out, two copies in f32."""
        moved = (self.operator.at("x"), self.operator.outputs[0])
        return sum(2 * element_bytes(tensor.element) for tensor in moved) + 8

    def build(self) -> None:
        """Channels one by one, a group in a tile, or a group chunk by chunk."""
        row = pitch(self.points, 2) * self._bytes + 512
        if self.each * row > self.b.soc.ub - RESERVED:
            self._long_groups()
        elif self.each == 1:
            self._channels()
        else:
            with self.b.tiles(self.images * self.groups) as number:
                _, group = delinearize(number, [self.images, self.groups])
                self._tile(self.each, self.each, number * self.each, group * self.each, whole=True)

    def _channels(self) -> None:
        b = self.b
        tiling = vector_tile(
            self.images,
            self.groups,
            self.points,
            element_bytes=2,
            bytes_per_element=self._bytes,
            bytes_per_row=512,
            ub=b.soc.ub,
            cores=b.cores,
            split_columns=False,
        )
        counts = [self.images, tiling.row_tiles]
        with b.tiles(prod(counts)) as number:
            image, down = delinearize(number, counts)
            first = down * tiling.rows
            count = b.minimum(self.groups - first, tiling.rows)
            self._tile(tiling.rows, count, image * self.groups + first, first, whole=False)

    def _tile(self, rows: int, count: Number, row: Index, channel: Index, *, whole: bool) -> None:
        """Rows of x from `row` on, whose parameters begin at `channel`."""
        b, x = self.b, self.operator.at("x")
        shape, sizes, start = (rows, self.points), (count, self.points), row * self.points
        tile = b.tile(shape, x.element, "x", sizes=sizes)
        b.load(tile, b.arguments[self.operator.index("x")], start, [self.points, 1])
        work = b.tile(shape, f32, "work", sizes=sizes)
        b.cast(work, tile) if x.element != f32 else b.unary("copy", work, tile)
        elements = self.points * (self.each if whole else 1)
        moments = tile_moments(b, work, elements, centred=True, whole=whole)
        inverse = inverse_root(b, moments.square, self.epsilon)
        if whole:
            inverse = replace(b.column(inverse, 1, "inverse_block"), sizes=(count,), strides=(0,))
        factor, shift = (self._parameter(port, rows, count, channel) for port in ("gamma", "beta"))
        b.binary("mul", factor, factor, inverse)
        b.binary("mul", work, work, along_rows(b, factor, work))
        b.binary("add", work, work, along_rows(b, shift, work))
        self._store(work, shape, start, [self.points, 1])

    def _parameter(self, port: str, rows: int, count: Number, channel: Number) -> Tile:
        """gamma or beta of some channels in f32, in a tile of its own."""
        b, element = self.b, self.operator.at(port).element
        tile = b.tile((rows,), element, port, sizes=(count,))
        b.load(tile, b.arguments[self.operator.index(port)], channel, [1])
        wide = b.tile((rows,), f32, f"{port}_f32", sizes=(count,))
        b.cast(wide, tile) if element != f32 else b.unary("copy", wide, tile)
        return wide

    def _store(self, work: Tile, shape: tuple[int, ...], start: Number, strides: list[int]) -> None:
        b, element = self.b, self.operator.outputs[0].element
        y = b.tile(shape, element, "y", sizes=work.sizes)
        b.cast(y, work) if element != f32 else b.unary("copy", y, work)
        b.store(b.arguments[len(self.operator.inputs)], start, strides, y)

    def _long_groups(self) -> None:
        """A group for a core: its moments, then its channels chunk by chunk."""
        b, element = self.b, self.operator.at("x").element
        chunk = (b.soc.ub - 4 * RESERVED) // (2 * self._bytes + 16) // 128 * 128
        source = b.arguments[self.operator.index("x")]
        group = LongRow(b, source, element, self.each * self.points, chunk)
        channel = replace(group, length=self.points, chunk=min(chunk, self.points))
        with b.tiles(self.images * self.groups) as number:
            start = number * group.length
            moments = group.moments(start, centred=True)
            assert moments.mean is not None
            inverse = inverse_root(b, moments.square, self.epsilon)
            _, place = delinearize(number, [self.images, self.groups])
            with b.loop(0, self.each, name="channel") as k:
                at = place * self.each + k
                factor, shift = (self._parameter(port, 1, 1, at) for port in ("gamma", "beta"))
                self._affine(factor, shift, inverse, moments.mean)
                self._channel(channel, start + k * self.points, factor, shift)

    def _affine(self, factor: Tile, shift: Tile, inverse: Tile, mean: Tile) -> None:
        """From gamma and beta to what x is multiplied by, and what is added then."""
        b = self.b
        b.binary("mul", factor, factor, inverse)
        product = b.tile((1,), f32, "product")
        b.binary("mul", product, mean, factor)
        b.binary("sub", shift, shift, product)

    def _channel(self, channel: LongRow, start: Index, factor: Tile, shift: Tile) -> None:
        b = self.b
        blocks = [b.column(tile, 1, f"{tile.name}_block") for tile in (factor, shift)]
        with b.loop(0, channel.length, channel.chunk, name="at") as at:
            work = channel.load(start, at, "again")
            times, plus = (replace(block, sizes=work.sizes, strides=(0,)) for block in blocks)
            b.binary("mul", work, work, times)
            b.binary("add", work, work, plus)
            self._store(work, (channel.chunk,), start + at, [1])
