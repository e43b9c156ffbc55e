"""Kernels of LayerNorm and RmsNorm: rows in UB where they fit, else chunk by chunk, in f32."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute

from compiler.conversion.ge_to_davinci.builder import Number
from compiler.conversion.ge_to_davinci.index import Index
from compiler.conversion.ge_to_davinci.moments import (
    LongRow,
    Moments,
    along_rows,
    inverse_root,
    tile_moments,
)
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.vectors import Tile, VectorBuilder
from compiler.planning.tiling_vector import VectorTile, vector_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import element_bytes

EPSILON = {"LayerNorm": 1e-7, "LayerNormV3": 1e-5, "RmsNorm": 1e-6}
"""Of the prototypes."""


def build_layer_norm(operator: Operator, soc: Soc) -> KernelOp:
    """(x − mean) / √(variance + ε) · gamma + beta over the last axes; RmsNorm without a mean."""
    x = operator.at("x")
    if not x.shape:
        raise UnsupportedError("a scalar has no axis to normalise")
    if operator.type == "RmsNorm":
        axis = operator.int("axis", len(x.shape) - len(operator.at("gamma").shape))
    else:
        axis = operator.int("begin_norm_axis", 0)
    axis %= len(x.shape)
    for tensor in (*(tensor for _, tensor in operator.inputs), *operator.outputs):
        operator.wide_element(tensor)
    length = prod(x.shape[axis:])
    ports = [port for port in ("gamma", "beta") if operator.input(port) is not None]
    if any(operator.at(port).size not in (length, x.size) for port in ports):
        raise UnsupportedError("gamma and beta have the shape of the axes, or of x")
    b = VectorBuilder(operator, "AIV", soc)
    norm = _LayerNorm(b, operator, x.size // length, length, tuple(ports))
    norm.build()
    return b.kernel


@dataclass(frozen=True)
class _LayerNorm:
    b: VectorBuilder
    operator: Operator
    rows: int
    length: int
    ports: tuple[str, ...]

    @property
    def element(self) -> Attribute:
        """The element type of x."""
        return self.operator.at("x").element

    @property
    def _centred(self) -> bool:
        return self.operator.type != "RmsNorm"

    @property
    def _epsilon(self) -> float:
        return self.operator.float("epsilon", EPSILON[self.operator.type])

    def build(self) -> None:
        """Whole rows with two slots for what is moved, or one, or else chunks."""
        for slots in (2, 1):
            tiling = self._tiling(slots)
            if tiling is not None and tiling.column_tiles == 1:
                break
        else:
            self._long_rows()
            return
        b = self.b
        with b.tiles(tiling.row_tiles) as number:
            first = number * tiling.rows
            count = b.minimum(self.rows - first, tiling.rows)
            self._tile(tiling.rows, count, first)

    def _tiling(self, slots: int) -> VectorTile | None:
        sizes = [element_bytes(self.operator.at(port).element) for port in self.ports]
        shared = sum(self.length * (slots * size + 4) for size in sizes) + 256
        if shared * 2 > self.b.soc.ub:
            return None
        size = element_bytes(self.element) + element_bytes(self.operator.outputs[0].element)
        return vector_tile(
            1,
            self.rows,
            self.length,
            element_bytes=2,
            bytes_per_element=slots * size + 8,
            bytes_per_row=224,
            ub=self.b.soc.ub - shared,
            cores=self.b.cores,
            split_columns=False,
        )

    def _tile(self, rows: int, count: Number, first: Index) -> None:
        b, shape, sizes = self.b, (rows, self.length), (count, self.length)
        start = first * self.length
        x = b.tile(shape, self.element, "x", sizes=sizes)
        b.load(x, b.arguments[self.operator.index("x")], start, [self.length, 1])
        work = b.tile(shape, f32, "work", sizes=sizes)
        b.cast(work, x) if self.element != f32 else b.unary("copy", work, x)
        moments = tile_moments(b, work, self.length, centred=self._centred, whole=False)
        inverse = inverse_root(b, moments.square, self._epsilon)
        b.binary("mul", work, work, along_rows(b, inverse, work))
        self._scale(work, start, Index.of(0), shape)
        self._store(0, work, start, [self.length, 1], shape)
        self._store_moments(moments, inverse, first)

    def _long_rows(self) -> None:
        """A row for a core: its moments, then each chunk once more."""
        b = self.b
        size = sum(element_bytes(self.operator.at(port).element) for port in ("x", *self.ports))
        size += element_bytes(self.operator.outputs[0].element)
        chunk = (b.soc.ub - 8192) // (2 * size + 4 * (6 + len(self.ports))) // 128 * 128
        row = LongRow(b, b.arguments[self.operator.index("x")], self.element, self.length, chunk)
        with b.tiles(self.rows) as number:
            start = number * self.length
            moments = row.moments(start, centred=self._centred)
            inverse = inverse_root(b, moments.square, self._epsilon)
            factor = b.column(inverse, 1, "factor")
            mean = None if moments.mean is None else b.column(moments.mean, 1, "mean_block")
            with b.loop(0, self.length, chunk, name="at") as at:
                work = row.load(start, at, "again")
                if mean is not None:
                    b.binary("sub", work, work, replace(mean, sizes=work.sizes, strides=(0,)))
                b.binary("mul", work, work, replace(factor, sizes=work.sizes, strides=(0,)))
                self._scale(work, start + at, at, (chunk,))
                self._store(0, work, start + at, [1], (chunk,))
            self._store_moments(moments, inverse, number)

    def _scale(self, work: Tile, start: Number, column: Index, shape: tuple[int, ...]) -> None:
        """Multiply by gamma, add beta: the same for each row, or one for each element."""
        b = self.b
        for port, kind in zip(self.ports, ("mul", "add"), strict=False):
            tensor, source = self.operator.at(port), b.arguments[self.operator.index(port)]
            if tensor.size == self.length:
                vector = b.tile(shape[-1:], tensor.element, port, sizes=work.sizes[-1:])
                b.load(vector, source, column, [1])
                wide = b.widened(vector, shape[-1:], f"{port}_wide")
                strides = (0, 1)[-len(shape) :]
            else:
                vector = b.tile(shape, tensor.element, port, sizes=work.sizes)
                b.load(vector, source, start, [self.length, 1][-len(shape) :])
                wide = b.widened(vector, shape, f"{port}_wide")
                strides = wide.strides
            b.binary(kind, work, work, replace(wide, sizes=work.sizes, strides=strides))

    def _store_moments(self, moments: Moments, inverse: Tile, first: Index) -> None:
        """What LayerNorm and RmsNorm give beside y."""
        second = inverse if self.operator.type == "LayerNormV3" else moments.square
        extra = [inverse] if moments.mean is None else [moments.mean, second]
        for place, tile in enumerate(extra[: len(self.operator.outputs) - 1], 1):
            self._store(place, tile, first, [1], self.b.shape_of(tile))

    def _store(
        self, place: int, tile: Tile, offset: Number, strides: list[int], shape: tuple[int, ...]
    ) -> None:
        b, output = self.b, self.operator.outputs[place]
        y = b.tile(shape, output.element, "y", sizes=tile.sizes)
        b.cast(y, tile) if output.element != f32 else b.unary("copy", y, tile)
        b.store(b.arguments[len(self.operator.inputs) + place], offset, strides, y)
