"""What the parts of a tile cost on the target, and its cycles on a core in closed form."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.planning.cube.problem import (
    ACCUMULATOR,
    BLOCK,
    FRACTAL,
    CubeProblem,
    Resident,
    Tile,
)
from compiler.planning.cube.sharing import LEFT, RIGHT, rates
from compiler.planning.placement import align
from compiler.simulator.cost import Share, read_cycles
from compiler.simulator.cost import Source as Read
from compiler.simulator.instruction import Transfer
from compiler.soc import Soc

_PACKETS = 6
"""Packets to a block where nothing else is known of it."""

_BURST = 512
"""Bytes of k in such a packet at least: shorter bursts take longer than a tile's need to."""

_STEP = 9
"""Instructions of a step of k, most of them flags."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The packets of an operand that one block needs; for each, the cycles MTE2 is busy with it,
    and those until it is there after that."""

    packets: int
    cycles: float
    latency: float


@dataclass(frozen=True, slots=True)
class TileCosts:
    """A tile's work on its slowest core: the `blocks`, and the cycles of each of its parts.

    `mte1` and `cube` are those of one block, in `steps`, `fill` those of a cube that was idle;
    `launch` is the start of the cores, `floor` what memory needs for all.
    """

    blocks: int
    steps: int
    left: Stream
    right: Stream
    mte1: float
    cube: float
    fixpipe: float
    fill: float
    launch: float
    floor: float


class Estimator:
    """Costs the tiles of one problem on one SoC; what several tiles share is computed once."""

    def __init__(self, problem: CubeProblem, target: Soc):
        self.problem = problem
        self.target = target
        self._dma = target.costs.dma["gm_l1_nz"]
        self._loads: dict[tuple[bool, int, int], tuple[int, Transfer]] = {}

        self._shares: dict[tuple[object, ...], Share] = {}

    def bound(self, block: tuple[int, int, int], *, kept: bool) -> float:
        """Cycles of a block in the best case, its operands in a few packets, one of them `kept`."""
        problem = self.problem
        packet = max(-(-problem.k // _PACKETS), _BURST // problem.element_bytes)
        packet = align(min(packet, problem.k), problem.unit)
        costs = self.costs(Tile(*block, packet, packet, 2, 2, 2))
        left, right = (side.packets * side.cycles for side in (costs.left, costs.right))
        run = costs.blocks
        load = max(left, right) / run + min(left, right) if kept and run > 1 else left + right
        each = max(costs.cube, costs.mte1, load)
        return costs.launch + costs.left.latency + run * each + costs.fixpipe

    def cycles(self, tile: Tile, costs: TileCosts) -> float:
        """Cycles of the slowest core, as if its pipes overlapped without a gap."""
        compute = max(costs.cube, costs.mte1)
        block = max(compute if tile.l0c_slots > 1 else compute + costs.fixpipe, costs.fixpipe)
        block = max(block, self._loading(tile, costs, compute))
        first = costs.left.latency + costs.left.cycles + costs.right.cycles + compute / costs.steps
        return costs.launch + max(first + costs.blocks * block + costs.fixpipe, costs.floor)

    def costs(self, tile: Tile) -> TileCosts:
        """The parts of a tile's work."""
        problem = self.problem
        items = tile.items(problem)
        shares = self._rates(tile)
        steps = self._steps(tile)
        cube = self._cube(tile, steps)
        return TileCosts(
            blocks=-(-items // self.target.cube_cores) * tile.run,
            steps=steps,
            left=self._stream(tile, Resident.LEFT, shares.read[LEFT]),
            right=self._stream(tile, Resident.RIGHT, shares.read[RIGHT]),
            mte1=self._mte1(tile, steps, cube),
            cube=cube,
            fixpipe=self._fixpipe(tile, shares),
            fill=self.target.costs.mmad.fill,
            launch=self._launch(min(items, self.target.cube_cores)),
            floor=self._floor(),
        )

    def _loading(self, tile: Tile, costs: TileCosts, compute: float) -> float:
        """Cycles of a block's loads; with their latency where an operand has few slots."""
        left, right = costs.left, costs.right
        left_share = 1 / tile.run if tile.kept is Resident.LEFT else 1.0
        right_share = 1 / tile.run if tile.kept is Resident.RIGHT else 1.0
        loads = left.packets * left.cycles * left_share, right.packets * right.cycles * right_share
        latency = [
            (load + compute * part + stream.packets * part * stream.latency) / slots
            for load, part, stream, slots in (
                (loads[0], left_share, left, tile.left_slots),
                (loads[1], right_share, right, tile.right_slots),
            )
        ]
        return max(sum(loads), *latency)

    def _rates(self, tile: Tile) -> Share:
        longest = (
            min(tile.left, tile.right)
            if tile.kept is not Resident.NONE
            else max(tile.left, tile.right)
        )
        key = tile.m, tile.n, tile.left_run, tile.right_run, tile.group, longest
        if key not in self._shares:
            self._shares[key] = rates(self.problem, tile, self.target)
        return self._shares[key]

    def _stream(self, tile: Tile, kind: Resident, place: Read) -> Stream:
        """Where an operand is resident, its parts of k as one packet."""
        problem, left = self.problem, kind is Resident.LEFT
        source = problem.left if left else problem.right
        rows, k = (tile.m, tile.left) if left else (tile.n, tile.right)
        kept = tile.kept is kind
        if kept:
            k = min(tile.left, tile.right)
        key = left, rows, k
        if key not in self._loads:
            self._loads[key] = source.loads(rows, k)
        count, transfer = self._loads[key]
        load = read_cycles(transfer, self._dma, place, self.target.costs.memory.alignment)
        packets = -(-problem.k // k)
        if kept:
            return Stream(1, packets * count * load.pace, load.latency)
        return Stream(packets, count * load.pace, load.latency)

    def _steps(self, tile: Tile) -> int:
        """The steps of k of one block."""
        packet = min(tile.left, tile.right)
        whole, rest = divmod(self.problem.k, packet)
        return whole * -(-packet // tile.k) + -(-rest // tile.k)

    def _cube(self, tile: Tile, steps: int) -> float:
        problem, mmad = self.problem, self.target.costs.mmad
        m, n = min(tile.m, problem.m), min(tile.n, problem.n)
        per_fractal = mmad.fractal_b4 if problem.element_bytes == 4 else mmad.fractal
        deep = -(-problem.k * problem.element_bytes // BLOCK)
        return steps * mmad.start + per_fractal * -(-m // FRACTAL) * -(-n // FRACTAL) * deep

    def _mte1(self, tile: Tile, steps: int, cube: float) -> float:
        """Loads to L0, slower while the cube works, and no faster than they are issued."""
        problem, costs = self.problem, self.target.costs
        load = costs.load_l0
        row_bytes = -(-problem.k * problem.element_bytes // BLOCK) * BLOCK
        moved = row_bytes * (tile.rows / load.l0a + tile.columns / load.l0b)
        alone = steps * 2 * load.start + moved
        busy = alone + load.contention * min(alone, cube)
        return max(busy, steps * _STEP * costs.issue)

    def _fixpipe(self, tile: Tile, shares: Share) -> float:
        problem, fixpipe = self.problem, self.target.costs.fixpipe
        results = min(tile.m, problem.m) * min(tile.n, problem.n)
        rate = min(fixpipe.write, shares.write)
        slower = max(results * ACCUMULATOR / fixpipe.read, results * problem.result_bytes / rate)
        return fixpipe.start + slower

    def _floor(self) -> float:
        """Cycles in which memory can move what it has to, whatever the cores do."""
        moved, written = self.problem.left.size + self.problem.right.size, self._written()
        moved += written if moved + written > self.target.l2 else 0
        return moved / (self.target.costs.memory.gm_total * self.target.cube_cores)

    def _launch(self, cores: int) -> float:
        launch = self.target.costs.launch
        return (launch.base_us + cores * launch.cube_core_us) * self.target.clock_mhz

    def _written(self) -> int:
        problem = self.problem
        return problem.batch * problem.images * problem.m * problem.n * problem.result_bytes
