"""Kernels of MaxPoolV3 and AvgPoolV2: windows taken first down the rows, then along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, prod

from xdsl.dialects.builtin import Float16Type, f32
from xdsl.ir import Attribute

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.index import Index, delinearize
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.planning.tiling_pool import PoolShape, PoolTile, pool_tile
from compiler.planning.tiling_vector import pitch
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import BLOCK_BYTES, element_bytes


@dataclass(frozen=True)
class Windows:
    """A pooling's numbers; sizes are (rows, columns), pads top, bottom, left, right."""

    planes: int
    size: tuple[int, int]
    output: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pads: tuple[int, int, int, int]

    @property
    def right(self) -> int:
        """The columns right of the input that windows reach, padding or beyond it."""
        reach = (self.output[1] - 1) * self.stride[1] + self.kernel[1]
        return max(reach - self.pads[2] - self.size[1], 0)

    @property
    def below(self) -> int:
        """The rows below the input that windows reach."""
        reach = (self.output[0] - 1) * self.stride[0] + self.kernel[0]
        return max(reach - self.pads[0] - self.size[0], 0)

    @property
    def width(self) -> int:
        """The columns of a padded row."""
        return self.pads[2] + self.size[1] + self.right

    @property
    def inside(self) -> bool:
        """Whether every window lies in the input."""
        return not (self.pads[0] or self.pads[2] or self.right or self.below)


def build_pool(operator: Operator, soc: Soc) -> KernelOp:
    """Pooling of NCHW tensors; ceil_mode is in the output's shape."""
    x = operator.inputs[0][1]
    if operator.text("data_format", "NCHW") != "NCHW" or len(x.shape) != 4:
        raise UnsupportedError("only four dimensions in the order NCHW")
    if set(operator.ints("dilations", (1,))) != {1}:
        raise UnsupportedError("only windows without dilations")
    windows = _windows(operator)
    operator.float_element(x)
    pool = _Pool(VectorBuilder(operator, "AIV", soc), operator, windows, x.element)
    pool.build()
    return pool.b.kernel


def _windows(operator: Operator) -> Windows:
    images, channels, *size = operator.inputs[0][1].shape
    _, _, *kernel = operator.ints("ksize", (1, 1, 1, 1))
    _, _, *stride = operator.ints("strides", (1, 1, 1, 1))
    output = operator.outputs[0].shape[2:]
    top, bottom, left, right = operator.ints("pads", (0, 0, 0, 0))
    mode = operator.text("padding_mode", "CALCULATED")
    if operator.int("global_pooling", 0):
        kernel, mode = size, "VALID"
    if mode == "VALID":
        top = bottom = left = right = 0
    elif mode == "SAME":
        down, across = (
            max((o - 1) * s + k - i, 0)
            for o, s, k, i in zip(output, stride, kernel, size, strict=True)
        )
        top, left = down // 2, across // 2
        bottom, right = down - top, across - left
    return Windows(
        images * channels,
        (size[0], size[1]),
        (output[0], output[1]),
        (kernel[0], kernel[1]),
        (stride[0], stride[1]),
        (top, bottom, left, right),
    )


@dataclass(frozen=True)
class _Part:
    """What a tile covers: planes and output rows, and the input rows they need."""

    plane: Index
    planes: Number
    row: Index
    rows: Number
    first: Number
    """The first input row present."""
    height: Number
    top: Number
    """Padding rows above it."""


@dataclass(frozen=True)
class _Pool:
    b: VectorBuilder
    operator: Operator
    w: Windows
    element: Attribute

    @property
    def _is_max(self) -> bool:
        return self.operator.type == "MaxPoolV3"

    @property
    def _work(self) -> Attribute:
        """Maxima are exact in the element type; sums are taken in f32."""
        return self.element if self._is_max else f32

    @cached_property
    def _divisor(self) -> float | None:
        """The one number of elements of every window; None when windows differ."""
        override = self.operator.int("divisor_override", 0)
        if override:
            return override
        return float(prod(self.w.kernel)) if self.w.inside else None

    @cached_property
    def tile(self) -> PoolTile:
        w = self.w
        size, work = element_bytes(self.element), element_bytes(self._work)
        copies = 2 * size + (work if work != size else 0)
        inner, outer = pitch(w.width, size), pitch(w.output[1], size)
        counted = not self._is_max and self._divisor is None
        shape = PoolShape(
            w.planes,
            w.output[0],
            w.kernel[0],
            w.stride[0],
            inner * copies,
            inner * work + 2 * outer * work + 2 * outer * size,
            counted,
        )
        tile = pool_tile(shape, self.b.soc.ub, self.b.cores)
        if tile is None:
            raise UnsupportedError("a row of windows does not fit UB")
        return tile

    def build(self) -> None:
        b, tile = self.b, self.tile
        counts = [tile.plane_tiles, tile.row_tiles]
        with b.tiles(prod(counts)) as number:
            part = self._part(*delinearize(number, counts))
            result = self._pooled(self._input(part), part, "y_work")
            if not self._is_max:
                self._divide(result, part)
            y = self._result(result)
            w = self.w
            offset = part.plane * prod(w.output) + part.row * w.output[1]
            b.store(b.arguments[1], offset, [prod(w.output), w.output[1], 1], y)

    def _part(self, plane: Index, row: Index) -> _Part:
        b, w, tile = self.b, self.w, self.tile
        plane, row = plane * tile.planes, row * tile.rows
        rows = b.minimum(w.output[0] - row, tile.rows)
        wanted = row * w.stride[0] - w.pads[0]
        first = b.maximum(wanted, 0)
        last = wanted + (Index.of(rows) - 1) * w.stride[0] + w.kernel[0]
        height = b.minimum(last, w.size[0]) - Index.of(first)
        planes = b.minimum(w.planes - plane, tile.planes)
        return _Part(plane, planes, row, rows, first, height, Index.of(first) - wanted)

    @property
    def _input_rows(self) -> int:
        return (self.tile.rows - 1) * self.w.stride[0] + self.w.kernel[0]

    def _input(self, part: _Part) -> Tile:
        """The padded rows under a tile's windows."""
        b, w = self.b, self.w
        shape = self.tile.planes, self._input_rows, w.width
        x = b.tile(shape, self.element, "x")
        fill = -inf if self._is_max else 0.0
        lanes = BLOCK_BYTES // element_bytes(self.element)
        outside = w.pads[2] // lanes * lanes
        left, right = w.pads[2] - outside, min(w.right, -(w.pads[2] + w.size[1]) % lanes)
        if w.pads[0] or w.below or outside or w.right > right:
            b.duplicate(x, fill)
        sizes = part.planes, part.height, w.size[1]
        rows = x.window(Index.of(part.top) * x.strides[1] + outside, sizes)
        offset = part.plane * prod(w.size) + Index.of(part.first) * w.size[1]
        source = b.access(b.arguments[0], [offset], [prod(w.size), w.size[1], 1])
        if w.pads[2] or w.right:
            b.load_padded(rows, source, (left, right), fill)
        else:
            b.load(rows, b.arguments[0], offset, [prod(w.size), w.size[1], 1])
        return x if self._is_max else b.widened(x, shape, "x_f32")

    def _pooled(self, x: Tile, part: _Part, name: str, planes: int | None = None) -> Tile:
        """The maximum or sum of each window."""
        b, w = self.b, self.w
        kind = "max" if self._is_max else "add"
        count = planes or self.tile.planes
        used = planes or part.planes
        down = b.tile(
            (count, self.tile.rows, w.width), x.element, "down", sizes=(used, part.rows, w.width)
        )
        step = x.strides[1]
        rows = replace(x, sizes=down.sizes, strides=(x.strides[0], step * w.stride[0], 1))
        taps = [replace(rows, offset=i * step) for i in range(w.kernel[0])]
        self._combine(kind, down, taps)
        sizes = used, part.rows, w.output[1]
        shape = count, self.tile.rows, w.output[1]
        result = b.tile(shape, x.element, name, sizes=sizes)
        columns = replace(down, sizes=sizes, strides=(*down.strides[:2], w.stride[1]))
        b.gather(result, columns)
        column = b.tile(shape, x.element, "column", sizes=sizes) if w.kernel[1] > 1 else result
        for j in range(1, w.kernel[1]):
            b.gather(column, replace(columns, offset=j))
            b.binary(kind, result, result, column)
        return result

    def _combine(self, kind: str, target: Tile, taps: Sequence[Tile]) -> None:
        if len(taps) == 1:
            self.b.unary("copy", target, taps[0])
        for place, tap in enumerate(taps[1:]):
            self.b.binary(kind, target, target if place else taps[0], tap)

    def _divide(self, result: Tile, part: _Part) -> None:
        if self._divisor is not None:
            self.b.scalar("muls", result, result, 1.0 / self._divisor)
            return
        counts = self._pooled(self._ones(part), part, "count", planes=1)
        repeated = replace(counts, sizes=result.sizes, strides=(0, *counts.strides[1:]))
        self.b.binary("div", result, result, repeated)

    def _ones(self, part: _Part) -> Tile:
        """A plane with 1 where an element counts: in the input or, if not exclusive, its pads."""
        b, w = self.b, self.w
        ones = b.tile((1, self._input_rows, w.width), f32, "ones")
        b.duplicate(ones, 0.0)
        offset, sizes = Index.of(part.top) * ones.strides[1] + w.pads[2], (part.height, w.size[1])
        if not self.operator.int("exclusive", 1):
            first = part.row * w.stride[0] - w.pads[0]
            height = b.minimum(w.size[0] + w.pads[1] - first, self._input_rows)
            columns = min(w.pads[2] + w.size[1] + w.pads[3], w.width)
            offset, sizes = Index.of(0), (height, columns)
        b.duplicate(ones.window(offset, (1, *sizes)), 1.0)
        return ones

    def _result(self, work: Tile) -> Tile:
        b = self.b
        shape = self.tile.planes, self.tile.rows, self.w.output[1]
        y = b.tile(shape, self.operator.outputs[0].element, "y", sizes=work.sizes)
        narrowing = isinstance(y.element, Float16Type) and not self._is_max
        b.cast(y, work) if narrowing else b.unary("copy", y, work)
        return y
