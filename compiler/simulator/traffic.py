"""What the programs of a kernel read and write in global memory, and at which rate one core can."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from compiler.simulator.cost import NZ_LOADS, Share
from compiler.simulator.instruction import Program, Transfer
from compiler.soc.table import Soc


@dataclass(slots=True)
class Use:
    """The bytes that all cores move of one buffer in one direction, and the distinct ones."""

    total: int = 0
    distinct: int = 0
    first: int = 1 << 62
    last: int = 0

    def add(self, transfer: Transfer, count: int) -> None:
        """Count one transfer that occurs `count` times.

        Different transfers are taken to be disjoint, up to the span that they cover together.
        """
        self.total += transfer.bytes * count
        self.first = min(self.first, transfer.offset)
        end = transfer.offset + transfer.pitch * (transfer.bursts - 1) + transfer.burst_bytes
        self.last = max(self.last, end)
        self.distinct += transfer.bytes

    @property
    def compulsory(self) -> int:
        """Bytes that come from or go to memory at least once."""
        return max(0, min(self.distinct, self.last - self.first))


@dataclass(slots=True)
class Traffic:
    """All reads, by buffer and whether they change the format, and all writes, by buffer."""

    reads: dict[tuple[int, bool], Use] = field(default_factory=dict[tuple[int, bool], Use])
    writes: dict[int, Use] = field(default_factory=dict[int, Use])
    cores: int = 0

    @property
    def read_bytes(self) -> int:
        """Bytes read, once or again."""
        return sum(use.total for use in self.reads.values())

    @property
    def written_bytes(self) -> int:
        """Bytes written."""
        return sum(use.total for use in self.writes.values())

    @property
    def first_reads(self) -> int:
        """Bytes that are read from memory, not from L2."""
        return sum(use.compulsory for use in self.reads.values())

    def write_backs(self, l2: int) -> int:
        """Bytes that are written through to memory: none when all the data fits L2."""
        written = sum(use.compulsory for use in self.writes.values())
        return written if self.first_reads + written > l2 else 0


def measure(programs: Sequence[Program]) -> Traffic:
    """Add up the transfers of all programs; a core takes part when its program has any."""
    traffic = Traffic()
    counts: defaultdict[tuple[Transfer, bool], int] = defaultdict(int)
    for program, count in _distinct(programs):
        moved = False
        for instruction in program:
            if instruction.transfer is not None:
                moved = True
                counts[instruction.transfer, instruction.mnemonic in NZ_LOADS] += count
        traffic.cores += count if moved else 0
    for (transfer, nz), count in counts.items():
        _use(traffic, transfer, nz).add(transfer, count)
    return traffic


def _distinct(programs: Sequence[Program]) -> list[tuple[Program, int]]:
    """Programs that are the same object once, with their number."""
    counted: dict[int, tuple[Program, int]] = {}
    for program in programs:
        _, count = counted.get(id(program), (program, 0))
        counted[id(program)] = (program, count + 1)
    return list(counted.values())


def _use(traffic: Traffic, transfer: Transfer, nz: bool) -> Use:
    if transfer.write:
        return traffic.writes.setdefault(transfer.buffer, Use())
    return traffic.reads.setdefault((transfer.buffer, nz), Use())


def share(traffic: Traffic, soc: Soc, stretch: float = 1.0) -> Share:
    """The fair share of one core when all that take part are active.

    First reads come at the rate of memory, divided by `stretch` where memory is oversubscribed;
    the others at the rate of L2, which also takes the writes.
    """
    memory = soc.costs.memory
    scale = soc.cube_cores / max(1, traffic.cores)
    from_memory = memory.gm_read * scale / stretch
    reads: dict[tuple[int, bool], float] = {}
    for (buffer, nz), use in traffic.reads.items():
        from_l2 = (memory.l2_read_nz if nz else memory.l2_read) * scale
        again = use.total - use.compulsory
        cycles = use.compulsory / from_memory + again / from_l2
        reads[buffer, nz] = use.total / cycles if cycles else from_memory
    absorbed = traffic.write_backs(soc.l2) == 0
    return Share(reads, memory.l2_write * scale / (1.0 if absorbed else stretch))


def oversubscription(traffic: Traffic, soc: Soc, cycles: float) -> float:
    """The bytes memory has to move, over what it can move in `cycles`."""
    capacity = soc.costs.memory.gm_total * soc.cube_cores * cycles
    return (traffic.first_reads + traffic.write_backs(soc.l2)) / capacity if capacity else 0.0
