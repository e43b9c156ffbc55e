"""The cores of a kernel as teams that run one block; teams whose programs are equal are timed once.

A team is a single core, or in a mixed kernel a cube core and its vector cores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compiler.simulator.assembly import Member
from compiler.simulator.core import CoreTiming, simulate_cores
from compiler.simulator.cost import Cycles, Share, cycles
from compiler.simulator.instruction import Program
from compiler.simulator.intern import Codes, Interner
from compiler.simulator.kernel_timing import CoreType, team_size
from compiler.simulator.traffic import Traffic, oversubscription, share
from compiler.soc.table import Soc

_ROUNDS = 6
"""How often the memory rates are adjusted; three rounds suffice for any kernel that was tried."""


class Teams:
    """The teams of a kernel; of each core, `keep` instructions are noted."""

    def __init__(self, programs: Sequence[Program], soc: Soc, kind: CoreType, keep: int) -> None:
        self._soc = soc
        self._kind = kind
        self._keep = keep
        self._interner = Interner(soc.costs.memory.alignment)
        self.blocks: Mapping[tuple[Codes, ...], Sequence[int]] = self._distinct(programs)
        """Which blocks run which programs."""

    def _distinct(self, programs: Sequence[Program]) -> dict[tuple[Codes, ...], list[int]]:
        known: dict[int, Codes] = {}
        for program in programs:
            if id(program) not in known:
                known[id(program)] = self._interner.codes(program)
        size = team_size(self._soc, self._kind)
        found: dict[tuple[Codes, ...], list[int]] = {}
        for block in range(len(programs) // size):
            team = programs[block * size : (block + 1) * size]
            found.setdefault(tuple(known[id(program)] for program in team), []).append(block)
        return found

    def settle(self, traffic: Traffic) -> list[list[CoreTiming]]:
        """Time the distinct teams; slow the memory down until it moves no more than it can."""
        stretch = 1.0
        timings = self._time(share(traffic, self._soc))
        for _ in range(_ROUNDS):
            slowest = max(timing.cycles for team in timings for timing in team)
            over = oversubscription(traffic, self._soc, slowest)
            if over <= 1.01:
                break
            stretch *= over
            timings = self._time(share(traffic, self._soc, stretch))
        return timings

    def _time(self, rates: Share) -> list[list[CoreTiming]]:
        """Each team alone, or all together where flags go from each core to all others."""
        distinct, costs = self._interner.distinct, self._soc.costs
        tables = [
            [cycles(item, costs, rates, vector_core=vector) for item in distinct]
            for vector in (False, True)
        ]
        teams = [
            [self._member(codes, tables, number, core) for core, codes in enumerate(team)]
            for number, team in enumerate(self.blocks)
        ]
        if any(item.cross is not None and item.cross.mode == 0 for item in distinct):
            every = [member for team in teams for member in team]
            timings = iter(simulate_cores(every, distinct, costs, keep=self._keep))
            return [[next(timings) for _ in team] for team in teams]
        return [simulate_cores(team, distinct, costs, keep=self._keep) for team in teams]

    def _member(
        self, codes: Codes, tables: Sequence[Sequence[Cycles]], number: int, core: int
    ) -> Member:
        vector = self._kind is CoreType.AI_VECTOR_CORE or core > 0
        if self._kind is not CoreType.MIX_AIC:
            return Member(codes, tables[vector], cube=not vector, group=number)
        name = f"vector core {core - 1}" if core else "the cube core"
        return Member(codes, tables[vector], not vector, number, name)
