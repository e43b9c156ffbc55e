"""What the programs of a kernel read and write in global memory, and at which rate one core can."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field

from compiler.simulator.cost import Share, Source, Stream
from compiler.simulator.instruction import Program, Transfer
from compiler.simulator.locality import hit_share, readers, sharing
from compiler.simulator.moves import Move, Moves, moves_of
from compiler.soc.table import Soc


@dataclass(slots=True)
class Use:
    """The bytes that all cores move of one buffer in one direction, and the distinct ones.

    `hits`: the share of what is read again that is still in L2 by then. `sharing`: how many cores
    read one place at a time, on average; `readers`: how many do while it is in L2. `warm`: what is
    read is in L2 when the kernel begins, or when it is read. `rivals`: with how many cores such as
    read it a core shares the memory, those that move less counted as less. `writers`: how many
    cores write it.
    """

    total: int = 0
    distinct: int = 0
    first: int = 1 << 62
    last: int = 0
    hits: float = 1.0
    sharing: float = 1.0
    readers: float = 1.0
    rivals: float = 1.0
    writers: int = 0
    cached: bool = True
    warm: bool = False

    def add(self, transfer: Transfer, offsets: Collection[int], count: int) -> None:
        """Count transfers that are equal but for their offsets, `count` in all.

        Different ones are taken to be disjoint, up to the span that they cover together.
        """
        self.total += transfer.bytes * count
        self.first = min(self.first, *offsets)
        extent = transfer.pitch * (transfer.bursts - 1) + transfer.burst_bytes
        self.last = max(self.last, max(offsets) + extent)
        self.distinct += transfer.bytes * len(offsets)

    @property
    def compulsory(self) -> int:
        """Bytes that come from or go to memory at least once."""
        return max(0, min(self.distinct, self.last - self.first))

    @property
    def missing(self) -> float:
        """Bytes read that come from memory, first or again: once for all cores that share them."""
        if not self.cached:
            return self.total
        again = self.total / max(self.sharing, self.readers) - self.compulsory
        first = 0 if self.warm else self.compulsory
        return first + (1 - self.hits) * max(0.0, again)


@dataclass(slots=True)
class Traffic:
    """All reads, by stream, and all writes, by buffer."""

    reads: dict[Stream, Use] = field(default_factory=dict[Stream, Use])
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
    def memory_reads(self) -> int:
        """Bytes that are read from memory, not from L2."""
        return round(sum(use.missing for use in self.reads.values()))

    @property
    def allocated(self) -> int:
        """Distinct bytes that pass through L2: reads unless they go past it, and writes."""
        cached = (use.compulsory for stream, use in self.reads.items() if stream.cached)
        return sum(cached) + sum(use.compulsory for use in self.writes.values())

    def write_backs(self, l2: int) -> int:
        """Bytes that are written to memory: as many as pass through L2 beyond what it holds."""
        written = sum(use.compulsory for use in self.writes.values())
        return min(written, max(0, self.allocated - l2))


def measure(programs: Sequence[Program], l2: int, warm: Set[int] = frozenset()) -> Traffic:
    """Add up the moves of all programs; a core takes part when its program has any.

    `warm`: the buffers that are in L2 when the kernel begins.
    """
    traffic, cores = Traffic(), moves_of(programs)
    counts: Counter[Move] = Counter()
    offsets: defaultdict[Move, set[int]] = defaultdict(set)
    for moves in cores:
        for move, count in moves.counts.items():
            counts[move] += count * moves.cores
        for move, places in moves.offsets.items():
            offsets[move].update(places)
        traffic.cores += moves.cores if moves.counts else 0
    for move, count in counts.items():
        _use(traffic, move).add(move.transfer, offsets[move], count)
    for key, use in traffic.reads.items():
        use.warm = key.buffer in warm or key.buffer in traffic.writes
        use.rivals = _rivals(cores, key)
    for buffer, use in traffic.writes.items():
        use.writers = sum(moves.cores for moves in cores if moves.writes(buffer))
    _place(traffic, cores, l2)
    return traffic


def _rivals(cores: Sequence[Moves], key: Stream) -> float:
    """The cores that read the stream, and others as far as they move as much as these do."""
    moved = {id(m): sum(move.transfer.bytes * n for move, n in m.counts.items()) for m in cores}
    readers = [m for m in cores if any(_reads(move, key) for move in m.counts)]
    count = sum(m.cores for m in readers)
    own = sum(m.cores * moved[id(m)] for m in readers) / count
    others = sum(m.cores * min(own, moved[id(m)]) for m in cores if m not in readers)
    return count + (others / own if own else 0.0)


def _reads(move: Move, key: Stream) -> bool:
    return not move.transfer.write and move.stream == key


def _place(traffic: Traffic, cores: Sequence[Moves], l2: int) -> None:
    """Find out how the cores' reads meet in L2: at the same time, and again later."""
    fits = traffic.allocated <= l2
    uses = {key: use.compulsory for key, use in traffic.reads.items()}
    for key, use in traffic.reads.items():
        use.sharing = sharing(cores, key)
        if key.cached and not fits and use.total > use.compulsory:
            use.hits = hit_share(cores, key, uses, l2)
            use.readers = readers(cores, key, l2)


def _use(traffic: Traffic, move: Move) -> Use:
    if move.transfer.write:
        return traffic.writes.setdefault(move.transfer.buffer, Use())
    return traffic.reads.setdefault(move.stream, Use(cached=move.stream.cached))


def share(traffic: Traffic, soc: Soc, stretch: float = 1.0) -> Share:
    """The fair share of one core when all that take part are active.

    What misses L2 comes at the rate of memory, divided by `stretch` where memory is
    oversubscribed; the rest at the rate of L2, which also takes the writes. Cores that read the
    same place at a time hinder each other.
    """
    memory = soc.costs.memory
    cores = max(1, traffic.cores)
    reads: dict[Stream, Source] = {}
    for key, use in traffic.reads.items():
        windows = cores / use.sharing
        from_memory = min(memory.gm_read * soc.cube_cores, memory.gm_window * windows)
        hindrance = 1 + memory.l2_sharing * (use.sharing - 1)
        from_l2 = memory.l2_read * soc.cube_cores / hindrance
        missing = use.missing / use.total if use.total else 1.0
        reads[key] = Source(missing, from_memory / stretch / use.rivals, from_l2 / use.rivals)
    written = traffic.written_bytes
    through = traffic.write_backs(soc.l2) / written if written else 0.0
    slower = 1 + min(through, 1.0) * (stretch - 1)
    writers = min((use.writers for use in traffic.writes.values()), default=0) or cores
    return Share(reads, memory.l2_write * soc.cube_cores / writers / slower)


def oversubscription(traffic: Traffic, soc: Soc, cycles: float) -> float:
    """The bytes memory has to move, over what it can move in `cycles`."""
    capacity = soc.costs.memory.gm_total * soc.cube_cores * cycles
    return (traffic.memory_reads + traffic.write_backs(soc.l2)) / capacity if capacity else 0.0
