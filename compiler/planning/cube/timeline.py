"""A tile's blocks on one core, packet by packet: when each is loaded, taken to L0, multiplied."""

from __future__ import annotations

from dataclasses import dataclass, field

from compiler.planning.cube.estimate import Stream, TileCosts
from compiler.planning.cube.problem import Resident, Tile

_PARTS = 48
"""Packets after which the rest of a block, and of the blocks, goes on at the same rate."""


def timeline(tile: Tile, costs: TileCosts) -> float:
    """Cycles of the slowest core, with the waits of each pipe for the others' slots."""
    core = _Core(tile, costs)
    parts = max(costs.left.packets, costs.right.packets)
    shown = min(parts, _PARTS)
    blocks = min(costs.blocks, max(2, -(-2 * _PARTS // parts)))
    if tile.kept is not Resident.NONE:
        blocks = min(costs.blocks, -(-blocks // tile.run) * tile.run)
    ends: list[float] = []
    for number in range(blocks):
        core.block(number, shown)
        ends.append(core.slowed(parts))
    half = blocks // 2
    rate = (ends[-1] - ends[half - 1]) / (blocks - half) if blocks > 1 else 0.0
    total = ends[-1] + rate * (costs.blocks - blocks) + costs.fixpipe
    return costs.launch + max(total, costs.floor)


@dataclass(slots=True)
class _Slots:
    """An operand's packets in L1: when each slot is free, and when the last packet is there."""

    stream: Stream
    slots: int
    every: int
    """The parts that one packet serves."""
    free: list[float] = field(init=False)
    ready: float = 0.0
    loaded: int = 0

    def __post_init__(self) -> None:
        self.free = [0.0] * self.slots


class _Core:
    """MTE2, MTE1, the cube and the fixpipe, each with when it is free next."""

    def __init__(self, tile: Tile, costs: TileCosts):
        self.tile, self.costs = tile, costs
        parts = max(costs.left.packets, costs.right.packets)
        self._steps = costs.steps / parts
        self._mte1_step, self._cube_step = costs.mte1 / costs.steps, costs.cube / costs.steps
        self._left = _Slots(costs.left, tile.left_slots, -(-parts // costs.left.packets))
        self._right = _Slots(costs.right, tile.right_slots, -(-parts // costs.right.packets))
        operands = (self._left, Resident.LEFT), (self._right, Resident.RIGHT)
        self._operands = sorted(operands, key=lambda pair: -pair[0].every)
        self._mte2 = self._mte1 = self._cube = self._fix = self._behind = 0.0

    def block(self, number: int, parts: int) -> None:
        """One block's parts, then its results; longer packets are asked for first."""
        resident, run = self.tile.kept, self.tile.run
        for part in range(parts):
            for operand, kind in self._operands:
                kept = kind is resident
                if (part == 0 and number % run == 0) if kept else part % operand.every == 0:
                    self._load(operand)
            self._multiply(part == 0)
            for operand, kind in self._operands:
                last = (part + 1) % operand.every == 0 or part == parts - 1
                if (part == parts - 1 and number % run == run - 1) if kind is resident else last:
                    operand.free[(operand.loaded - 1) % operand.slots] = self._mte1
        self._fix = max(self._fix, self._cube) + self.costs.fixpipe

    def slowed(self, parts: int) -> float:
        """When the cube is done with the block, had all its `parts` been gone through."""
        if parts > _PARTS:
            more = (self._cube - self._behind) / _PARTS * (parts - _PARTS)
            self._shift(more)
        self._behind = self._cube
        return self._cube

    def _shift(self, cycles: float) -> None:
        self._mte2 += cycles
        self._mte1 += cycles
        self._cube += cycles
        self._fix += cycles
        for operand, _ in self._operands:
            operand.ready += cycles
            operand.free = [time + cycles for time in operand.free]

    def _load(self, operand: _Slots) -> None:
        slot = operand.loaded % operand.slots
        self._mte2 = max(self._mte2, operand.free[slot]) + operand.stream.cycles
        operand.ready = self._mte2 + operand.stream.latency
        operand.loaded += 1

    def _multiply(self, first: bool) -> None:
        """A part's steps: MTE1 is at most two of them ahead of the cube."""
        begin = max(self._mte1, self._left.ready, self._right.ready)
        loaded = begin + self._steps * self._mte1_step
        if first:
            results = self._fix if self.tile.l0c_slots == 1 else self._fix - self.costs.fixpipe
            self._cube = max(self._cube, results)
        start = max(self._cube, begin + self._mte1_step)
        idle = min(self.costs.fill, start - self._cube)
        cube = start + idle + self._steps * self._cube_step
        self._cube = max(cube, loaded + self._cube_step)
        ahead = 2 * max(self._cube_step, self._mte1_step) - self._mte1_step
        self._mte1 = max(loaded, self._cube - ahead)
