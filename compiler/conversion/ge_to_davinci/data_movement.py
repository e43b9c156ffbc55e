"""Kernels that move elements and compute nothing: ConcatD, Transpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from compiler.conversion.ge_to_davinci.index import delinearize, linearize
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.pointwise import collapse
from compiler.conversion.ge_to_davinci.vectors import VectorBuilder
from compiler.planning.placement import align
from compiler.planning.tiling_vector import VectorTile, square_side, vector_tile
from compiler.soc import Soc
from dialects.davinci import KernelOp
from dialects.davinci.types import element_bytes


def build_concat(operator: Operator, soc: Soc) -> KernelOp:
    """ConcatD: each input is copied to its columns of the output."""
    output = operator.outputs[0]
    size = element_bytes(operator.float_element(output))
    if not output.shape:
        raise UnsupportedError("scalars have no dimension to join")
    axis = operator.int("concat_dim", 0) % len(output.shape)
    outer = prod(output.shape[:axis])
    widths = [prod(tensor.shape[axis:]) for _, tensor in operator.inputs]
    b = VectorBuilder(operator, "AIV", soc)
    tilings = [
        vector_tile(
            1,
            outer,
            width,
            element_bytes=size,
            bytes_per_element=2 * size * len(widths),
            ub=soc.ub,
            cores=b.cores,
        )
        for width in widths
    ]
    cores = min(b.cores, max(tiling.count for tiling in tilings))
    total = prod(output.shape[axis:])
    for place, (tiling, width) in enumerate(zip(tilings, widths, strict=True)):
        _copy_columns(b, place, tiling, (outer, width, total, sum(widths[:place])), cores)
    return b.kernel


def _copy_columns(
    b: VectorBuilder, place: int, tiling: VectorTile, shape: tuple[int, int, int, int], cores: int
) -> None:
    """Copy rows × width of an input to rows of `total`, `start` elements into each."""
    rows, width, total, start = shape
    source, target = b.arguments[place], b.arguments[len(b.arguments) - 1]
    counts = [tiling.row_tiles, tiling.column_tiles]
    with b.tiles(tiling.count, cores) as number:
        down, across = delinearize(number, counts)
        row, column = down * tiling.rows, across * tiling.columns
        sizes = b.minimum(rows - row, tiling.rows), b.minimum(width - column, tiling.columns)
        element = b.kernel.arguments[place].element_type
        tile = b.tile((tiling.rows, tiling.columns), element, "x", sizes=sizes)
        b.load(tile, source, row * width + column, [width, 1])
        b.store(target, row * total + start + column, [total, 1], tile)


def build_transpose(operator: Operator, soc: Soc) -> KernelOp:
    """Transpose by a constant permutation: copies of rows, or of blocks turned in UB."""
    x, output = operator.inputs[0][1], operator.outputs[0]
    operator.float_element(x)
    perm = operator.constant("perm") if operator.input("perm") else operator.ints("perm", ())
    if sorted(perm) != list(range(len(x.shape))):
        raise UnsupportedError(f"{list(perm)} is no permutation")
    own = [prod(x.shape[axis + 1 :]) for axis in perm]
    target = [prod(output.shape[i + 1 :]) for i in range(len(perm))]
    dims, (source, result) = collapse(output.shape, [own, target])
    b = VectorBuilder(operator, "AIV", soc)
    transpose = _Transpose(b, dims, source, result)
    transpose.rows() if source[-1] == 1 else transpose.blocks()
    return b.kernel


@dataclass(frozen=True)
class _Transpose:
    """Strides of the source and of the result along the result's dimensions."""

    b: VectorBuilder
    dims: tuple[int, ...]
    source: Sequence[int]
    result: Sequence[int]

    def rows(self) -> None:
        """The last dimension stays last: rows are copied."""
        b = self.b
        dims = (1, *self.dims) if len(self.dims) == 1 else self.dims
        source = [0, *self.source] if len(self.dims) == 1 else self.source
        result = [0, *self.result] if len(self.dims) == 1 else self.result
        element = b.kernel.arguments[0].element_type
        size = element_bytes(element)
        *outer, rows, columns = dims
        tiling = vector_tile(
            prod(outer),
            rows,
            columns,
            element_bytes=size,
            bytes_per_element=2 * size,
            ub=b.soc.ub,
            cores=b.cores,
        )
        counts = [*outer, tiling.row_tiles, tiling.column_tiles]
        with b.tiles(prod(counts)) as number:
            *place, down, across = delinearize(number, counts)
            row, column = down * tiling.rows, across * tiling.columns
            sizes = b.minimum(rows - row, tiling.rows), b.minimum(columns - column, tiling.columns)
            tile = b.tile((tiling.rows, tiling.columns), element, "x", sizes=sizes)
            at = [*place, row, column]
            b.load(tile, b.arguments[0], linearize(at, source), source[-2:])
            b.store(b.arguments[-1], linearize(at, result), result[-2:], tile)

    def blocks(self) -> None:
        """The source's last dimension goes elsewhere: blocks of it and the result's last turn."""
        b = self.b
        inner = self.source.index(1)
        last = len(self.dims) - 1
        element = b.kernel.arguments[0].element_type
        side = square_side(element_bytes(element), b.soc.ub)
        tall, wide = self.dims[inner], self.dims[last]
        height, width = min(side, align(tall, 16)), min(side, align(wide, 16))
        others = [i for i in range(last) if i != inner]
        counts = [*(self.dims[i] for i in others), -(-tall // height), -(-wide // width)]
        with b.tiles(prod(counts)) as number:
            *place, down, across = delinearize(number, counts)
            row, column = down * height, across * width
            rows, columns = b.minimum(tall - row, height), b.minimum(wide - column, width)
            x = b.tile((width, height), element, "x", sizes=(columns, rows))
            y = b.tile((height, width), element, "y", sizes=(rows, columns))
            at = [*place, row, column]
            order = [*others, inner, last]
            source, result = ([s[i] for i in order] for s in (self.source, self.result))
            b.load(x, b.arguments[0], linearize(at, source), [source[-1], source[-2]])
            b.transpose(y, x)
            b.store(b.arguments[-1], linearize(at, result), result[-2:], y)
