"""Cycles of one instruction, from the cost parameters of the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from compiler.simulator.instruction import Instruction, Pipe, Transfer
from compiler.soc.costs import Costs, Dma

BARRIER = "pipe_barrier"
ROW_LOADS = "load_rows"
"""A load for each row, given by the scalar unit."""
NZ_LOADS = frozenset({"nd2nz", "dn2nz"})

_REQUEST = 128
"""Bytes of the smallest request to global memory: a shorter burst costs as much."""


class Cycles(NamedTuple):
    """How long an instruction keeps its pipe from the next one, how long its data then is on the
    way, behind that of those before it, and how long its result takes after that.

    `fill`: cycles more after an idle time, at most as many as that. `contention`: cycles more
    for each cycle in which the cube works too.
    """

    occupancy: float
    latency: float = 0.0
    transport: float = 0.0
    fill: float = 0.0
    contention: float = 0.0

    @property
    def pace(self) -> float:
        """Cycles for each of many such instructions behind each other."""
        return max(self.occupancy, self.transport)


class Stream(NamedTuple):
    """What is read of a buffer in one way: with or without format change, through L2 or past it."""

    buffer: int
    nz: bool
    cached: bool


class Source(NamedTuple):
    """Where a stream comes from: the part that misses L2, and bytes per cycle that one core gets
    of the shared memory and of the shared L2."""

    missing: float
    memory: float
    l2: float


@dataclass(frozen=True, slots=True)
class Share:
    """What one core gets of the shared memory: reads by stream, and B/cycle of writes."""

    read: Mapping[Stream, Source]
    write: float


def stream(instruction: Instruction, transfer: Transfer) -> Stream:
    """The stream that a read belongs to."""
    return Stream(transfer.buffer, instruction.mnemonic in NZ_LOADS, transfer.cached)


def cycles(instruction: Instruction, costs: Costs, share: Share, *, vector_core: bool) -> Cycles:
    """The cost of `instruction`; flags and barriers cost `costs.flag` and are not asked for."""
    match instruction.pipe:
        case Pipe.M:
            return _mmad(instruction, costs)
        case Pipe.V:
            return Cycles(_vector(instruction, costs))
        case Pipe.MTE1:
            return _load_l0(instruction, costs)
        case Pipe.FIX:
            return Cycles(_fixpipe(instruction, costs, share))
        case Pipe.MTE2 | Pipe.MTE3:
            return _dma(instruction, costs, share, vector_core=vector_core)
        case Pipe.S:
            return Cycles(max(costs.issue, instruction.repeats))


def _mmad(instruction: Instruction, costs: Costs) -> Cycles:
    mmad = costs.mmad
    per_fractal = mmad.fractal_b4 if instruction.element_bytes == 4 else mmad.fractal
    return Cycles(mmad.start + per_fractal * instruction.fractals, fill=mmad.fill)


def _vector(instruction: Instruction, costs: Costs) -> float:
    vector = costs.vector
    name = instruction.mnemonic.removeprefix("v")
    per_repeat = vector.repeat.get(name, vector.default)
    if instruction.element_bytes == 4:
        per_repeat = vector.repeat_b4.get(name, per_repeat)
    per_repeat = max(per_repeat, vector.conflict * instruction.bank_ways)
    return vector.start + per_repeat * instruction.repeats


def _load_l0(instruction: Instruction, costs: Costs) -> Cycles:
    load = costs.load_l0
    rate = {"load_l0b": load.l0b, "load_bt": load.bt}.get(instruction.mnemonic, load.l0a)
    return Cycles(load.start + instruction.bytes / rate, contention=load.contention)


def _fixpipe(instruction: Instruction, costs: Costs, share: Share) -> float:
    """The accumulators are read as 4-byte elements whatever is written."""
    fixpipe = costs.fixpipe
    read = instruction.bytes / instruction.element_bytes * 4 / fixpipe.read
    rate = fixpipe.write if instruction.transfer is None else min(fixpipe.write, share.write)
    return fixpipe.start + max(read, instruction.bytes / rate)


def _dma(instruction: Instruction, costs: Costs, share: Share, *, vector_core: bool) -> Cycles:
    nz = instruction.mnemonic in NZ_LOADS
    dma = costs.dma[_path(instruction, nz=nz, vector_core=vector_core)]
    transfer, alignment = instruction.transfer, costs.memory.alignment
    if transfer is None or transfer.bytes == 0:
        return Cycles(max(dma.issue, instruction.bytes / dma.cap), dma.startup)
    if transfer.write:
        sent = wire_bytes(transfer, dma, alignment)
        return Cycles(_least(transfer, dma), dma.startup, sent / min(dma.cap, share.write))
    read = read_cycles(transfer, dma, share.read[stream(instruction, transfer)], alignment)
    if instruction.mnemonic == ROW_LOADS:
        return read._replace(occupancy=max(read.occupancy, dma.issue * transfer.bursts))
    return read


def read_cycles(transfer: Transfer, dma: Dma, source: Source, alignment: int) -> Cycles:
    """The cost of a read from global memory."""
    from_memory = source.missing / min(dma.gm_cap, source.memory)
    from_l2 = (1 - source.missing) / min(dma.cap, source.l2)
    transport = wire_bytes(transfer, dma, alignment) * (from_memory + from_l2)
    latency = dma.startup + dma.miss * source.missing
    return Cycles(_least(transfer, dma), latency, transport)


def _least(transfer: Transfer, dma: Dma) -> float:
    return max(dma.issue, dma.row * transfer.bursts)


def _path(instruction: Instruction, *, nz: bool, vector_core: bool) -> str:
    if instruction.pipe is Pipe.MTE3:
        return "ub_gm"
    if nz:
        return "gm_l1_nz"
    return "gm_ub" if vector_core else "gm_l1"


def wire_bytes(transfer: Transfer, dma: Dma, alignment: int) -> float:
    """What a transfer costs of its rate, in bytes, by the length and the place of its bursts.

    A burst of at least `alignment` bytes wants to start on it, a shorter one on a request.
    """
    size = transfer.burst_bytes
    extra = dma.burst
    if misplaced(transfer, alignment):
        extra += min(dma.unaligned, max(size, _REQUEST))
    return transfer.bursts * (max(size, _REQUEST) + extra)


def misplaced(transfer: Transfer, alignment: int) -> bool:
    """Whether bursts begin elsewhere than at multiples of what they need."""
    step = alignment if transfer.burst_bytes >= alignment else _REQUEST
    return bool(transfer.offset % step or transfer.pitch % step)
