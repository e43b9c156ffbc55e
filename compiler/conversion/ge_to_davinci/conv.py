"""Kernels of convolutions: products of img2col rows, made on the way to L0, with the filter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.cube import Block, CubeBuilder, LoadLeft
from compiler.conversion.ge_to_davinci.index import Index, delinearize
from compiler.conversion.ge_to_davinci.operator import Operator, Tensor, UnsupportedError
from compiler.planning.placement import align
from compiler.planning.tiling_cube import ConvShape, CubeTile, Product, convolution_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp, LoadL0Img2ColOp
from dialects.davinci.attributes import Layout, Space
from dialects.davinci.types import c0_of, element_bytes


@dataclass(frozen=True)
class Geometry:
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

    def input_rows(self, points: int) -> int:
        """The most input rows that tiles of so many consecutive points need."""
        width = self.output[1]
        spans = (
            (min(first + points, self.points) - 1) // width - first // width
            for first in range(0, self.points, points)
        )
        return min(max(spans) * self.stride[0] + self.reach, self.height)


def build_conv(operator: Operator, soc: Soc) -> KernelOp:
    """Conv2D of NCHW tensors, with groups and an optional bias."""
    return _conv(operator, soc).build()


def conv_tile(operator: Operator, soc: Soc) -> CubeTile:
    """The tile that a convolution is best cut into."""
    return _conv(operator, soc).best_tile()


def _conv(operator: Operator, soc: Soc) -> _Conv:
    x, w = operator.input("x"), operator.input("filter")
    if x is None or w is None or operator.input("offset_w"):
        raise UnsupportedError("takes an input, a filter and a bias")
    ranks = {len(tensor.shape) for tensor in (x, w, operator.outputs[0])}
    if operator.text("data_format", "NHWC") != "NCHW" or ranks != {4}:
        raise UnsupportedError("only four dimensions in the order NCHW")
    if operator.float_element(x) != w.element:
        raise UnsupportedError("input and filter of two element types")
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
    def tile(self) -> CubeTile:
        """The tile that was chosen, or the best."""
        return self.operator.tile(CubeTile) or self.best_tile()

    def best_tile(self) -> CubeTile:
        """The tile with the least cost."""
        g = self.g
        c0 = c0_of(self.element)
        k = align(g.channels, c0) * g.taps
        product = Product(g.images * g.groups, g.points, g.filters, k, element_bytes(self.element))
        shape = ConvShape(g.channels, g.taps, g.width, g.input_rows)
        return convolution_tile(product, shape, self.soc)

    def build(self) -> KernelOp:
        g, tile = self.g, self.tile
        b = CubeBuilder(self.operator, "AIC", self.soc)
        target = b.arguments[len(self.operator.inputs)]
        counts = [g.images, g.groups, -(-g.points // tile.m), -(-g.filters // tile.n)]
        with b.tiles(prod(counts)) as number:
            image, group, down, across = delinearize(number, counts)
            point, column = down * tile.m, across * tile.n
            m = b.minimum(g.points - point, tile.m)
            block = b.block(tile, m, b.minimum(g.filters - column, tile.n))
            output = group * g.filters + column
            if self.operator.input("bias"):
                self.operator.float_element(self._bias)
                block = b.biased(block, b.arguments[self.operator.index("bias")], output)
            rows = _Rows(b, g, point, m)
            with b.loop(0, g.channels, tile.packet, name="channel") as channel:
                count = b.minimum(g.channels - channel, tile.packet)
                image_channel = (image * g.groups + group) * g.channels + channel
                left = self._feature_map(b, rows, image_channel, count)
                right = self._filter(b, block, output, channel, count)
                b.accumulate(block, left, right, packet=self._k(count), done=channel * g.taps)
            place = (image * (g.groups * g.filters) + output) * g.points + point
            b.store(target, place, (1, g.points), block)
        return b.kernel

    @property
    def _bias(self) -> Tensor:
        bias = self.operator.input("bias")
        assert bias is not None
        return bias

    def _k(self, channels: Number) -> Number:
        """The k of so many channels, whole fractals for each tap."""
        c0 = c0_of(self.element)
        return (Index.of(channels) + (c0 - 1)) // c0 * (c0 * self.g.taps)

    def _feature_map(self, b: CubeBuilder, rows: _Rows, channel: Index, count: Number) -> LoadLeft:
        """The input rows of some channels in L1, and how img2col takes them to L0A."""
        g, c0 = self.g, c0_of(self.element)
        shape = (self.tile.packet // c0, g.input_rows(self.tile.m), g.width, c0)
        buffer = b.alloc(shape, self.element, Space.L1, Layout.NC1HWC0, name="fmap_l1")
        plane = g.height * g.width
        offset = channel * plane + Index.of(rows.first) * g.width
        sizes = [Index.of(rows.height) * g.width, count]
        x = b.arguments[self.operator.index("x")]
        b.to_l1(b.access(buffer, [0, 0]), x, offset, (1, plane), sizes)
        return _img2col(b, buffer, g, rows)

    def _filter(
        self, b: CubeBuilder, block: Block, output: Index, channel: Index, count: Number
    ) -> SSAValue:
        """The filters of some channels in L1, k counted as (C1, kh, kw, C0)."""
        g, c0 = self.g, c0_of(self.element)
        shape = (self.tile.n, self.tile.packet * g.taps)
        buffer = b.alloc(shape, self.element, Space.L1, Layout.NZ, name="filter_l1")
        w = b.arguments[self.operator.index("filter")]
        offset = (output * g.channels + channel) * g.taps
        strides = (g.channels * g.taps, 1, g.taps)
        if g.taps == 1:
            b.to_l1(b.access(buffer, [0, 0]), w, offset, strides[::2], [block.n, count])
            return buffer
        with b.loop(0, count, c0, name="c1") as inner:
            some = b.minimum(count - inner, c0)
            target = b.access(buffer, [0, inner * g.taps])
            b.to_l1(target, w, offset + inner * g.taps, strides, [block.n, g.taps, some])
        return buffer


class _Rows:
    """The input rows of a tile: the first, how many, and the padding rows above them."""

    def __init__(self, b: CubeBuilder, g: Geometry, point: Index, m: Number):
        width, stride, top = g.output[1], g.stride[0], g.pads[0]
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


def _img2col(b: CubeBuilder, buffer: SSAValue, g: Geometry, rows: _Rows) -> LoadLeft:
    attributes = {
        "kernel": g.kernel,
        "stride": g.stride,
        "dilation": g.dilation,
        "padding": g.pads[2:],
    }
    properties = {k: DenseArrayBase.from_list(i64, list(v)) for k, v in attributes.items()}

    def load(target: SSAValue, step: Index, k: Number) -> None:
        window = b.access(buffer, [rows.point, step])
        params = [rows.height, rows.top]
        b.emit(
            LoadL0Img2ColOp, [b.access(target, [0, 0]), window], [rows.m, k], params, **properties
        )

    return load
