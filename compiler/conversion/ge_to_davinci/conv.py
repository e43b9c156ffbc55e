"""Kernels of convolutions: products of img2col rows, made on the way to L0, with the filter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.cube import (
    Block,
    CubeBuilder,
    Operand,
    Packet,
    Products,
    Room,
    Rows,
    check_result,
)
from compiler.conversion.ge_to_davinci.index import Index
from compiler.conversion.ge_to_davinci.matrix import MatrixOperand, load_window
from compiler.conversion.ge_to_davinci.operator import Operator, Tensor, UnsupportedError
from compiler.planning.cube import (
    CubeProblem,
    FeatureMap,
    Filter,
    Matrix,
    Source,
    Tile,
    choose_tile,
)
from compiler.planning.placement import align
from compiler.soc import Soc
from dialects.davinci import KernelOp, LoadL0Img2ColOp
from dialects.davinci.attributes import Layout, Space
from dialects.davinci.types import c0_of, element_bytes


class Geometry(NamedTuple):
    """A convolution's numbers: images, channels of a group, sizes, and how the kernel moves."""

    images: int
    groups: int
    channels: int
    height: int
    width: int
    filters: int
    """Output channels of a group."""
    output: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[int, int, int, int]
    """Top, bottom, left, right."""

    @property
    def points(self) -> int:
        """The output points of an image."""
        return prod(self.output)

    @property
    def taps(self) -> int:
        """The kernel's points."""
        return prod(self.kernel)

    @property
    def reach(self) -> int:
        """The input rows an output row looks at, from the first to the last."""
        return (self.kernel[0] - 1) * self.dilation[0] + 1

    @property
    def pointwise(self) -> bool:
        """Whether an output point looks at the input point at its own place, and at no other."""
        return self.taps == 1 and self.stride == (1, 1) and not any(self.pads)


def build_conv(operator: Operator, soc: Soc) -> KernelOp:
    """Conv2D of NCHW tensors, with groups and an optional bias."""
    return _conv(operator, soc).build()


def conv_tile(operator: Operator, soc: Soc) -> Tile:
    """The tile that a convolution is best cut into."""
    return choose_tile(_conv(operator, soc).problem, soc)


def _conv(operator: Operator, soc: Soc) -> _Conv:
    x, w = operator.input("x"), operator.input("filter")
    if x is None or w is None or operator.input("offset_w"):
        raise UnsupportedError("takes an input, a filter and a bias")
    ranks = {len(tensor.shape) for tensor in (x, w, operator.outputs[0])}
    if operator.text("data_format", "NHWC") != "NCHW" or ranks != {4}:
        raise UnsupportedError("only four dimensions in the order NCHW")
    if operator.cube_element(x, soc) != w.element:
        raise UnsupportedError("input and filter of two element types")
    check_result(operator, x)
    return _Conv(operator, soc, _geometry(operator, x, w), x.element)


def _geometry(operator: Operator, x: Tensor, w: Tensor) -> Geometry:
    groups = operator.int("groups", 1)
    _, _, *stride = operator.ints("strides", (1, 1, 1, 1))
    _, _, *dilation = operator.ints("dilations", (1, 1, 1, 1))
    top, bottom, left, right = operator.ints("pads", (0, 0, 0, 0))
    geometry = Geometry(
        images=x.shape[0],
        groups=groups,
        channels=w.shape[1],
        height=x.shape[2],
        width=x.shape[3],
        filters=w.shape[0] // groups,
        output=(operator.outputs[0].shape[2], operator.outputs[0].shape[3]),
        kernel=(w.shape[2], w.shape[3]),
        stride=(stride[0], stride[1]),
        dilation=(dilation[0], dilation[1]),
        pads=(top, bottom, left, right),
    )
    if max(top, bottom) >= geometry.reach:
        raise UnsupportedError("an output row lies in the padding alone")
    return geometry


@dataclass(frozen=True)
class _Conv:
    operator: Operator
    soc: Soc
    g: Geometry
    element: Attribute

    @cached_property
    def problem(self) -> CubeProblem:
        """The convolution as a product: output points by filters, an image's group at a time."""
        g, c0 = self.g, c0_of(self.element)
        size, width = element_bytes(self.element), g.output[1]
        return CubeProblem(
            m=g.points,
            n=g.filters,
            k=g.channels if g.pointwise else align(g.channels, c0) * g.taps,
            left=self._left,
            right=self._right,
            element_bytes=size,
            result_bytes=element_bytes(self.operator.outputs[0].element),
            unit=c0 * g.taps,
            batch=g.groups,
            images=g.images,
            biased=self.operator.input("bias") is not None,
            rows=tuple(width * count for count in range(1, g.output[0] + 1)),
        )

    @property
    def _left(self) -> Source:
        g, size = self.g, element_bytes(self.element)
        copies = g.images * g.groups
        if g.pointwise:
            return Matrix(g.points, g.channels, 1, g.points, size, copies)
        channels = g.channels
        return FeatureMap(
            copies, channels, g.height, g.width, g.output, g.taps, g.stride[0], g.reach, size
        )

    @property
    def _right(self) -> Source:
        g, size = self.g, element_bytes(self.element)
        if g.pointwise:
            return Matrix(g.filters, g.channels, g.channels, 1, size, g.groups)
        return Filter(g.filters, g.channels, g.taps, size, g.groups)

    def build(self) -> KernelOp:
        g, b = self.g, CubeBuilder(self.operator, "AIC", self.soc)
        tile = self.operator.tile(Tile) or choose_tile(self.problem, self.soc)
        target = b.arguments[len(self.operator.inputs)]

        def channel(rows: Rows) -> Index:
            return rows.batch * g.filters + rows.first

        def begin(block: Block) -> Block:
            bias = self.operator.input("bias")
            if bias is None:
                return block
            buffer = b.arguments[self.operator.index("bias")]
            return b.biased(block, buffer, channel(block.right))

        def store(block: Block) -> None:
            plane = block.left.image * (g.groups * g.filters) + channel(block.right)
            place = plane * g.points + block.left.first
            b.store(target, place, (1, g.points), block, relu=self.operator.relu)

        left, right = self._feature_map(b), self._filter(b, channel)
        Products(b, self.problem, tile, self.element, left, right, begin, store).build()
        return b.kernel

    def _feature_map(self, b: CubeBuilder) -> Operand:
        g = self.g
        x = b.arguments[self.operator.index("x")]

        def plane(rows: Rows) -> Index:
            return (rows.image * g.groups + rows.batch) * (g.channels * g.height * g.width)

        if not g.pointwise:
            assert isinstance(self._left, FeatureMap)
            return _FeatureMap(b, x, g, self._left, plane)

        def place(rows: Rows) -> Index:
            return plane(rows) + rows.first

        return MatrixOperand(b, x, "fmap_l1", 1, g.points, place)

    def _filter(self, b: CubeBuilder, channel: Callable[[Rows], Index]) -> Operand:
        g = self.g
        w = b.arguments[self.operator.index("filter")]

        def place(rows: Rows) -> Index:
            return channel(rows) * (g.channels * g.taps)

        if g.pointwise:
            return MatrixOperand(b, w, "filter_l1", g.channels, 1, place)
        return _Filter(b, w, g, place)


@dataclass(frozen=True)
class _FeatureMap:
    """Feature maps as operands: the input rows of a block in L1, img2col on the way to L0."""

    b: CubeBuilder
    buffer: SSAValue
    g: Geometry
    source: FeatureMap
    plane: Callable[[Rows], Index]

    def packet(self, rows: Rows, room: Room) -> Packet:
        """Room for all the input rows that a block's points need."""
        c0 = c0_of(room.element)
        shape = (
            room.k // (c0 * self.g.taps),
            self.source.input_rows(room.points),
            self.g.width,
            c0,
        )
        buffer = self.b.alloc(
            shape, room.element, Space.L1, Layout.NC1HWC0, buffers=room.slots, name="fmap_l1"
        )
        return _MapPacket(self, rows, buffer, _InputRows(self.b, self.g, rows))


@dataclass(frozen=True)
class _MapPacket:
    operand: _FeatureMap
    rows: Rows
    buffer: SSAValue
    need: _InputRows

    def fill(self, start: Index, count: Number, at: Index) -> None:
        """Channels of the input rows."""
        b, g, need = self.operand.b, self.operand.g, self.need
        channel, plane = start // g.taps, g.height * g.width
        offset = self.operand.plane(self.rows) + channel * plane + Index.of(need.first) * g.width
        sizes = [Index.of(need.height) * g.width, _channels(b, g, channel, count)]
        target = b.access(self.buffer, [0, at // g.taps])
        b.to_l1(target, self.operand.buffer, offset, (1, plane), sizes)

    def to_l0(self, target: SSAValue, at: Index, k: Number) -> None:
        """Rows of the img2col matrix."""
        b, g, need = self.operand.b, self.operand.g, self.need
        attributes = {
            "kernel": g.kernel,
            "stride": g.stride,
            "dilation": g.dilation,
            "padding": g.pads[2:],
        }
        properties = {k: DenseArrayBase.from_list(i64, list(v)) for k, v in attributes.items()}
        window = b.access(self.buffer, [need.point, at])
        params = [need.height, need.top]
        b.emit(
            LoadL0Img2ColOp, [b.access(target, [0, 0]), window], [need.m, k], params, **properties
        )


@dataclass(frozen=True)
class _Filter:
    """Filters as operands, k counted as (C1, kh, kw, C0)."""

    b: CubeBuilder
    buffer: SSAValue
    g: Geometry
    place: Callable[[Rows], Index]

    def packet(self, rows: Rows, room: Room) -> Packet:
        """Room for an NZ matrix."""
        buffer = self.b.alloc(
            (room.rows, room.k), room.element, Space.L1, Layout.NZ, buffers=room.slots, name="w_l1"
        )
        return _FilterPacket(self, rows, buffer, c0_of(room.element))


@dataclass(frozen=True)
class _FilterPacket:
    operand: _Filter
    rows: Rows
    buffer: SSAValue
    c0: int

    def fill(self, start: Index, count: Number, at: Index) -> None:
        """Whole channels, C0 of them at a time where the last are fewer."""
        b, g, c0, source = self.operand.b, self.operand.g, self.c0, self.operand.buffer
        row, offset = g.channels * g.taps, self.operand.place(self.rows) + start
        if g.channels % c0 == 0:
            sizes = [self.rows.count, Index.of(count) // (c0 * g.taps), g.taps, c0]
            strides = (row, c0 * g.taps, 1, g.taps)
            b.to_l1(b.access(self.buffer, [0, at]), source, offset, strides, sizes)
            return
        channels = _channels(b, g, start // g.taps, count)
        with b.loop(0, channels, c0, name="c1") as inner:
            some = b.minimum(channels - inner, c0)
            part = b.access(self.buffer, [0, at + inner * g.taps])
            sizes = [self.rows.count, g.taps, some]
            b.to_l1(part, source, offset + inner * g.taps, (row, 1, g.taps), sizes)

    def to_l0(self, target: SSAValue, at: Index, k: Number) -> None:
        """A window of the matrix."""
        load_window(self.operand.b, target, self.buffer, at, (self.rows.count, k))


def _channels(b: CubeBuilder, g: Geometry, first: Index, k: Number) -> Number:
    """The channels that there are of those that so much of k holds."""
    return b.minimum(g.channels - first, Index.of(k) // g.taps)


class _InputRows:
    """The input rows of a tile: the first, how many, and the padding rows above them."""

    def __init__(self, b: CubeBuilder, g: Geometry, rows: Rows):
        width, stride, top = g.output[1], g.stride[0], g.pads[0]
        point, m = rows.first, rows.count
        row = point // width
        self.point = point - row * width
        """The first output point, counted from the beginning of its row."""
        last = (point + m - 1) // width
        wanted = row * stride - top
        self.first = b.maximum(wanted, 0)
        end = b.minimum(last * stride - top + g.reach, g.height)
        self.height = end - Index.of(self.first)
        self.top = Index.of(self.first) - wanted
        self.m = m
