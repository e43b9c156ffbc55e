"""Cycles of one instruction, from the cost parameters of the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from compiler.simulator.instruction import Instruction, Pipe, Transfer
from compiler.soc.costs import Costs, Dma

BARRIER = "pipe_barrier"
NZ_LOADS = frozenset({"nd2nz", "dn2nz"})

_REQUEST = 128
"""Bytes of the smallest request to global memory: a shorter burst costs as much."""


class Cycles(NamedTuple):
    """How long an instruction keeps its pipe from the next one, and how long its result takes
    after that."""

    occupancy: float
    latency: float = 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """Bytes per cycle that one core gets of the shared memory: reads by buffer, and writes."""

    read: Mapping[tuple[int, bool], float]
    write: float


def cycles(instruction: Instruction, costs: Costs, share: Share, *, vector_core: bool) -> Cycles:
    """The cost of `instruction`; flags and barriers cost `costs.flag` and are not asked for."""
    match instruction.pipe:
        case Pipe.M:
            return Cycles(_mmad(instruction, costs))
        case Pipe.V:
            return Cycles(_vector(instruction, costs))
        case Pipe.MTE1:
            return Cycles(_load_l0(instruction, costs))
        case Pipe.FIX:
            return Cycles(_fixpipe(instruction, costs, share))
        case Pipe.MTE2 | Pipe.MTE3:
            return _dma(instruction, costs, share, vector_core=vector_core)
        case Pipe.S:
            return Cycles(costs.issue)


def _mmad(instruction: Instruction, costs: Costs) -> float:
    mmad = costs.mmad
    per_fractal = mmad.fractal_b4 if instruction.element_bytes == 4 else mmad.fractal
    return mmad.start + per_fractal * instruction.fractals


def _vector(instruction: Instruction, costs: Costs) -> float:
    vector = costs.vector
    name = instruction.mnemonic.removeprefix("v")
    per_repeat = vector.repeat.get(name, vector.default)
    if instruction.element_bytes == 4:
        per_repeat = vector.repeat_b4.get(name, per_repeat)
    if not instruction.bank_conflict:
        per_repeat = vector.free.get(name, per_repeat)
    return vector.start + per_repeat * instruction.repeats


def _load_l0(instruction: Instruction, costs: Costs) -> float:
    load = costs.load_l0
    rate = {"load_l0b": load.l0b, "load_bt": load.bt}.get(instruction.mnemonic, load.l0a)
    return load.start + instruction.bytes / rate


def _fixpipe(instruction: Instruction, costs: Costs, share: Share) -> float:
    """The accumulators are read as 4-byte elements whatever is written."""
    fixpipe = costs.fixpipe
    read = instruction.bytes / instruction.element_bytes * 4 / fixpipe.read
    rate = fixpipe.write if instruction.transfer is None else min(fixpipe.write, share.write)
    return fixpipe.start + max(read, instruction.bytes / rate)


def _dma(instruction: Instruction, costs: Costs, share: Share, *, vector_core: bool) -> Cycles:
    nz = instruction.mnemonic in NZ_LOADS
    dma = costs.dma[_path(instruction, nz=nz, vector_core=vector_core)]
    transfer = instruction.transfer
    if transfer is None or transfer.bytes == 0:
        return Cycles(max(dma.issue, instruction.bytes / dma.cap), dma.startup)
    shared = share.write if transfer.write else share.read[transfer.buffer, nz]
    rate = min(dma.cap, shared) * efficiency(transfer, dma, costs.memory.alignment)
    return Cycles(max(dma.issue, transfer.bytes / rate), dma.startup)


def _path(instruction: Instruction, *, nz: bool, vector_core: bool) -> str:
    if instruction.pipe is Pipe.MTE3:
        return "ub_gm"
    if nz:
        return "gm_l1_nz"
    return "gm_ub" if vector_core else "gm_l1"


def efficiency(transfer: Transfer, dma: Dma, alignment: int) -> float:
    """The share of its rate that a transfer reaches, by the length and the place of its bursts.

    A burst of at least `alignment` bytes wants to start on it, a shorter one on a request.
    """
    size = transfer.burst_bytes
    share = min(1.0, size / _REQUEST) * _interpolate(size, dma.efficiency)
    step = alignment if size >= alignment else _REQUEST
    if transfer.offset % step or transfer.pitch % step:
        return min(share, dma.unaligned)
    return share


def _interpolate(size: int, points: tuple[tuple[int, float], ...]) -> float:
    """Between the points of a rising table on straight lines, constant outside."""
    for (low, low_share), (high, high_share) in pairwise(points):
        if size < high:
            weight = max(0, size - low) / (high - low)
            return low_share + weight * (high_share - low_share)
    return points[-1][1]
