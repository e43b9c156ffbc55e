"""Tiles of pooling: whole planes where they fit the unified buffer, else some of their rows."""

from __future__ import annotations

from typing import NamedTuple

from compiler.planning.tiling_vector import RESERVED


class PoolShape(NamedTuple):
    """The windows of a pooling, and what a plane takes in UB.

    A plane of `rows` input rows takes `input_bytes` for each of them and `output_bytes` for each
    output row; `shared` says that one more plane, of the counts, is held.
    """

    planes: int
    output_rows: int
    kernel: int
    stride: int
    input_bytes: int
    output_bytes: int
    shared: bool

    def input_rows(self, rows: int) -> int:
        """The input rows under some output rows, padding included."""
        return (rows - 1) * self.stride + self.kernel

    def plane_bytes(self, rows: int) -> int:
        """The UB bytes of a plane's part."""
        return self.input_rows(rows) * self.input_bytes + rows * self.output_bytes


class PoolTile(NamedTuple):
    """`rows` output rows of `planes` planes at a time."""

    planes: int
    rows: int
    plane_tiles: int
    row_tiles: int


def pool_tile(shape: PoolShape, ub: int, cores: int) -> PoolTile | None:
    """The tile of a pooling; None when not even one output row of one plane fits."""
    budget = ub - RESERVED
    rows = shape.output_rows
    if shape.planes < cores:
        rows = -(-shape.output_rows * shape.planes // cores)
    while shape.plane_bytes(rows) * (1 + shape.shared) > budget:
        if rows == 1:
            return None
        rows = -(-rows // 2)
    planes = 1
    if rows == shape.output_rows:
        most = budget // shape.plane_bytes(rows) - shape.shared
        planes = min(most, -(-shape.planes // cores))
    return PoolTile(planes, rows, -(-shape.planes // planes), -(-shape.output_rows // rows))
