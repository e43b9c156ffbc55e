"""The cost parameters of an AI core: what the simulator computes time from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mmad:
    """Cycles of a matrix multiply: `start` + `fractal` or `fractal_b4` (4-byte inputs) each."""

    start: float
    fractal: float
    fractal_b4: float


@dataclass(frozen=True, slots=True)
class LoadL0:
    """L1 → L0A, L0B and the bias table: `start` cycles, then bytes per cycle by destination."""

    start: float
    l0a: float
    l0b: float
    bt: float


@dataclass(frozen=True, slots=True)
class Fixpipe:
    """L0C → elsewhere: `start` cycles, then the slower of reading L0C and writing (B/cycle)."""

    start: float
    read: float
    write: float


@dataclass(frozen=True, slots=True)
class Vector:
    """Cycles of a vector instruction: `start` + cycles per 256-byte repeat by mnemonic.

    `repeat` assumes that sources share UB banks; `free` holds those that are faster when they
    do not, `repeat_b4` those that differ for 4-byte elements; `default` is for other mnemonics.
    """

    start: float
    default: float
    repeat: Mapping[str, float]
    repeat_b4: Mapping[str, float]
    free: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Dma:
    """One path to or from global memory, for a core on its own.

    `startup` cycles pass before the data of an instruction is there, overlapped with the
    instructions before it; `issue` is the least distance of two instructions; `cap` is the most
    bytes per cycle of one core. `efficiency` gives (burst bytes, share of the rate) in rising
    order, `unaligned` the share when a burst does not start on `Memory.alignment`.
    """

    startup: float
    issue: float
    cap: float
    efficiency: tuple[tuple[int, float], ...]
    unaligned: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Rates shared by all cores, in bytes per cycle and cube core of the SoC.

    `gm_read`: first reads; `gm_total`: reads and writes that miss L2 together; `l2_read`: reads
    again, plain; `l2_read_nz`: reads again with format change; `l2_write`: all writes.
    `alignment` in bytes.
    """

    gm_read: float
    gm_total: float
    l2_read: float
    l2_read_nz: float
    l2_write: float
    alignment: int


@dataclass(frozen=True, slots=True)
class Launch:
    """Microseconds outside the pipes: before the first instruction of a kernel, by core type,
    and the whole of an AI CPU task (an assumption: no figure is published)."""

    cube_us: float
    vector_us: float
    ai_cpu_us: float


@dataclass(frozen=True, slots=True)
class Costs:
    """All cost parameters of a SoC.

    `flag`: cycles of set, wait and barrier; `issue`: cycles the scalar unit takes to queue an
    instruction; `queue_depth`: instructions a pipe's queue holds, by pipe name.
    """

    flag: float
    issue: float
    queue_depth: Mapping[str, int]
    mmad: Mmad
    load_l0: LoadL0
    fixpipe: Fixpipe
    vector: Vector
    dma: Mapping[str, Dma]
    memory: Memory
    launch: Launch


def read_costs(data: Mapping[str, Any], vector: Mapping[str, Any]) -> Costs:
    """Build costs from the `costs` table of a family's file and the common vector table."""
    return Costs(
        flag=data["flag"],
        issue=data["issue"],
        queue_depth=data["queue_depth"],
        mmad=Mmad(**data["mmad"]),
        load_l0=LoadL0(**data["load_l0"]),
        fixpipe=Fixpipe(**data["fixpipe"]),
        vector=Vector(**vector, **data["vector"]),
        dma={path: _dma(row) for path, row in data["dma"].items()},
        memory=Memory(**data["memory"]),
        launch=Launch(**data["launch"]),
    )


def _dma(row: Mapping[str, Any]) -> Dma:
    efficiency = tuple((size, share) for size, share in row["efficiency"])
    return Dma(efficiency=efficiency, **{k: v for k, v in row.items() if k != "efficiency"})
