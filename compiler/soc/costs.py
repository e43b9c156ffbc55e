"""The cost parameters of an AI core: what the simulator computes time from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mmad:
    """Cycles of a matrix multiply: `start` + `fractal` or `fractal_b4` (4-byte inputs) each.

    A cube that has been idle takes up to `fill` cycles more, as many as it was idle.
    """

    start: float
    fill: float
    fractal: float
    fractal_b4: float


@dataclass(frozen=True, slots=True)
class LoadL0:
    """L1 → L0A, L0B and the bias table: `start` cycles, then bytes per cycle by destination.

    `contention`: what each cycle costs in addition in which the cube reads L0 at the same time.
    """

    start: float
    contention: float
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

    `repeat_b4` holds those that differ for 4-byte elements; `default` is for other mnemonics.
    A repeat takes at least `conflict` for each block that it has in one group of UB banks.
    """

    start: float
    default: float
    repeat: Mapping[str, float]
    repeat_b4: Mapping[str, float]
    conflict: float


@dataclass(frozen=True, slots=True)
class Dma:
    """One path to or from global memory, for a core on its own.

    `startup` cycles pass before the data of an instruction is there, and `miss` more for what
    comes from memory and not from L2, both overlapped with the instructions before it. `issue` is
    the least distance of two instructions, `row` that of two bursts. `cap` and `gm_cap` are the
    most bytes per cycle of one core, from L2 and from memory. On the way a burst costs `burst`
    bytes more than it has, and `unaligned` more when it does not start on `Memory.alignment`.
    """

    startup: float
    miss: float
    issue: float
    row: float
    cap: float
    gm_cap: float
    burst: float
    unaligned: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Rates shared by all cores, in bytes per cycle and cube core of the SoC.

    `gm_read`: reads that miss L2; `gm_total`: reads and writes that miss L2 together; `l2_read`:
    reads that hit; `l2_write`: all writes. `gm_window`: what all cores together get, in bytes per
    cycle, of an address that they read at the same time; `l2_sharing`: the part of its time by
    which a hit is longer for each other core that reads the same. `alignment` in bytes.
    """

    gm_read: float
    gm_total: float
    gm_window: float
    l2_read: float
    l2_sharing: float
    l2_write: float
    alignment: int


@dataclass(frozen=True, slots=True)
class Launch:
    """Microseconds outside the pipes: `base_us` before the first instruction of any kernel, and
    `cube_core_us` or `vector_core_us` more for each core that is started; `ai_cpu_us` is the whole
    of an AI CPU task (an assumption: no figure is published)."""

    base_us: float
    cube_core_us: float
    vector_core_us: float
    ai_cpu_us: float


@dataclass(frozen=True, slots=True)
class Costs:
    """All cost parameters of a SoC.

    `flag`: cycles of set, wait and barrier; `cross_flag`: cycles until another core sees a flag;
    `issue`: cycles the scalar unit takes to queue an instruction; `queue_depth`: instructions a
    pipe's queue holds, by pipe name.
    """

    flag: float
    cross_flag: float
    issue: float
    queue_depth: Mapping[str, int]
    mmad: Mmad
    load_l0: LoadL0
    fixpipe: Fixpipe
    vector: Vector
    dma: Mapping[str, Dma]
    memory: Memory
    launch: Launch


def _vector(own: Mapping[str, Any], common: Mapping[str, Any]) -> Vector:
    """The common table with what a family has of its own."""
    repeat = {**common["repeat"], **own.get("repeat", {})}
    fields: dict[str, Any] = {**common, **own, "repeat": repeat}
    return Vector(**fields)


def read_costs(data: Mapping[str, Any], vector: Mapping[str, Any]) -> Costs:
    """Build costs from the `costs` table of a family's file and the common vector table."""
    return Costs(
        flag=data["flag"],
        cross_flag=data["cross_flag"],
        issue=data["issue"],
        queue_depth=data["queue_depth"],
        mmad=Mmad(**data["mmad"]),
        load_l0=LoadL0(**data["load_l0"]),
        fixpipe=Fixpipe(**data["fixpipe"]),
        vector=_vector(data["vector"], vector),
        dma={path: Dma(**row) for path, row in data["dma"].items()},
        memory=Memory(**data["memory"]),
        launch=Launch(**data["launch"]),
    )
