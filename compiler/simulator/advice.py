"""What would make a kernel faster: it is simulated again with one limit of the SoC lifted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from compiler.simulator.instruction import Program
from compiler.simulator.kernel import simulate_kernel
from compiler.simulator.kernel_timing import KernelTiming, core_count
from compiler.soc.costs import Costs, Dma
from compiler.soc.table import Soc

WORTH = 0.05
"""The least share of its time that a change has to save to be named."""

_Change: TypeAlias = "Callable[[Costs], Costs]"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to change, and the share of the kernel's time that would be saved at most."""

    change: str
    saves: float


def _dma(change: Callable[[Dma], Dma]) -> _Change:
    return lambda costs: replace(costs, dma={path: change(d) for path, d in costs.dma.items()})


def _faster(factor: float, shared: Sequence[str], own: str) -> _Change:
    """Rates of shared memory multiplied, and the most that one core gets."""

    def change(costs: Costs) -> Costs:
        rates = {name: getattr(costs.memory, name) * factor for name in shared}
        caps = _dma(lambda dma: replace(dma, **{own: getattr(dma, own) * factor}))
        return replace(caps(costs), memory=replace(costs.memory, **rates))

    return change


def _vector(costs: Costs) -> Costs:
    vector = costs.vector
    halves: Mapping[str, Mapping[str, float]] = {
        name: {kind: cycles / 2 for kind, cycles in getattr(vector, name).items()}
        for name in ("repeat", "repeat_b4")
    }
    rest = {"default": vector.default / 2, "conflict": vector.conflict / 2}
    return replace(costs, vector=replace(vector, **rest, **halves))


CHANGES: Mapping[str, _Change] = {
    "rows in global memory that start on 512 bytes (a padded inner dimension)": _dma(
        lambda dma: replace(dma, unaligned=0.0)
    ),
    "longer rows in global memory (short ones waste requests)": _dma(
        lambda dma: replace(dma, burst=0.0, row=0.0)
    ),
    "less latency of transfers (larger packets, or more of them in flight)": _dma(
        lambda dma: replace(dma, startup=0.0, miss=0.0, issue=0.0)
    ),
    "half the bytes from global memory (a smaller type, or fusion with a neighbour)": _faster(
        2.0, ("gm_read", "gm_total", "gm_window"), "gm_cap"
    ),
    "half the bytes read again through L2 (larger tiles)": _faster(2.0, ("l2_read",), "cap"),
    "half the work of the cube (a smaller type: int8 for float16)": lambda costs: replace(
        costs,
        mmad=replace(
            costs.mmad, fractal=costs.mmad.fractal / 2, fractal_b4=costs.mmad.fractal_b4 / 2
        ),
    ),
    "half the work of the vector unit (float16 for float32, fewer steps)": _vector,
    "no conflicts between banks of UB": lambda costs: replace(
        costs, vector=replace(costs.vector, conflict=0.0)
    ),
}
"""Changes by what a user would do to have their effect."""


def advice(programs: Sequence[Program], kernel: KernelTiming) -> Advice:
    """The one change that would save most; for the launch, which no kernel changes, that."""
    found = [
        Advice(change, _saved(programs, kernel, apply(kernel.soc.costs)))
        for change, apply in CHANGES.items()
    ]
    found.append(Advice(_LAUNCH, kernel.head_us / kernel.duration_us))
    best = max(found, key=lambda one: one.saves)
    if best.saves >= WORTH:
        return best
    cores = core_count(kernel.soc, kernel.core_type)
    if kernel.block_dim < cores:
        return Advice(f"more work to share: it keeps {kernel.block_dim} of {cores} cores busy", 0.0)
    return Advice("nothing that one change would bring: its pipes are balanced", 0.0)


_LAUNCH = "no launch of its own (fusion with a neighbour, or a larger batch)"


def _saved(programs: Sequence[Program], kernel: KernelTiming, costs: Costs) -> float:
    soc: Soc = replace(kernel.soc, costs=costs)
    changed = simulate_kernel(programs, soc, core_type=kernel.core_type, traffic=kernel.traffic)
    return 1 - changed.duration_us / kernel.duration_us
