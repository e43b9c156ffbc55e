"""Tiles of matrix products: base blocks for L0, packets for L1, chosen by a coarse cost.

The largest block, 128 × 256 × 64 in f16, is the one CATLASS and the official samples use on A2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from compiler.planning.placement import align
from compiler.planning.tiling_vector import BURST

FRACTAL = 16
LOAD_RATE = 64
"""Bytes a cycle into L1 when all cores load: between the rates of global memory and of L2."""

OVERHEAD = 600
"""Cycles a tile costs beyond its work: the first load, the last store."""


class CubeCore(Protocol):
    """The memories of a cube core in bytes, and how many there are."""

    @property
    def cube_cores(self) -> int: ...
    @property
    def l1(self) -> int: ...
    @property
    def l0a(self) -> int: ...
    @property
    def l0b(self) -> int: ...
    @property
    def l0c(self) -> int: ...


class TilingError(Exception):
    """No tile of an operator fits the core's memories."""


@dataclass(frozen=True, slots=True)
class CubeTile:
    """A block of m × n results; `k` at a time in L0, `packet` at a time in L1.

    `packet` counts k for a product, channels for a convolution. `l0c_buffers` blocks of results
    and `l1_buffers` packets fit their memories.
    """

    m: int
    n: int
    k: int
    packet: int
    l0c_buffers: int
    l1_buffers: int


@dataclass(frozen=True, slots=True)
class Product:
    """`batch` products of m × k by k × n."""

    batch: int
    m: int
    n: int
    k: int
    element_bytes: int


Packet = Callable[[int, int], "tuple[int, int] | None"]
"""From m and n to the packet and its buffers in L1, None where none fits."""


def product_tile(product: Product, core: CubeCore) -> CubeTile:
    """The tile of a product; TilingError when none fits."""

    def packet(rows: int, columns: int) -> tuple[int, int] | None:
        base = _k_block(rows, columns, product, core)
        room = _l1_room(columns, core) // (2 * (rows + columns) * product.element_bytes)
        run = max(base, BURST // product.element_bytes)
        unit = run if base and room >= run and run % base == 0 else base
        return (min(room // unit * unit, align(product.k, base)), 2) if room >= base else None

    return _best(product, core, packet)


@dataclass(frozen=True, slots=True)
class ConvShape:
    """One group of a convolution of one image; `taps` is the kernel's area."""

    channels: int
    taps: int
    width: int
    input_rows: Callable[[int], int]
    """From a number of consecutive output points to the input rows a tile of them needs."""


def convolution_tile(product: Product, shape: ConvShape, core: CubeCore) -> CubeTile:
    """The tile of a convolution as a product: m output points, n output channels.

    TilingError when none fits.
    """
    c0 = 32 // product.element_bytes
    blocks = -(-shape.channels // c0)

    def packet(rows: int, columns: int) -> tuple[int, int] | None:
        area = shape.input_rows(rows) * shape.width + columns * shape.taps
        for buffers in (2, 1):
            room = _l1_room(columns, core) // (buffers * area * 32)
            if room:
                return min(room, blocks) * c0, buffers
        return None

    return _best(product, core, packet)


def _l1_room(columns: int, core: CubeCore) -> int:
    """L1 without two bias rows."""
    return core.l1 - 2 * align(4 * columns, 32)


def _k_block(rows: int, columns: int, product: Product, core: CubeCore) -> int:
    """The k that two buffers of L0A and of L0B hold: all of it, or a power of two."""
    most = min(core.l0a // (2 * rows), core.l0b // (2 * columns)) // product.element_bytes
    whole = align(product.k, 32 // product.element_bytes)
    return whole if whole <= most else 1 << (most.bit_length() - 1)


def _best(product: Product, core: CubeCore, packet: Packet) -> CubeTile:
    best: tuple[float, CubeTile] | None = None
    for rows, columns in _candidates(product, core):
        found = packet(rows, columns)
        base = _k_block(rows, columns, product, core)
        if found is None or base == 0:
            continue
        buffers = min(core.l0c // (rows * columns * 4), 2)
        tile = CubeTile(rows, columns, base, found[0], buffers, found[1])
        cost = _cost(tile, product, core)
        if best is None or cost < best[0]:
            best = cost, tile
    if best is None:
        raise TilingError("not even a tile of 16 × 16 results fits L1")
    return best[1]


def _candidates(product: Product, core: CubeCore) -> Iterator[tuple[int, int]]:
    """Blocks that fit L0C, the largest first: among equals the first is taken."""
    for rows in _sizes(product.m, 128):
        for columns in _sizes(product.n, 256):
            if rows * columns * 4 <= core.l0c:
                yield rows, columns


def _sizes(total: int, most: int) -> list[int]:
    """Multiples of 16 up to `most` that cut `total` into equal pieces."""
    whole = align(total, FRACTAL)
    pieces = range(1, whole // FRACTAL + 1)
    sizes = {align(-(-total // count), FRACTAL) for count in pieces}
    return sorted((size for size in sizes if size <= most), reverse=True)


def _cost(tile: CubeTile, product: Product, core: CubeCore) -> float:
    tiles = product.batch * -(-product.m // tile.m) * -(-product.n // tile.n)
    rounds = -(-tiles // core.cube_cores)
    row_bytes = product.k * product.element_bytes
    fractals = tile.m // FRACTAL * (tile.n // FRACTAL) * -(-row_bytes // 32)
    cube = fractals * (product.element_bytes // 2)
    load = (tile.m + tile.n) * row_bytes / LOAD_RATE
    work = cube + load if tile.l1_buffers == 1 else max(cube, load)
    return rounds * (work + OVERHEAD)
